//! A connection that knows whether it has served and how TLS ended it: one that is cut at its second
//! request was kept too long, at its first the receiver broke.
//!
//! Must not know what is sent over it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::header::CONNECTION;
use http::{Extensions, HeaderMap, StatusCode};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Whether an answer has come over a connection. It goes with the connection and with its answers.
#[derive(Clone, Debug, Default)]
struct Served(Arc<AtomicBool>);

/// The error of TLS that a connection ended with. In TLS 1.3 a refusal comes after the handshake: where it comes before the
/// request is handed over, the client says only that the connection was closed.
#[derive(Clone, Debug, Default)]
struct Refused(Arc<OnceLock<rustls::Error>>);

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
    notes(error).get().is_some_and(|Served(served)| served.load(Ordering::Relaxed))
}

/// The error of TLS that ended the connection of an exchange.
pub(super) fn refusal(error: &Error) -> Option<rustls::Error> {
    notes(error).get().and_then(|Refused(why)| why.get().cloned())
}

fn notes(error: &Error) -> Extensions {
    let mut found = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut found);
    }
    found
}

/// A connection with its notes.
pub(super) struct Kept<S> {
    stream: S,
    served: Served,
    refused: Refused,
}

impl<S> Kept<S> {
    pub(super) fn new(stream: S) -> Kept<S> {
        Kept { stream, served: Served::default(), refused: Refused::default() }
    }
}

impl<S: Connection> Connection for Kept<S> {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.served.clone()).extra(self.refused.clone())
    }
}

impl<S: Read + Unpin> Read for Kept<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if let Poll::Ready(Err(error)) = &read
            && let Some(why) = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>())
        {
            self.refused.0.get_or_init(|| why.clone());
        }
        read
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
    use hyper::rt::ReadBuf;
    use rustls::AlertDescription::CertificateRequired;

    use super::*;

    struct Refusing;

    impl Read for Refusing {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            let why = rustls::Error::AlertReceived(CertificateRequired);
            Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)))
        }
    }

    #[test]
    fn how_tls_ended_a_connection_is_noted() {
        let mut connection = Kept::new(Refusing);
        let noted = connection.refused.clone();
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut bytes = [0; 8];
        let mut into = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut connection).poll_read(&mut context, into.unfilled());
        assert!(matches!(read, Poll::Ready(Err(_))));
        assert_eq!(noted.0.get(), Some(&rustls::Error::AlertReceived(CertificateRequired)));
    }

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
