//! A temporary folder for one run of a command, removed when the command ends.
//!
//! It must not know what is put into it. Only its owner may read it: databases and logs of tasks
//! are private, even those of a demonstration.

use std::fs::{DirBuilder, remove_dir_all};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;

/// How often a name that is taken is followed by another one.
const NAMES_TRIED: usize = 8;

/// A folder that is there as long as this value is.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    /// Makes `<temporary folder of the system>/<name>-<process id>-<random>` with mode 0700.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        for _ in 0..NAMES_TRIED {
            let random = getrandom::u32().context("the system gave no random number")?;
            let path = parent.join(format!("{name}-{}-{random:08x}", std::process::id()));
            // Not recursive: a folder that is there already, or a link, is somebody else's.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!(
                            "cannot make the temporary folder {}; TMPDIR names another place",
                            path.display()
                        )
                    });
                }
            }
        }
        anyhow::bail!("no free name for a temporary folder in {}", parent.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // A process that was killed a moment ago may still finish one last file in there.
        for _ in 0..5 {
            match remove_dir_all(&self.path) {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(_) => sleep(Duration::from_millis(20)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_unique_and_gone_with_all_that_is_in_it() {
        let first = TemporaryFolder::new("btk-folder-test").unwrap();
        let second = TemporaryFolder::new("btk-folder-test").unwrap();
        assert_ne!(first.path(), second.path());
        let mode = first.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        std::fs::create_dir(first.path().join("inner")).unwrap();
        std::fs::write(first.path().join("inner/file"), "x").unwrap();
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists());
        assert!(second.path().exists());
    }
}
