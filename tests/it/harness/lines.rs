//! What a child writes to its streams, line by line.
//!
//! It must not know what a line means.

use std::io::{BufRead as _, BufReader, Read};

use tokio::sync::watch;

use super::eventually;

/// The lines that a child wrote to one of its streams so far.
#[derive(Clone)]
pub(crate) struct Lines(watch::Sender<Vec<String>>);

impl Lines {
    /// Collects on a thread of its own, so that the child never waits for a test to read.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let sender = watch::Sender::new(Vec::new());
        let lines = Self(sender.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                sender.send_modify(|lines| lines.push(line));
            }
        });
        lines
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits for a line with these words.
    pub(crate) async fn wait_for(&self, words: &str) -> String {
        eventually(&format!("line {words:?}"), async || self.first(words)).await
    }

    pub(super) fn first(&self, words: &str) -> Option<String> {
        self.0.borrow().iter().find(|line| line.contains(words)).cloned()
    }

    /// Whether the stream has ended and all of it is here: the reader held the only other handle, and has dropped it.
    pub(super) fn are_whole(&self) -> bool {
        self.0.sender_count() == 1
    }
}
