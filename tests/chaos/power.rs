//! A power cut: the process ends at once, and of what was not synced the disk has nothing, or a part, or half of a sector
//! row of it. `disk.c` notes what stood there before; a cut puts it back.
//!
//! A file that was made counts as made: its folder is synced when the log is.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::witness::{Ledger, busy_receiver};
use crate::harness::{Receiver, Server, home};
use crate::rounds::{Plan, Proof, loaded, rounds};

/// What a disk writes whole.
const SECTOR: usize = 512;

/// The library that stands between the program and its disk, built once.
pub(crate) fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chaos/disk.c");
        let flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"];
        let status = Command::new("cc").args(flags).arg(&built).arg(source).status();
        assert!(status.expect("a C compiler").success(), "{source} is built");
        built
    })
}

/// A server whose writes are noted in a file beside its home.
pub(crate) async fn noted(receiver: &Receiver) -> Server {
    let home = home();
    let notes = home.path().join("disk");
    let settings = [
        ("WEBHOOK_URL", receiver.url()),
        ("LD_PRELOAD", library().to_str().expect("a plain path").to_owned()),
        ("DISK_LOG", notes.to_str().expect("a plain path").to_owned()),
    ];
    Server::start_in(home, &settings.each_ref().map(|(name, value)| (*name, &**value))).await
}

pub(crate) async fn cut(plan: Plan) -> Proof {
    rounds(plan, noted, async |server, _, round| {
        server.kill9();
        undo(server.home(), plan.chance(round));
        server.restart().await;
        whole(&server.home().join("btk.db"));
    })
    .await
}

/// The same on a disk that says it has synced and has not. What was acknowledged is lost, and that must be seen: else
/// the row above would prove nothing.
pub(crate) async fn control(plan: Plan) -> Proof {
    let mut proof = Proof::default();
    let mut seen = 0;
    for round in 0..plan.rounds {
        let receiver = Receiver::start(busy_receiver).await;
        let mut server = noted(&receiver).await;
        server.stop().await;
        server.set("DISK_LIES", "1");
        server.restart().await;
        let load = loaded(&server).await;
        server.kill9();
        let ledger: Ledger = load.end().await;
        undo(server.home(), plan.chance(round));
        server.unset("DISK_LIES");
        let is_lost = match server.restart_or_end().await {
            Some(_) => true,
            None => !ledger.lost(&server).await.is_empty(),
        };
        seen += usize::from(is_lost);
        proof.rounds += 1;
        proof.acknowledged += ledger.acknowledged;
        proof.took += ledger.took;
    }
    proof.is_broken = seen == 0;
    proof.note = format!("a loss was seen in {seen} of {} rounds", proof.rounds);
    proof
}

/// Ends the row unless the database is whole.
pub(crate) fn whole(path: &Path) {
    let database = rusqlite::Connection::open(path).expect("the database");
    let said: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it is read");
    assert_eq!(said, "ok", "{}", path.display());
}

/// A note of `disk.c`.
struct Note {
    kind: u64,
    file: usize,
    offset: u64,
    size: u64,
    before: Vec<u8>,
}

const WRITE: u64 = 1;
const SYNC: u64 = 2;
const FAULT: u64 = 3;

fn notes(home: &Path) -> Vec<Note> {
    let mut bytes = Vec::new();
    File::open(home.join("disk")).and_then(|mut file| file.read_to_end(&mut bytes)).expect("notes");
    let mut notes = Vec::new();
    let mut rest = bytes.as_slice();
    // The last one may be cut off: then its write has not begun.
    while let Some((head, tail)) = rest.split_first_chunk::<40>() {
        let field = |n: usize| {
            let bytes = head[n * 8..][..8].try_into().expect("eight bytes");
            u64::from_ne_bytes(bytes)
        };
        let length = usize::try_from(field(3)).expect("a length");
        let Some((before, tail)) = tail.split_at_checked(length) else { break };
        notes.push(Note {
            kind: field(0),
            file: usize::try_from(field(1)).expect("a file"),
            offset: field(2),
            size: field(4),
            before: before.to_vec(),
        });
        rest = tail;
    }
    notes
}

/// How many calls were made to fail.
pub(crate) fn faults_met(home: &Path) -> usize {
    notes(home).iter().filter(|note| note.kind == FAULT).count()
}

/// Takes back what was not synced: all of it, or the newest part, the oldest of that by sectors.
pub(crate) fn undo(home: &Path, chance: u64) {
    let notes = notes(home);
    for (file, name) in ["btk.db", "btk.db-wal"].into_iter().enumerate() {
        let mine = |note: &&Note| note.file == file;
        let syncs = notes.iter().filter(mine).filter(|note| note.kind == SYNC);
        let synced = syncs.map(|note| note.offset).max().unwrap_or(0);
        let synced = usize::try_from(synced).expect("a count").min(notes.len());
        let pending: Vec<_> =
            notes[synced..].iter().filter(mine).filter(|note| note.kind == WRITE).collect();
        let chance = chance.rotate_left(u32::try_from(file).unwrap_or(0) * 16);
        let kept = match chance % 3 {
            0 => 0,
            _ => usize::try_from(chance >> 8).unwrap_or(0) % (pending.len() + 1),
        };
        let path = home.join(name);
        let Ok(disk) = File::options().write(true).open(&path) else { continue };
        for (nth, note) in pending[kept..].iter().enumerate().rev() {
            let is_torn = nth == 0 && kept > 0;
            for (sector, bytes) in note.before.chunks(SECTOR).enumerate() {
                let stays = is_torn && (chance >> (sector % 64)) & 1 == 1;
                if !stays {
                    let at = note.offset + (sector * SECTOR) as u64;
                    disk.write_all_at(bytes, at).expect("it is written");
                }
            }
            if !is_torn {
                disk.set_len(note.size).expect("it is cut");
            }
        }
    }
    // It is rebuilt from the log.
    drop(fs::remove_file(home.join("btk.db-shm")));
}
