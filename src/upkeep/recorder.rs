//! The recorder: writes down every two seconds what the figures have collected, and how many wait.
//!
//! In one small write beside the sending; a crash takes what had come since the last one. Must not
//! know what a figure means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Fault;
use crate::clock;
use crate::figures::{Batch, Figures, MINUTE, start};
use crate::lock::lock;
use crate::model::Time;
use crate::store::{self, Store};

/// Between two writes.
const TICK: Duration = Duration::from_secs(2);
/// Rows of webhooks in one write: a few milliseconds of the writer.
const PART: usize = 100;

/// What the recorder works with.
pub(crate) struct Recorder {
    store: Arc<Store>,
    figures: Arc<Figures>,
    /// The minute and the result of the last look that was written down.
    looked: Mutex<Option<(Time, i64)>>,
}

/// Whether a look at how many wait tells anything: the first one, another number, or the first of
/// a minute in which something waits. So who does nothing writes nothing.
fn is_news(before: Option<(Time, i64)>, minute: Time, waiting: i64) -> bool {
    before.is_none_or(|(known, waited)| waiting != waited || (waiting > 0 && known != minute))
}

impl Recorder {
    /// A recorder that has not begun.
    pub(crate) fn new(store: Arc<Store>, figures: Arc<Figures>) -> Recorder {
        Recorder { store, figures, looked: Mutex::new(None) }
    }

    /// Works until `stop`. A write is never left half way, or what it holds would be lost.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut fault = Fault::default();
        while !stop.is_cancelled() {
            fault.watch(self.write_down()).await;
            tokio::select! {
                () = stop.cancelled() => {},
                () = sleep(TICK) => {},
            }
        }
    }

    /// Writes down what there is.
    ///
    /// # Errors
    /// As for a write; what was not written is kept for the next time.
    pub(crate) async fn write_down(&self) -> store::Result<()> {
        let waiting = self.store.read(store::waiting_in_all).await?;
        let now = clock::now();
        let look = (start(now, MINUTE), waiting);
        let mut left = self.figures.take();
        if left.is_empty() && !is_news(self.looked(), look.0, waiting) {
            return Ok(());
        }
        left.look(now, waiting);
        while !left.is_empty() {
            let part = Arc::new(left.part(PART));
            if let Err(error) = self.write(Arc::clone(&part)).await {
                left.add(Arc::unwrap_or_clone(part));
                self.figures.put_back(left);
                return Err(error);
            }
        }
        *lock(&self.looked) = Some(look);
        Ok(())
    }

    async fn write(&self, part: Arc<Batch>) -> store::Result<()> {
        self.store.write_patiently(move |tx| store::add_figures(tx, &part)).await
    }

    fn looked(&self) -> Option<(Time, i64)> {
        *lock(&self.looked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_news_at_first_when_it_changes_and_each_minute_in_which_something_waits() {
        let (now, next) = (Time(60_000), Time(120_000));
        assert!(is_news(None, now, 0));
        assert!(!is_news(Some((now, 0)), next, 0));
        assert!(is_news(Some((now, 0)), now, 1) && is_news(Some((now, 1)), now, 0));
        assert!(!is_news(Some((now, 3)), now, 3));
        assert!(is_news(Some((now, 3)), next, 3));
    }
}
