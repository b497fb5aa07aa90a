//! The log that stands beside the database at a start: is it one of SQLite, and of this database?
//!
//! SQLite takes what it does not know for no log at all and writes over it, and copies that of another database into this
//! one. So what cannot be this database's is put aside first, and said. Must not know what is in a log.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;

use super::contents::{HEAD_VERSION, LOG_HEAD};
use super::database_file::{DatabaseFile, beside};
use super::files::put_log_aside;

/// How a log begins ("WAL-mode File Format", part 4.1); the last bit says how its sums are made.
const MAGIC: u32 = 0x377f_0682;

/// Puts aside a log that is none, or is another database's. To be called by who holds the database, before SQLite opens it.
pub(crate) fn look(database: &DatabaseFile) -> io::Result<()> {
    let log = beside(&database.path, "-wal");
    let mut head = Vec::new();
    match File::open(&log) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?.take(LOG_HEAD).read_to_end(&mut head)?,
    };
    let Some(what) = fault(&head, page_of(&database.file)?) else { return Ok(()) };
    let aside = put_log_aside(&database.path)?;
    tracing::error!(
        "{} {what}, so it was put aside as {}. What was acknowledged last and stood in the log alone is not there: put a \
         backup in the place of {} if that has more",
        log.display(),
        aside.display(),
        database.path.display()
    );
    Ok(())
}

/// Bytes of a page of the database; nothing while there is none in it.
fn page_of(database: &File) -> io::Result<Option<u32>> {
    let mut size = [0; 2];
    match database.read_exact_at(&mut size, 16) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let size = u32::from(u16::from_be_bytes(size));
    // As SQLite writes it: 65536 is no number of 16 bits.
    Ok(Some(if size == 1 { 65_536 } else { size }))
}

/// What is wrong with the head of a log beside a database of such pages.
fn fault(head: &[u8], page: Option<u32>) -> Option<&'static str> {
    const NONE: &str = "is no log of a database";
    if head.is_empty() {
        return None;
    }
    let words: Vec<u32> = head
        .chunks_exact(4)
        .map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
        .collect();
    let [magic, version, size, _, _, _, first, second] = words[..] else { return Some(NONE) };
    let is_known = magic & !1 == MAGIC && version == HEAD_VERSION;
    if !is_known || sums(&words[..6], magic & 1 == 1) != (first, second) {
        return Some(NONE);
    }
    page.is_some_and(|page| page != size).then_some("is the log of another database")
}

/// The sums of some words, which are read as they stand or with their bytes turned round.
fn sums(words: &[u32], is_as_it_stands: bool) -> (u32, u32) {
    let read = |word: u32| if is_as_it_stands { word } else { word.swap_bytes() };
    words.chunks_exact(2).fold((0, 0), |(first, second), pair| {
        let first = read(pair[0]).wrapping_add(first).wrapping_add(second);
        (first, read(pair[1]).wrapping_add(second).wrapping_add(first))
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::engine::database_file;

    /// The head of a log that SQLite has written beside a database of such pages.
    fn written(page: u32) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Connection::open(&path).unwrap();
        let sql =
            format!("PRAGMA page_size = {page}; PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
        database.execute_batch(&sql).unwrap();
        let log = std::fs::read(beside(&path, "-wal")).unwrap();
        log[..32].to_vec()
    }

    #[test]
    fn the_log_of_this_database_is_left_alone() {
        for page in [512, 1_024, 65_536] {
            assert_eq!(fault(&written(page), Some(page)), None, "{page}");
            assert_eq!(fault(&written(page), None), None);
        }
        assert_eq!(fault(&[], Some(1_024)), None, "an empty one");
    }

    #[test]
    fn what_is_no_log_and_that_of_another_database_are_told_apart() {
        let head = written(1_024);
        assert!(fault(&head, Some(4_096)).unwrap().contains("another"));
        for at in 0..32 {
            let mut other = head.clone();
            other[at] ^= 0x40;
            assert!(fault(&other, Some(1_024)).unwrap().contains("no log"), "byte {at}");
        }
        for bad in [&[0; 32][..], b"a", b"text that somebody has put there instead"] {
            assert!(fault(bad, Some(1_024)).unwrap().contains("no log"));
        }
    }

    #[test]
    fn what_was_put_aside_stays_when_more_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = database_file::take(&path).unwrap();
        for text in ["one", "two"] {
            std::fs::write(beside(&path, "-wal"), text).unwrap();
            look(&database).unwrap();
            assert!(!beside(&path, "-wal").exists());
        }
        look(&database).unwrap();
        let kept = ["-wal.aside", "-wal.aside-2"].map(|name| std::fs::read(beside(&path, name)));
        assert_eq!(kept.map(Result::unwrap), [b"one", b"two"]);
    }
}
