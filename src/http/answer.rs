//! Answer: JSON as it is written, and as it is held until the client has taken it. It never holds more than its
//! share of the room.
//!
//! Must not know how much room there is, nor what is written.

use std::io;
use std::sync::{Arc, Mutex};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde::Serialize;

use super::pool::Share;
use super::takers::{Client, Taking};
use crate::lock::lock;

/// An answer whose JSON is written already: by `model::payload`, or as it was stored.
pub(crate) fn written_json(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Lies beside an answer whose bytes are in memory in any case, once for all who ask.
#[derive(Clone, Copy)]
pub(crate) struct OfAll;

/// Whether an answer is JSON.
pub(crate) fn is_json(answer: &Response) -> bool {
    answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

/// An answer that is being written. Where there is no room for more, it holds nothing any longer and only counts.
pub(crate) struct Answer {
    bytes: Vec<u8>,
    share: Option<Share>,
    length: usize,
    has_items: bool,
    /// Up to so many bytes need no room.
    small: usize,
}

impl Answer {
    pub(crate) fn new(share: Share, small: usize) -> Answer {
        Answer { bytes: Vec::new(), share: Some(share), length: 0, has_items: false, small }
    }

    /// How large it may become without more room.
    pub(crate) fn room(&self) -> usize {
        self.share.as_ref().map_or(0, Share::size)
    }

    /// The bytes that it needs, if there was no room for them.
    pub(crate) fn lacks(&self) -> Option<usize> {
        self.share.is_none().then_some(self.length)
    }

    /// Begins an array, or goes on with one that has items already.
    pub(crate) fn array(&mut self, goes_on: bool) {
        self.has_items = goes_on;
        if !goes_on {
            self.push(b"[");
        }
    }

    /// The next item of an array.
    pub(crate) fn item(&mut self, json: &str) {
        if self.has_items {
            self.push(b",");
        }
        self.has_items = true;
        self.push(json.as_bytes());
    }

    /// The array is complete.
    pub(crate) fn end(&mut self) {
        self.push(b"]");
    }

    /// What is JSON already, whole.
    pub(crate) fn written(&mut self, json: &str) {
        self.push(json.as_bytes());
    }

    /// A value, whole.
    pub(crate) fn value<T: Serialize>(&mut self, value: &T) {
        // What is answered has nothing in it that JSON refuses, and a text takes all.
        let _refused_never = serde_json::to_writer(self, value);
    }

    fn push(&mut self, more: &[u8]) {
        self.length += more.len();
        let Some(share) = &mut self.share else { return };
        if self.length > self.small && !share.holds(self.length) {
            (self.bytes, self.share) = (Vec::new(), None);
            return;
        }
        let had = self.bytes.capacity();
        if self.length > had {
            // Twice as much each time, as a vector does by itself, but no more than the share.
            let wanted = (2 * had).min(self.room().max(self.small)).max(self.length);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
    }

    /// An answer that holds its share until the client has taken it.
    pub(crate) fn json(self, client: &Client) -> Response {
        let (bytes, kept) = self.kept(client);
        let mut response = written_json(bytes);
        if let Some(kept) = kept {
            response.extensions_mut().insert(kept);
        }
        response
    }

    /// Bytes that hold their share until the client has taken them.
    pub(crate) fn sent(self, client: &Client) -> Bytes {
        self.kept(client).0
    }

    fn kept(self, client: &Client) -> (Bytes, Option<Kept>) {
        let Some(mut share) = self.share else { return (Bytes::new(), None) };
        if share.size() == 0 {
            return (Bytes::from(self.bytes), None);
        }
        share.shrink(self.bytes.len());
        let kept = Kept::new(share, client);
        (kept.clone().hold(self.bytes), Some(kept))
    }
}

impl io::Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The share of an answer that is being sent. Lies beside the answer, for who writes it otherwise.
#[derive(Clone)]
pub(crate) struct Kept(Arc<(Mutex<Share>, Taking)>);

impl Kept {
    pub(crate) fn new(share: Share, client: &Client) -> Kept {
        let taking = share.taken_by(client);
        Kept(Arc::new((Mutex::new(share), taking)))
    }

    /// Bytes that hold the share. They are the whole answer, and no longer than it was.
    pub(crate) fn hold(self, mut bytes: Vec<u8>) -> Bytes {
        // What grew bit by bit may have twice the memory that it needs.
        bytes.shrink_to_fit();
        self.hold_all(Bytes::from(bytes))
    }

    /// The same for bytes that have no more memory than they need.
    pub(crate) fn hold_all(self, bytes: Bytes) -> Bytes {
        // The share is whole at every moment, so a panic elsewhere has not hurt it.
        lock(&self.0.0).shrink(bytes.len());
        Bytes::from_owner(Held { bytes, _kept: self })
    }
}

struct Held {
    bytes: Bytes,
    _kept: Kept,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::room::Room;

    #[tokio::test]
    async fn a_share_is_free_again_when_its_bytes_are_gone() {
        let room = Room::default();
        let mut answer = Answer::new(room.some(1_000).await, 0);
        assert_eq!(room.counted(), 1_000);
        answer.value(&"a".repeat(298));
        let bytes = answer.sent(&Client::default());
        assert_eq!(room.counted(), 300);
        let (part, rest) = (bytes.slice(1..10), bytes);
        drop(rest);
        assert_eq!(room.counted(), 300, "a part of it is still there");
        assert_eq!(part, "a".repeat(9));
        drop(part);
        assert_eq!(room.counted(), 0);
    }

    #[tokio::test]
    async fn no_more_is_held_than_is_counted_at_any_moment() {
        let room = Room::default();
        let mut answer = Answer::new(room.some(10).await, 0);
        let others = room.some(room.left() - 1_000_000).await;
        answer.array(false);
        let item = serde_json::to_string(&json!({"description": "\u{1}".repeat(100)})).unwrap();
        let mut items = 0;
        while answer.lacks().is_none() {
            let counted = room.counted() - others.size();
            assert!(counted >= answer.bytes.capacity() && counted >= answer.length, "{counted}");
            answer.item(&item);
            items += 1;
        }
        assert!(items * item.len() > 900_000, "nearly all there was: {items}");
        assert_eq!((answer.bytes.capacity(), room.counted()), (0, others.size()), "all given back");
        answer.end();
        assert_eq!(answer.lacks(), Some(items * (item.len() + 1) + 1));
    }

    #[tokio::test]
    async fn an_array_is_written_in_pieces() {
        let room = Room::default();
        let mut first = Answer::new(room.some(10).await, 0);
        first.array(false);
        first.item("1");
        first.item("2");
        let mut second = Answer::new(room.some(10).await, 0);
        second.array(true);
        second.item("3");
        second.end();
        assert_eq!(
            [&first.sent(&Client::default())[..], &second.sent(&Client::default())[..]].concat(),
            b"[1,2,3]"
        );
    }
}
