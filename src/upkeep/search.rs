//! When the search index is filled: beside the writing, not in its way.
//!
//! A step holds the writer for a few milliseconds, and who writes meanwhile waits for it. So a step waits for a moment
//! in which nobody writes, but not for ever: a server that is never quiet takes in a step a second, which hardly one
//! of a hundred writes meets, until so much waits that it goes on without regard. Must not know what is indexed.

use std::time::Duration;

use tokio::time::timeout;

use super::Upkeep;
use crate::store;

/// Between two looks at how far the index is behind, and the longest wait for a quiet moment.
pub(super) const ROUND: Duration = Duration::from_secs(1);
/// Events that wait before any is taken in: a search looks through so many in a few milliseconds.
pub(super) const DUE: i64 = 1_000;
/// So many wait only where more comes than is taken in beside it.
const FAR_BEHIND: i64 = 100_000;
/// Nobody writes where nobody has for so long: who makes tasks one after the other is back earlier.
const QUIET: Duration = Duration::from_millis(10);

impl Upkeep {
    /// Takes in what waits now, if it is more than `due` events.
    pub(super) async fn fill_search_index(&self, due: i64) -> store::Result<()> {
        let mut left = self.store.read(store::index_backlog).await?;
        let (is_due, is_far_behind) = (left > due, left > FAR_BEHIND);
        while is_due && left > 0 {
            if !is_far_behind {
                self.wait_for_quiet().await;
            }
            let taken = self.step(store::index_step).await?;
            if taken == 0 {
                break;
            }
            left -= taken;
        }
        Ok(())
    }

    async fn wait_for_quiet(&self) {
        let mut commits = self.store.commits();
        let quiet = async { while let Ok(Ok(())) = timeout(QUIET, commits.changed()).await {} };
        let _or_never = timeout(ROUND, quiet).await;
    }
}
