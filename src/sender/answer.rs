//! The body of an answer: as much of it as is worth reading, as text that can be shown.
//!
//! Must not know what was asked, nor how it is packed.

use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::{KEPT_MOST, text};

/// What is read of an answer, in bytes.
const READ_MOST: usize = 64 * 1024;
/// What is read beyond the kept part to find secrets that lie across the cut, in bytes.
const MARGIN: usize = 4 * 1024;

/// Why it may be so.
const OPEN: &str =
    "Its body stayed open: have the receiver end it, which a stream of events never does.";

/// When an attempt must end, and how long that was in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// The end.
    pub(super) at: Instant,
    limit: Duration,
}

impl Deadline {
    /// `limit` after `began`.
    pub(super) fn new(began: Instant, limit: Duration) -> Deadline {
        Deadline { at: began + limit, limit }
    }

    /// `No answer came within 10 seconds.`
    pub(super) fn missed(self, what: &str) -> String {
        match self.limit.as_secs() {
            1 => format!("{what} within 1 second."),
            seconds => format!("{what} within {seconds} seconds."),
        }
    }
}

/// Reads at most 64 KiB, keeps 4 KiB and the margin; also says how the reading ended. An answer
/// that is longer counts as read; dropping the rest closes its connection.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    deadline: Deadline,
) -> (String, Result<(), String>) {
    let mut kept = Vec::new();
    let mut total = 0;
    let end = loop {
        let frame = match timeout_at(deadline.at, body.frame()).await {
            Err(_) => {
                let late = deadline.missed("The answer was not complete");
                break Err(format!("{late} {OPEN}"));
            }
            Ok(None) => break Ok(()),
            Ok(Some(Err(_))) => break Err("The connection broke within the answer.".to_owned()),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Some(data) = frame.data_ref() {
            total += data.len();
            let room = (KEPT_MOST + MARGIN).saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            if total > READ_MOST {
                break Ok(());
            }
        }
    };
    (text::of(headers, &kept, KEPT_MOST + MARGIN), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missed_deadline_says_how_long_it_was() {
        let within = |seconds| Deadline::new(Instant::now(), Duration::from_secs(seconds));
        assert_eq!(within(1).missed("No answer came"), "No answer came within 1 second.");
        assert_eq!(within(30).missed("No answer came"), "No answer came within 30 seconds.");
    }
}
