//! Room: how many bytes of answers may be under way, over all requests. Whoever makes a large answer
//! waits for its share first and gives it back when the client has taken the bytes.
//!
//! What is held is never more than the share: it grows with the answer, and one that finds no more room goes, and is
//! made anew when there is room for all of it. Nobody who holds some waits for more, so none waits for another for ever.
//! Where others wait, who takes an answer slowly goes for them (`takers`). Must not know what is in an answer.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use http_body_util::{BodyExt as _, Collected};
use tokio::time::timeout;

use super::answer::{Answer, Kept, OfAll, is_json};
use super::pool::{Pool, Share};
use super::takers::Client;
use crate::store::{Error, Result};

/// Bytes of answers in one piece that are being made or sent.
const WHOLES: usize = 8 * 1024 * 1024;
/// Bytes of answers to searches. Apart from the others: who waits for many rows to be looked through must not keep
/// anybody from a list that is ready at once.
const SEARCHES: usize = 8 * 1024 * 1024;
/// Bytes of pages of long lists. Apart from the others: who takes a long list slowly leaves them theirs.
const PAGES: usize = 8 * 1024 * 1024;
/// Bytes of pictures of long lists, which stay until the last page is sent. Apart from the pages: who
/// holds a picture waits for pages, and must not wait for who holds a picture.
const PICTURES: usize = 16 * 1024 * 1024;
/// A list of a thousand that have no long texts, as JSON.
pub(crate) const THOUSAND: usize = 1024 * 1024;
/// A page of a long list takes a small part of what is free, so that clients which take their time
/// leave something for all who come,
const PART: usize = 64;
/// but no less than this.
const PAGE_LEAST: usize = 16 * 1024;

/// Up to so many bytes an answer is not counted: they lie in the system's buffers as soon as they are sent.
const SMALL: usize = 16 * 1024;

/// An answer that is held while it waits for its share waits like so many that are not made yet.
const WAITS_LIKE: u32 = 8;

/// So long waits the answer of a write, which keeps its place meanwhile: less than a stop takes.
const WRITTEN: Duration = Duration::from_secs(5);

/// So often is an answer made that turns out larger than the time before: others write meanwhile.
const TRIES: usize = 4;

/// The room for answers.
pub(crate) struct Room {
    wholes: Pool,
    searches: Pool,
    pages: Pool,
    pictures: Pool,
}

impl Default for Room {
    fn default() -> Room {
        // Who takes a page slowly holds a picture too.
        let lists = Arc::default();
        Room {
            wholes: Pool::new(WHOLES, &Arc::default()),
            searches: Pool::new(SEARCHES, &Arc::default()),
            pages: Pool::new(PAGES, &lists),
            pictures: Pool::new(PICTURES, &lists),
        }
    }
}

impl Room {
    /// An answer for which about so many bytes are enough; if not, it has more.
    ///
    /// # Errors
    /// `Busy` if there is no room for long, or too many wait for it; and what `make` says.
    pub(crate) async fn whole<T, F>(
        &self,
        bytes: usize,
        make: impl Fn(Answer) -> F,
    ) -> Result<(Answer, T)>
    where
        F: Future<Output = Result<(Answer, T)>>,
    {
        self.wholes.made(bytes, 0, make).await
    }

    /// An answer of one thing, which is small as a rule: it takes room only if it is not, and is then made anew if it has
    /// to wait for that, so nothing is held meanwhile.
    ///
    /// # Errors
    /// As for `whole`.
    pub(crate) async fn one<T, F>(&self, make: impl Fn(Answer) -> F) -> Result<(Answer, T)>
    where
        F: Future<Output = Result<(Answer, T)>>,
    {
        self.wholes.made(0, SMALL, make).await
    }

    /// The same for a page of a list, which may have to be searched for.
    ///
    /// # Errors
    /// As for `whole`.
    pub(crate) async fn list<T, F>(
        &self,
        is_search: bool,
        bytes: usize,
        make: impl Fn(Answer) -> F,
    ) -> Result<(Answer, T)>
    where
        F: Future<Output = Result<(Answer, T)>>,
    {
        let pool = if is_search { &self.searches } else { &self.wholes };
        pool.made(bytes, 0, make).await
    }

    /// Has an answer in one piece that is there already, such as that of a write, and is not small, hold its share until the
    /// client has taken it. That of a write is given in any case, after a while without a share: it was done.
    ///
    /// # Errors
    /// As for `whole`, and then the answer is as it was.
    pub(crate) async fn hold(
        &self,
        answer: &mut Response,
        client: &Client,
        is_write: bool,
    ) -> Result<()> {
        let exact = answer.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        let Some(bytes) = exact.filter(|bytes| *bytes > SMALL) else { return Ok(()) };
        let is_counted = answer.extensions().get::<Kept>().is_some();
        if is_counted || answer.extensions().get::<OfAll>().is_some() || !is_json(answer) {
            return Ok(());
        }
        let others = if is_write { 0 } else { WAITS_LIKE };
        let share = self.wholes.share_as(bytes, bytes, others);
        let share = if is_write {
            let Ok(Ok(share)) = timeout(WRITTEN, share).await else { return Ok(()) };
            share
        } else {
            share.await?
        };
        let kept = Kept::new(share, client);
        // Bytes in memory: reading them does not fail.
        let body = mem::take(answer.body_mut()).collect().await;
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        *answer.body_mut() = Body::from(kept.clone().hold_all(body));
        answer.extensions_mut().insert(kept);
        Ok(())
    }

    /// Whether an answer of so many bytes would have to wait.
    pub(crate) fn is_short(&self, bytes: usize) -> bool {
        self.wholes.free.available_permits() < bytes
    }

    /// The next page of a long list; the answer says how large it may be.
    ///
    /// # Errors
    /// As for `whole`.
    pub(crate) async fn page<T, F>(&self, make: impl Fn(Answer) -> F) -> Result<(Answer, T)>
    where
        F: Future<Output = Result<(Answer, T)>>,
    {
        self.pages.made(self.page_size(), 0, make).await
    }

    fn page_size(&self) -> usize {
        (self.pages.free.available_permits() / PART).max(PAGE_LEAST)
    }

    /// Room for a picture of so many bytes.
    ///
    /// # Errors
    /// As for `whole`.
    pub(crate) async fn picture(&self, bytes: usize) -> Result<Share> {
        // Who holds how much of it is not known here: one goes after the other.
        self.pictures.share(bytes, 1).await
    }
}

impl Pool {
    async fn made<T, F>(
        &self,
        mut bytes: usize,
        small: usize,
        make: impl Fn(Answer) -> F,
    ) -> Result<(Answer, T)>
    where
        F: Future<Output = Result<(Answer, T)>>,
    {
        for _ in 0..TRIES {
            let share = self.share(bytes, bytes).await?;
            let (answer, more) = make(Answer::new(share, small)).await?;
            match answer.lacks() {
                None => return Ok((answer, more)),
                // And a little for what is written meanwhile.
                Some(needed) => bytes = needed + needed / 16,
            }
        }
        Err(Error::Busy)
    }
}

#[cfg(test)]
impl Room {
    /// Bytes of whole answers that are counted.
    pub(crate) fn counted(&self) -> usize {
        WHOLES - self.wholes.free.available_permits()
    }

    /// And those that are not.
    pub(crate) fn left(&self) -> usize {
        WHOLES - self.counted()
    }

    /// A share of whole answers.
    pub(crate) async fn some(&self, bytes: usize) -> Share {
        self.wholes.share(bytes, bytes).await.unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answer::written_json;
    use crate::http::pool::WAITING;

    #[tokio::test]
    async fn pages_are_smaller_the_more_are_under_way() {
        let room = Room::default();
        let mut held = Vec::new();
        for _ in 0..150 {
            held.push(room.pages.share(room.page_size(), 1).await.unwrap());
        }
        assert_eq!(held[0].size(), PAGES / PART);
        assert!(held.windows(2).all(|pair| pair[0].size() >= pair[1].size()));
        assert_eq!(held[149].size(), PAGE_LEAST);
        assert!(room.pages.free.available_permits() > PAGE_LEAST, "and there is room for more");
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_for_it() {
        let room = Room::default();
        let all = room.some(usize::MAX).await;
        assert_eq!(all.size(), WHOLES);
        let page = room.pages.share(1, 1).await;
        assert!(room.picture(1).await.is_ok() && page.is_ok(), "each for itself");
        let mut next = Box::pin(room.wholes.share(1, 1));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(all);
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn who_takes_slowly_goes_for_who_waits() {
        let room = Room::default();
        let (slow, quick) = (Client::default(), Client::default());
        let (first, second) = (room.some(WHOLES / 2).await, room.some(WHOLES / 2).await);
        let takings = (first.taken_by(&slow), second.taken_by(&quick));
        quick.taken.store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
        let ended = async {
            slow.end.cancelled().await;
            drop((first, takings.0));
        };
        let (next, ()) = tokio::join!(room.wholes.share(1_000, 1_000), ended);
        assert!(next.is_ok() && !quick.end.is_cancelled());
        drop((second, takings.1));
    }

    #[tokio::test]
    async fn answers_that_are_there_already_are_counted_until_they_are_taken() {
        let room = Room::default();
        let client = Client::default();
        let large = || written_json("a".repeat(100_000));
        let mut small = written_json("a".repeat(10_000));
        let mut first = large();
        for answer in [&mut small, &mut first] {
            room.hold(answer, &client, false).await.unwrap();
        }
        assert_eq!(room.counted(), 100_000);
        room.hold(&mut first, &client, false).await.unwrap();
        assert_eq!(room.counted(), 100_000, "once");
        let bytes = mem::take(first.body_mut()).collect().await.unwrap().to_bytes();
        drop(first);
        assert_eq!((bytes.len(), room.counted()), (100_000, 100_000));
        drop(bytes);
        assert_eq!(room.counted(), 0);
        // Too many wait: a read is told so, a write waits with them.
        let all = room.some(usize::MAX).await;
        let waiting = room.wholes.waiting.try_acquire_many(u32::try_from(WAITING).unwrap());
        let (mut read, mut written) = (large(), large());
        assert!(matches!(room.hold(&mut read, &client, false).await, Err(Error::Busy)));
        let mut change = Box::pin(room.hold(&mut written, &client, true));
        assert!(futures_util::poll!(&mut change).is_pending());
        drop((all, waiting));
        change.await.unwrap();
        assert_eq!(written.size_hint().exact(), Some(100_000));
        assert_eq!(room.counted(), 100_000);
    }

    #[tokio::test]
    async fn one_thing_needs_room_only_if_it_is_large_and_holds_nothing_while_it_waits() {
        let room = Room::default();
        let all = room.some(usize::MAX).await;
        let times = std::cell::Cell::new(0);
        let make = async |mut answer: Answer, length: usize| {
            times.set(times.get() + 1);
            answer.written(&"a".repeat(length));
            Ok((answer, ()))
        };
        let (small, ()) = room.one(|answer| make(answer, SMALL)).await.unwrap();
        assert_eq!(small.sent(&Client::default()).len(), SMALL);
        let mut large = Box::pin(room.one(|answer| make(answer, SMALL + 1)));
        assert!(futures_util::poll!(&mut large).is_pending());
        drop(all);
        let (large, ()) = large.await.unwrap();
        assert_eq!(times.get(), 3, "the large one twice");
        let bytes = large.sent(&Client::default());
        assert_eq!((bytes.len(), room.counted()), (SMALL + 1, SMALL + 1));
    }

    #[tokio::test]
    async fn only_so_many_wait_and_the_next_is_told_at_once() {
        let room = Room::default();
        let all = room.some(usize::MAX).await;
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(room.wholes.share(1, 1))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        assert!(matches!(room.wholes.share(1, 1).await, Err(Error::Busy)));
        drop(all);
        for one in waiting {
            assert!(one.await.is_ok());
        }
        assert!(room.wholes.share(usize::MAX, 1).await.is_ok());
    }

    #[tokio::test]
    async fn an_answer_larger_than_its_share_has_more_or_is_made_anew() {
        let room = Room::default();
        let lengths = std::cell::RefCell::new(Vec::new());
        let make = async |mut answer: Answer| {
            lengths.borrow_mut().push(answer.room());
            answer.item(&"a".repeat(3_000));
            Ok((answer, ()))
        };
        let (first, ()) = room.whole(1_000, &make).await.unwrap();
        assert_eq!((lengths.take(), room.counted()), (vec![1_000], 3_000));
        // What is left is too little until the first is gone.
        let others = room.some(WHOLES - 5_000).await;
        let mut second = Box::pin(room.whole(1_000, &make));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        let (second, ()) = second.await.unwrap();
        assert_eq!(lengths.take(), [1_000, 3_000 + 3_000 / 16]);
        drop((others, second));
        let all = room.whole(1_000, async |mut answer: Answer| {
            answer.item(&"a".repeat(2 * WHOLES));
            Ok((answer, ()))
        });
        drop(all.await.unwrap());
        assert_eq!(room.counted(), 0, "larger than all the room: it was alone");
    }
}
