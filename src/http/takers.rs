//! Takers: who is taking an answer, and how quickly. Where others wait for room, the slowest of them go.
//!
//! Must not know what is in an answer, nor how much room there is.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use http::request::Parts;
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Who takes less than so many bytes a second, a slow line's, may go where others wait.
const SLOW: u64 = 128 * 1024;
/// Nobody goes before so long: a line may pause.
const GRACE: Duration = Duration::from_secs(1);

/// The other end of a connection, as the listener knows it. Lies beside each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Bytes that it has taken so far.
    pub(crate) taken: Arc<AtomicU64>,
    /// Ends the connection at once, with all that is held for it.
    pub(crate) end: CancellationToken,
}

/// Who sent a request.
impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Client, Infallible> {
        // Without a listener, in a test, nobody can be ended.
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Who takes answers out of one room.
#[derive(Default)]
pub(crate) struct Takers(Mutex<All>);

#[derive(Default)]
struct All {
    next: u64,
    takers: HashMap<u64, Taker>,
}

struct Taker {
    client: Client,
    since: Instant,
    /// What the client had taken before.
    before: u64,
    /// What is held for it.
    bytes: usize,
}

impl Taker {
    /// Bytes a second, if that is slow.
    fn slowness(&self, now: Instant) -> Option<u64> {
        let spent = now.saturating_duration_since(self.since);
        if spent < GRACE || self.client.end.is_cancelled() {
            return None;
        }
        let taken = self.client.taken.load(Ordering::Relaxed).saturating_sub(self.before);
        let ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        Some(taken.saturating_mul(1_000) / ms).filter(|speed| *speed < SLOW)
    }
}

impl Takers {
    /// A client begins to take so many bytes.
    pub(crate) fn enter(self: &Arc<Self>, client: &Client, bytes: usize) -> Taking {
        let (client, since) = (client.clone(), Instant::now());
        let before = client.taken.load(Ordering::Relaxed);
        let mut all = self.all();
        let id = all.next;
        all.next += 1;
        all.takers.insert(id, Taker { client, since, before, bytes });
        Taking { id, takers: Arc::clone(self) }
    }

    /// Ends the slowest of those that are slow, until so many bytes are free.
    pub(crate) fn make_room(&self, bytes: usize, now: Instant) {
        let all = self.all();
        let slow = all.takers.values().filter_map(|taker| Some((taker.slowness(now)?, taker)));
        let mut slow: Vec<_> = slow.collect();
        slow.sort_unstable_by_key(|(speed, taker)| (*speed, taker.since));
        let mut free = 0;
        for (_, taker) in slow {
            if free >= bytes {
                return;
            }
            taker.client.end.cancel();
            free += taker.bytes;
        }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        lock(&self.0)
    }
}

/// A client that takes an answer; it has taken it when this goes.
pub(crate) struct Taking {
    id: u64,
    takers: Arc<Takers>,
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.takers.all().takers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(clients: &[Client]) -> Vec<usize> {
        (0..clients.len()).filter(|n| clients[*n].end.is_cancelled()).collect()
    }

    #[test]
    fn the_slowest_go_until_there_is_room() {
        let takers = Arc::new(Takers::default());
        let clients: Vec<Client> = (0..5).map(|_| Client::default()).collect();
        clients[3].taken.store(10 * SLOW, Ordering::Relaxed);
        let mut all: Vec<_> = clients.iter().map(|client| takers.enter(client, 100)).collect();
        let at = |seconds| Instant::now() + Duration::from_secs(seconds);
        // What was taken before counts nothing.
        for (client, taken) in clients.iter().zip([3_000, 1_000, 2 * SLOW, 2_000, 4_000]) {
            client.taken.fetch_add(taken, Ordering::Relaxed);
        }
        takers.make_room(1_000, at(0));
        assert_eq!(ended(&clients), Vec::<usize>::new(), "nobody is slow yet");
        takers.make_room(1, at(1));
        assert_eq!(ended(&clients), [1]);
        takers.make_room(101, at(1));
        assert_eq!(ended(&clients), [0, 1, 3], "who goes already makes no room for others");
        drop(all.pop());
        takers.make_room(usize::MAX, at(1));
        assert_eq!(ended(&clients), [0, 1, 3], "the others are quick, or have all");
        takers.make_room(1, at(3));
        assert_eq!(ended(&clients), [0, 1, 2, 3], "no longer quick");
        drop(all);
        assert!(takers.all().takers.is_empty());
    }
}
