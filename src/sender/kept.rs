//! A connection that knows whether it has served: one that is cut at its second request was kept too
//! long, at its first the receiver broke.
//!
//! Must not know what is sent over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::header::CONNECTION;
use http::{Extensions, HeaderMap, StatusCode};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Whether an answer has come over a connection. It goes with the connection and with its answers.
#[derive(Clone, Debug, Default)]
struct Served(Arc<AtomicBool>);

/// Notes that an answer has come, from the answer's extensions; answers whether one had before.
pub(super) fn has_served(answer: &Extensions) -> bool {
    answer.get().is_some_and(|Served(served)| served.swap(true, Ordering::Relaxed))
}

/// Whether an answer says no more than that its connection was kept too long: a 408 that closes it. The
/// receiver has not read the request and wants it over another (RFC 9110, 15.5.9).
pub(super) fn is_too_long(status: StatusCode, headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let closes = |value: &str| value.split(',').any(|v| v.trim().eq_ignore_ascii_case("close"));
    status == StatusCode::REQUEST_TIMEOUT && said.any(closes)
}

/// Whether an exchange ended on a connection over which answers had come before.
pub(super) fn was_kept(error: &Error) -> bool {
    let mut found = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut found);
    }
    found.get().is_some_and(|Served(served)| served.load(Ordering::Relaxed))
}

/// A connection with its note.
pub(super) struct Kept<S> {
    stream: S,
    served: Served,
}

impl<S> Kept<S> {
    pub(super) fn new(stream: S) -> Kept<S> {
        Kept { stream, served: Served::default() }
    }
}

impl<S: Connection> Connection for Kept<S> {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.served.clone())
    }
}

impl<S: Read + Unpin> Read for Kept<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Write + Unpin> Write for Kept<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_408_that_closes_its_connection_says_that_it_was_kept_too_long() {
        for (status, connection, is) in [
            (408, "close", true),
            (408, "Keep-Alive, Close", true),
            (408, "keep-alive", false),
            (400, "close", false),
            (503, "close", false),
        ] {
            let headers = HeaderMap::from_iter([(CONNECTION, connection.parse().unwrap())]);
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_too_long(status, &headers), is, "{status} {connection}");
        }
        assert!(!is_too_long(StatusCode::REQUEST_TIMEOUT, &HeaderMap::new()));
    }
}
