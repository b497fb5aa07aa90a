//! The wall clock of the program under test, which libfaketime moves; its steady clock is left alone.
//!
//! It must not know what the program does by either.

use std::path::{Path, PathBuf};

/// Where Debian puts the one for threads: with the plain one, of two threads that read the clock at once one now and then
/// gets the true time.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// The program's wall clock.
pub(crate) struct Wall(PathBuf);

impl Wall {
    /// A clock for a program in this directory, and what its environment needs; none where there is no libfaketime.
    pub(crate) fn in_home(home: &Path) -> Option<(Wall, [(&'static str, String); 5])> {
        let library = LIBRARIES.iter().find(|path| Path::new(path).exists())?;
        let wall = Wall::of_home(home);
        wall.off_by(0);
        let file = wall.0.to_str().expect("a plain path").to_owned();
        let set = [
            ("LD_PRELOAD", (*library).to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        Some((wall, set))
    }

    /// The clock of a program that was started so in this directory.
    pub(crate) fn of_home(home: &Path) -> Wall {
        Wall(home.join("clock"))
    }

    /// From now on it is off by so many seconds.
    pub(crate) fn off_by(&self, seconds: i64) {
        // Whole at every moment: the program reads it at each look at the clock.
        let next = self.0.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}s\n")).expect("the file is written");
        std::fs::rename(&next, &self.0).expect("the file is replaced");
    }
}
