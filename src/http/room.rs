//! Room: how many bytes of answers may be under way, over all requests. Whoever makes a large answer
//! waits for its share first and gives it back when the client has taken the bytes.
//!
//! Must not know what is in an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::written_json;
use crate::store::{Error, Result};

/// Bytes of answers in one piece that are being made or sent.
const WHOLES: usize = 8 * 1024 * 1024;
/// Bytes of pages of long lists. Apart from the others: who takes a long list slowly leaves them theirs.
const PAGES: usize = 8 * 1024 * 1024;
/// Bytes of pictures of long lists, which stay until the last page is sent. Apart from the pages: who
/// holds a picture waits for pages, and must not wait for who holds a picture.
const PICTURES: usize = 16 * 1024 * 1024;
/// A list of a thousand that have no long texts, as JSON.
pub const THOUSAND: usize = 1024 * 1024;
/// A page of a long list takes a small part of what is free, so that clients which take their time
/// leave something for all who come,
const PART: usize = 64;
/// but no less than this.
const PAGE_LEAST: usize = 16 * 1024;
/// So many requests wait for room at a time; another is refused at once, so that they leave the places of requests to
/// those who need no room.
const WAITING: usize = 128;
/// How long a request waits for room. Longer than it takes until a client that takes nothing is cut.
const PATIENCE: Duration = Duration::from_secs(15);

/// The room for answers.
pub struct Room {
    wholes: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    pictures: Arc<Semaphore>,
    waiting: Semaphore,
}

/// A share of the room; free again when this goes.
pub struct Share {
    permit: OwnedSemaphorePermit,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            wholes: Arc::new(Semaphore::new(WHOLES)),
            pages: Arc::new(Semaphore::new(PAGES)),
            pictures: Arc::new(Semaphore::new(PICTURES)),
            waiting: Semaphore::new(WAITING),
        }
    }
}

impl Room {
    /// Room for an answer of at most so many bytes.
    ///
    /// # Errors
    /// `Busy` if there is none for long, or too many wait for it.
    pub async fn whole(&self, bytes: usize) -> Result<Share> {
        self.share(&self.wholes, bytes.min(WHOLES)).await
    }

    /// Room for the next page of a long list; the share says how large it may be.
    ///
    /// # Errors
    /// As for `whole`.
    pub async fn page(&self) -> Result<Share> {
        let free = self.pages.available_permits();
        self.share(&self.pages, (free / PART).max(PAGE_LEAST)).await
    }

    /// Room for a picture of so many bytes.
    ///
    /// # Errors
    /// As for `whole`.
    pub async fn picture(&self, bytes: usize) -> Result<Share> {
        self.share(&self.pictures, bytes.min(PICTURES)).await
    }

    async fn share(&self, room: &Arc<Semaphore>, bytes: usize) -> Result<Share> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(room).try_acquire_many_owned(bytes) {
            return Ok(Share { permit });
        }
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        // The semaphores are never closed.
        match timeout(PATIENCE, Arc::clone(room).acquire_many_owned(bytes)).await {
            Ok(Ok(permit)) => Ok(Share { permit }),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }
}

impl Share {
    /// Its bytes.
    pub fn size(&self) -> usize {
        self.permit.num_permits()
    }

    /// Gives back what is more than so many bytes.
    pub fn shrink(&mut self, bytes: usize) {
        drop(self.permit.split(self.size().saturating_sub(bytes)));
    }

    /// An answer in JSON that holds its share until it is sent.
    pub fn json<T: Serialize>(self, value: &T) -> Response {
        // What is answered has nothing in it that JSON refuses.
        written_json(self.hold(serde_json::to_string(value).unwrap_or_default()))
    }

    /// Bytes that hold their share until they are sent.
    pub fn hold(mut self, mut text: String) -> Bytes {
        // What grew bit by bit may have twice the memory that it needs.
        text.shrink_to_fit();
        self.shrink(text.len());
        Bytes::from_owner(Held { text, _share: self })
    }
}

struct Held {
    text: String,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_is_free_again_when_its_bytes_are_gone() {
        let room = Room::default();
        let share = room.whole(1_000).await.unwrap();
        assert_eq!(room.wholes.available_permits(), WHOLES - 1_000);
        let bytes = share.hold("a".repeat(300));
        assert_eq!(room.wholes.available_permits(), WHOLES - 300);
        let (part, rest) = (bytes.slice(..10), bytes);
        drop(rest);
        assert_eq!(room.wholes.available_permits(), WHOLES - 300, "a part of it is still there");
        assert_eq!(part, "a".repeat(10));
        drop(part);
        assert_eq!(room.wholes.available_permits(), WHOLES);
    }

    #[tokio::test]
    async fn pages_are_smaller_the_more_are_under_way() {
        let room = Room::default();
        let mut held = Vec::new();
        for _ in 0..150 {
            held.push(room.page().await.unwrap());
        }
        assert_eq!(held[0].size(), PAGES / PART);
        assert!(held.windows(2).all(|pair| pair[0].size() >= pair[1].size()));
        assert_eq!(held[149].size(), PAGE_LEAST);
        assert!(room.pages.available_permits() > PAGE_LEAST, "and there is room for more");
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_for_it() {
        let room = Room::default();
        let all = room.whole(usize::MAX).await.unwrap();
        assert_eq!(all.size(), WHOLES);
        assert!(room.picture(1).await.is_ok() && room.page().await.is_ok(), "each for itself");
        let mut next = Box::pin(room.whole(1));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(all);
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn only_so_many_wait_and_the_next_is_told_at_once() {
        let room = Room::default();
        let all = room.whole(usize::MAX).await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(room.whole(1))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        assert!(matches!(room.whole(1).await, Err(Error::Busy)));
        drop(all);
        for one in waiting {
            assert!(one.await.is_ok());
        }
        assert!(room.whole(usize::MAX).await.is_ok());
    }
}
