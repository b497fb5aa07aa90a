//! A `.env` that is a pipe: some password managers put one there, and write into it whenever somebody reads it.
//!
//! Read like a file, but not waited for where nobody writes. Must not know what stands in it.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;

/// For somebody who writes: who waits for a reader has it open at once, who looks for one now and then soon.
const FOR_A_WRITER: Duration = Duration::from_secs(2);
/// For what somebody writes who has it open: a person may have to be asked first.
const FOR_WORDS: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// More than any settings.
const MOST: usize = 1024 * 1024;

/// Whether a path names a pipe.
pub(super) fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo())
}

/// All that is written into a pipe; nothing where nobody writes into it.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Else the opening itself would wait for who writes.
    let mut pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let (mut bytes, mut part, mut since) = (Vec::new(), [0; 4_096], Instant::now());
    while bytes.len() <= MOST {
        let patience = match pipe.read(&mut part) {
            // Who wrote has closed it.
            Ok(0) if !bytes.is_empty() => return Ok(Some(bytes)),
            Ok(0) => FOR_A_WRITER,
            Ok(n) => {
                bytes.extend_from_slice(&part[..n]);
                since = Instant::now();
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => FOR_WORDS,
            Err(error) => return Err(error),
        };
        if since.elapsed() > patience {
            return Ok(None);
        }
        sleep(PAUSE);
    }
    Err(io::Error::other("it is a pipe out of which more than 1 MiB comes"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_written_into_a_pipe_is_read_and_nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(!is_pipe(&path));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(is_pipe(&path));
        assert_eq!(read(&path).unwrap(), None);
        let to = path.clone();
        let long = "PORT=0\n".repeat(20_000);
        let written = long.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, written).unwrap());
        assert_eq!(read(&path).unwrap(), Some(long.into_bytes()));
        writer.join().unwrap();
    }
}
