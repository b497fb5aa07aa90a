//! Places: how many requests are answered at a time, and how many bodies come in (backpressure).
//!
//! A request has its place when all of it is there. While its body comes it waits beside the others, in a share of its
//! own, less of it for who has shown no token; where that is full, the body that has taken the longest is refused for
//! the new one. Must not know what a request asks for.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::errors::{Busy, Kind};
use super::problem::Problem;
use crate::lock::lock;

/// Requests that are answered at a time, over all routes.
const PLACES: usize = 512;

/// What bodies under way may have together.
#[derive(Clone, Copy)]
struct Allowance {
    bodies: usize,
    bytes: usize,
}

/// Of all bodies: few enough that connections are left for others.
const ALL: Allowance = Allowance { bodies: 256, bytes: 32 * 1024 * 1024 };
/// Of those from strangers, who send a token at most.
const STRANGERS: Allowance = Allowance { bodies: 64, bytes: 1024 * 1024 };

/// All places.
pub(crate) struct Places {
    answers: Arc<Semaphore>,
    bodies: Mutex<Bodies>,
}

impl Places {
    /// All of them free.
    pub(crate) fn new() -> Arc<Places> {
        Arc::new(Places { answers: Arc::new(Semaphore::new(PLACES)), bodies: Mutex::default() })
    }

    /// Gives a request a place. `is_strange`: who sends it has shown no token, so its body has the strangers' share.
    pub(crate) fn take(self: &Arc<Self>, is_strange: bool) -> Result<Place, Problem> {
        let free = self.free()?;
        Ok(Place(Arc::new(Inner {
            places: Arc::clone(self),
            is_strange,
            held: Mutex::new(Some(free)),
        })))
    }

    fn free(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.answers).try_acquire_owned().map_err(|_| busy())
    }

    fn bodies(&self) -> MutexGuard<'_, Bodies> {
        lock(&self.bodies)
    }
}

/// Everything is taken.
pub(crate) fn busy() -> Problem {
    Busy::saying("The server answers as many requests as it can; try again in a second")
}

/// The place of one request, until its answer begins. It lies beside a request that has a body.
#[derive(Clone)]
pub(crate) struct Place(Arc<Inner>);

struct Inner {
    places: Arc<Places>,
    is_strange: bool,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Place {
    /// Lets others have the place while a body comes. `read` is given the body's part of what may be under way, to
    /// tell of each piece.
    ///
    /// # Errors
    /// 503 if others need the room more, or if no place is free when all of it is there; whatever `read` says.
    pub(crate) async fn while_it_comes<T, F>(
        &self,
        read: impl FnOnce(Coming) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        drop(lock(&self.0.held).take());
        let (coming, cut) = self.come();
        let whole = tokio::select! {
            whole = read(coming) => whole?,
            () = cut.cancelled() => return Err(Busy::saying(
                "More bodies are under way than the server can hold, and this one took the longest; send it again, \
                 all at once",
            )),
        };
        *lock(&self.0.held) = Some(self.0.places.free()?);
        Ok(whole)
    }

    fn come(&self) -> (Coming, CancellationToken) {
        let cut = CancellationToken::new();
        let body = Body { is_strange: self.0.is_strange, bytes: 0, cut: cut.clone() };
        let mut bodies = self.0.places.bodies();
        let id = bodies.next;
        bodies.next += 1;
        bodies.under_way.insert(id, body);
        bodies.make_room();
        (Coming { places: Arc::clone(&self.0.places), id }, cut)
    }
}

/// A body on its way in.
pub(crate) struct Coming {
    places: Arc<Places>,
    id: u64,
}

impl Coming {
    /// So many bytes more are here.
    pub(crate) fn grows(&self, bytes: usize) {
        let mut bodies = self.places.bodies();
        if let Some(body) = bodies.under_way.get_mut(&self.id) {
            body.bytes += bytes;
            bodies.make_room();
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.places.bodies().under_way.remove(&self.id);
    }
}

struct Body {
    is_strange: bool,
    bytes: usize,
    cut: CancellationToken,
}

/// Bodies under way, the first to come first.
#[derive(Default)]
struct Bodies {
    next: u64,
    under_way: BTreeMap<u64, Body>,
}

impl Bodies {
    fn is_over(&self, share: Allowance, only_strange: bool) -> bool {
        let counted = self.under_way.values().filter(|body| body.is_strange || !only_strange);
        let (bodies, bytes) =
            counted.fold((0, 0), |(bodies, bytes), body| (bodies + 1, bytes + body.bytes));
        bodies > share.bodies || bytes > share.bytes
    }

    /// Refuses those that have taken the longest until the others have room, strangers first.
    fn make_room(&mut self) {
        while self.is_over(STRANGERS, true) || self.is_over(ALL, false) {
            let strange = self.under_way.iter().find(|(_, body)| body.is_strange);
            let Some((&id, _)) = strange.or(self.under_way.iter().next()) else { return };
            if let Some(body) = self.under_way.remove(&id) {
                body.cut.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many bodies that come, each with the sign that it is refused.
    fn many(places: &Arc<Places>, is_strange: bool, n: usize) -> Vec<(Coming, CancellationToken)> {
        (0..n).map(|_| places.take(is_strange).unwrap().come()).collect()
    }

    fn refused(bodies: &[(Coming, CancellationToken)]) -> Vec<usize> {
        (0..bodies.len()).filter(|n| bodies[*n].1.is_cancelled()).collect()
    }

    #[test]
    fn the_body_that_takes_the_longest_goes_for_a_new_one_and_strangers_first() {
        let places = Places::new();
        let known = many(&places, false, ALL.bodies - 2);
        let strange = many(&places, true, 2);
        assert_eq!((refused(&known), refused(&strange)), (vec![], vec![]));
        let more = many(&places, false, 3);
        assert_eq!((refused(&known), refused(&strange)), (vec![0], vec![0, 1]));
        let stranger = many(&places, true, 1);
        assert_eq!((refused(&known), refused(&stranger)), (vec![0], vec![0]), "itself");
        drop((known, more));
        assert_eq!(places.bodies().under_way.len(), 0);
    }

    #[test]
    fn strangers_have_a_share_of_their_own() {
        let places = Places::new();
        let known = many(&places, false, 3);
        let strange = many(&places, true, STRANGERS.bodies + 5);
        assert_eq!((refused(&known), refused(&strange)), (vec![], vec![0, 1, 2, 3, 4]));
        strange[5].0.grows(STRANGERS.bytes);
        strange[60].0.grows(1);
        assert_eq!(refused(&strange), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn bytes_count_as_well_as_bodies() {
        let places = Places::new();
        let known = many(&places, false, 40);
        for (body, _) in &known {
            body.grows(1024 * 1024);
        }
        assert_eq!(refused(&known), (0..8).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_place_is_free_while_a_body_comes() {
        let places = Places::new();
        let place = places.take(false).unwrap();
        assert_eq!(places.answers.available_permits(), PLACES - 1);
        let came = place.while_it_comes(async |_| {
            assert_eq!(places.answers.available_permits(), PLACES);
            Ok(())
        });
        came.await.unwrap();
        assert_eq!(places.answers.available_permits(), PLACES - 1);
        drop(place);
        assert_eq!(places.answers.available_permits(), PLACES);
        let all: Vec<_> = (0..PLACES).map(|_| places.take(false).unwrap()).collect();
        assert_eq!(places.take(false).err().map(|problem| problem.code), Some("busy"));
        drop(all);
    }
}
