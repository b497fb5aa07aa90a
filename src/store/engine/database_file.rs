//! The file of the database: looked at before it is touched, then held for life.
//!
//! What is no database of ours is refused as it is: not opened for writing, no mode changed, nothing
//! made beside it. Must not know what is done with the database.

use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use nix::libc;
use rusqlite::{Connection, OpenFlags};

use super::made::Made;
use super::opening::{Opening, Why};

/// Tells our databases from those of others, in the header of the file ("BTKs").
pub(crate) const APPLICATION_ID: i32 = 0x4254_4b73;
/// Where it stands in the header of a SQLite file, and how long that is.
const ID_AT: usize = 68;
const HEADER: usize = 100;
pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";

/// A byte of the database file on which nobody else puts a lock: SQLite's own are the 512 from
/// 1 GiB on. A lock reaches beyond the end of a file, so it need not be there.
#[cfg(target_os = "linux")]
const LOCKED_BYTE: i64 = 0x4000_0000 - 1;

/// The files that SQLite keeps beside a database.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
pub(crate) const LOCK: &str = ".lock";

/// A database that is ours alone until this is dropped.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    /// What goes with it, if the start fails. First, so that it is dropped while the locks are held.
    pub(crate) made: Made,
    /// Its name without links: under another one, it is still the same database.
    pub(crate) path: PathBuf,
    /// Its name as it was wanted, unless that is `path`: links in it may be turned to another file,
    /// which the next start would open.
    pub(crate) link: Option<PathBuf>,
    /// Carries the lock on the database itself, which holds when the lock file is gone. Must stay
    /// open until SQLite has closed the file: closing any handle of a file drops the locks that the
    /// process has on it through others ("How To Corrupt An SQLite Database File", 2.2), SQLite's
    /// among them. Our own is one of "open file description" (`F_OFD_SETLK`): SQLite's opening and
    /// closing does not drop it. `flock` would do that too, but NFS and SMB make it a lock on the
    /// whole file, which then keeps SQLite itself out.
    pub(crate) file: File,
    /// Carries the lock that other versions know, and says which process holds it.
    _lock: File,
}

/// Looks at what stands at `wanted`, and holds it.
pub(crate) fn take(wanted: &Path) -> Result<DatabaseFile, Opening> {
    look(wanted)?;
    let is_there = |name: &Path| fs::symlink_metadata(name).is_ok();
    let was_there = fs::exists(wanted).unwrap_or(true);
    let failed = |why: io::Error| Opening::of(wanted, why);
    let database = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(wanted)
        .map_err(failed)?;
    let path = fs::canonicalize(wanted).map_err(failed)?;
    let had_lock = is_there(&beside(&path, LOCK));
    let lock = match hold_for_life(&path, &database) {
        Err(why) if !was_there && !why.is_held() => {
            take_back(&path, &database);
            return Err(why);
        }
        taken => taken?,
    };
    // Looked at while it is held: another server may have come in between, and have filled it.
    let found = database.metadata().map_err(failed)?;
    let names = BESIDE.map(|ending| beside(&path, ending));
    let is_new = found.len() == 0 && !names.iter().any(|name| is_there(name));
    let mut files = Vec::new();
    if is_new {
        files.extend(names);
        files.extend((!had_lock).then(|| beside(&path, LOCK)));
        files.extend((!was_there).then(|| path.clone()));
    }
    let made = Made::new(&path, &found, files, is_new && was_there, is_ours_or_empty);
    let is_plain = std::path::absolute(wanted).is_ok_and(|name| name == path);
    let link = (!is_plain).then(|| wanted.to_owned());
    Ok(DatabaseFile { made, path, link, file: database, _lock: lock })
}

/// Puts both locks on it, where nothing stands in the way of its files; the second is in the file.
fn hold_for_life(path: &Path, database: &File) -> Result<File, Opening> {
    let lock_path = beside(path, LOCK);
    for name in BESIDE.map(|name| beside(path, name)).iter().chain([&lock_path]) {
        nothing_in_the_way(name)?;
    }
    if !hold(database) {
        return Err(held(path, fs::read_to_string(&lock_path).unwrap_or_default().trim()));
    }
    let lock = lock_file(path, &lock_path, database)?;
    make_private(path, database).map_err(|why| Opening::of(path, why))?;
    Ok(lock)
}

/// Takes away what was made by a start that then could not hold it for life. Another server may have come in between, so
/// only what it does not hold.
fn take_back(path: &Path, database: &File) {
    if hold(database) && database.metadata().is_ok_and(|made| made.len() == 0) {
        let _stays_empty = fs::remove_file(path);
    }
}

/// The name of a file beside the database.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Refuses what is there and is no database of ours. What is not there yet, or is empty, will be one.
fn look(path: &Path) -> Result<(), Opening> {
    let at = |why: Why| Opening::of(path, why);
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(error.into())),
        Ok(found) => found,
    };
    if let Some(kind) = no_file(found.file_type()) {
        return Err(at(Why::NoFile(kind)));
    }
    if found.len() == 0 {
        return Ok(());
    }
    let mut header = Vec::with_capacity(HEADER);
    File::open(path)
        .and_then(|file| file.take(HEADER as u64).read_to_end(&mut header))
        .map_err(|error| at(error.into()))?;
    match application_id(&header) {
        None => Err(at(Why::NoDatabase)),
        Some(APPLICATION_ID) => Ok(()),
        // Ours had none at first.
        Some(0) => {
            // Its log stands beside the file itself, and not beside a link to it.
            let file = fs::canonicalize(path).map_err(|error| at(error.into()))?;
            match tables(&file).map_err(|error| at(error.into()))? {
                Tables::None | Tables::Ours => Ok(()),
                Tables::Others(names) => {
                    Err(at(Why::Foreign { tables: format!(" (its tables: {names})") }))
                }
            }
        }
        Some(_) => Err(at(Why::Foreign { tables: String::new() })),
    }
}

/// What a file is that is none, in words.
fn no_file(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_dir() => Some("a folder"),
        _ if kind.is_fifo() => Some("a pipe"),
        _ if kind.is_socket() => Some("a socket"),
        _ if kind.is_symlink() => Some("a link"),
        _ => Some("a device"),
    }
}

/// Whether a file is a database of ours, or empty.
pub(crate) fn is_ours_or_empty(database: &Path) -> bool {
    let mut header = Vec::new();
    let file = File::open(database);
    let read = file.and_then(|file| file.take(HEADER as u64).read_to_end(&mut header));
    read.is_ok() && (header.is_empty() || application_id(&header) == Some(APPLICATION_ID))
}

/// What the header says of who made the file; nothing where it is no SQLite database.
fn application_id(header: &[u8]) -> Option<i32> {
    let id = header.get(ID_AT..ID_AT + 4)?.try_into().ok()?;
    (header.len() == HEADER && header.starts_with(MAGIC)).then(|| i32::from_be_bytes(id))
}

enum Tables {
    None,
    Ours,
    /// Some of their names.
    Others(String),
}

/// Which tables there are. Where the file alone shows none, or is not whole by itself, what counts may
/// stand in its log, if there is one.
fn tables(path: &Path) -> rusqlite::Result<Tables> {
    let alone = tables_of(path, true);
    let has_log = fs::metadata(beside(path, BESIDE[0])).is_ok_and(|log| log.len() > 0);
    if !has_log || matches!(alone, Ok(Tables::Ours | Tables::Others(_))) {
        return alone;
    }
    let index = beside(path, BESIDE[1]);
    let has_index = fs::symlink_metadata(&index).is_ok();
    let with_log = tables_of(path, false);
    // For a log without an index, SQLite makes one, and one who only reads leaves it.
    if !has_index {
        let _not_made = fs::remove_file(&index);
    }
    with_log
}

/// "Immutable" makes SQLite read the one file without its log, and neither lock it nor make any beside it.
fn tables_of(path: &Path, is_immutable: bool) -> rusqlite::Result<Tables> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(as_uri(path, is_immutable), read_only)?;
    let names: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema
             WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             ORDER BY name LIMIT 5",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let ours: i64 = connection.query_row(
        "SELECT COUNT(*) FROM pragma_table_info('migrations') WHERE name IN ('number', 'checksum')",
        [],
        |row| row.get(0),
    )?;
    Ok(match names.as_slice() {
        [] => Tables::None,
        _ if ours == 2 => Tables::Ours,
        _ => Tables::Others(names.join(", ")),
    })
}

fn as_uri(path: &Path, is_immutable: bool) -> OsString {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => uri.extend(format!("%{byte:02x}").bytes()),
            _ => uri.push(*byte),
        }
    }
    if is_immutable {
        uri.extend(b"?immutable=1");
    }
    OsString::from_vec(uri)
}

/// Puts the lock on the database itself; whether it is ours. A file system that knows no such locks
/// leaves the lock file.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_possible_truncation, reason = "the system's own constants, 1 and 0")]
fn hold(database: &File) -> bool {
    use nix::fcntl::{FcntlArg, fcntl};

    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: LOCKED_BYTE,
        l_len: 1,
        l_pid: 0,
    };
    let held = fcntl(database, FcntlArg::F_OFD_SETLK(&lock));
    !matches!(held, Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES))
}

/// Other systems have no such locks, or name them otherwise: the lock file alone holds it there.
#[cfg(not(target_os = "linux"))]
fn hold(_database: &File) -> bool {
    true
}

/// Who holds it is a help, not a need.
fn held(path: &Path, who: &str) -> Opening {
    let is_process = !who.is_empty() && who.bytes().all(|b| b.is_ascii_digit());
    let holder = if is_process { format!(" (process {who})") } else { String::new() };
    Opening::of(path, Why::Held { holder })
}

/// A link there would have another file written to.
fn nothing_in_the_way(path: &Path) -> Result<(), Opening> {
    match fs::symlink_metadata(path) {
        Ok(found) => match no_file(found.file_type()) {
            Some(kind) => Err(Opening::of(path, Why::InTheWay(kind))),
            None => Ok(()),
        },
        Err(_not_there) => Ok(()),
    }
}

fn lock_file(path: &Path, lock_path: &Path, database: &File) -> Result<File, Opening> {
    let failed = |why: io::Error| Opening::of(lock_path, why);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(lock_path)
        .map_err(|why| match why.kind() {
            ErrorKind::PermissionDenied if lock_path.exists() => {
                Opening::of(lock_path, Why::InTheWay("a file of another user"))
            }
            _ => failed(why),
        })?;
    let mut who = Vec::new();
    (&file).take(64).read_to_end(&mut who).map_err(failed)?;
    let who = who.trim_ascii();
    if !who.iter().all(u8::is_ascii_digit) {
        return Err(Opening::of(lock_path, Why::InTheWay("a file of something else")));
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(why)) => return Err(failed(why)),
        Err(TryLockError::WouldBlock) => return Err(held(path, &String::from_utf8_lossy(who))),
    }
    // Who started it as root once must not keep the owner out for ever. SQLite does the same for its
    // files. Where that is not allowed, so be it.
    if let Ok(owner) = database.metadata()
        && rustix::process::geteuid().is_root()
        && !fs::metadata(lock_path).is_ok_and(|lock| lock.uid() == owner.uid())
    {
        let _not_allowed = fchown(&file, Some(owner.uid()), Some(owner.gid()));
    }
    // Without room on the disk, too, it is held.
    let _no_room = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Takes from others the right to read the database; SQLite gives its side files the same mode.
/// Where that is not ours to decide (another user's file, a file system without modes), it is said.
fn make_private(path: &Path, database: &File) -> io::Result<()> {
    let found = database.metadata()?;
    let mode = found.mode() & 0o777;
    let private = mode & 0o700;
    if mode == private {
        return Ok(());
    }
    let is_own = found.uid() == rustix::process::geteuid().as_raw();
    let private = Permissions::from_mode(private);
    if is_own && database.set_permissions(private.clone()).is_ok() {
        for name in BESIDE.map(|name| beside(path, name)) {
            // By its name, not by opening it; see `DatabaseFile`.
            let _not_there = fs::set_permissions(name, private.clone());
        }
        return Ok(());
    }
    tracing::warn!(
        "{} can be read or written by other users (mode {mode:03o}, owner {}), and this process cannot change \
         that: chmod 600 it, or see that nobody else reaches its folder",
        path.display(),
        found.uid()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_name_with_links_in_it_is_kept_beside_the_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(home.join("one")).unwrap();
        symlink("one", home.join("current")).unwrap();
        let plain = take(&home.join("one/a.db")).unwrap();
        assert_eq!((plain.path.clone(), plain.link.clone()), (home.join("one/a.db"), None));
        drop(plain);
        let linked = take(&home.join("current/a.db")).unwrap();
        assert_eq!(linked.path, home.join("one/a.db"));
        assert_eq!(linked.link, Some(home.join("current/a.db")));
    }

    #[test]
    fn what_a_start_has_made_is_taken_away_where_it_fails_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::create_dir(beside(&path, LOCK)).unwrap();
        take(&path).unwrap_err();
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        take(&path).unwrap_err();
        assert!(path.exists(), "it was there before");
    }
}
