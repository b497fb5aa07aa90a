//! A connection's stream as the table sees it: what waits can be cut, what is stalled too long is, and a request that
//! cannot be read is refused in words.
//!
//! Must not know what a request asks for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::table::Seat;

/// Where a client is slower than we write, it has to take so many bytes in this time, or is cut: who takes one packet
/// now and then would hold the room for a large answer for hours.
const TAKES: (usize, Duration) = (16 * 1024, Duration::from_secs(10));
/// What a client still sends after its last answer is taken and thrown away for so long, and up to so many bytes: closed
/// at once, the system would take the answer back from who has not read it yet.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 1024 * 1024);

/// Header lines, an empty line and a body for a request that cannot be read, by the status.
pub(crate) type Unreadable = Arc<dyn Fn(u16) -> String + Send + Sync>;

/// A stream whose connection has a seat.
pub(crate) struct Stream {
    socket: TcpStream,
    seat: Arc<Seat>,
    /// Bytes that the other side has taken.
    taken: Arc<AtomicU64>,
    unreadable: Unreadable,
    /// What is left to write of a refusal, which takes the place of hyper's own.
    refusal: Option<Vec<u8>>,
    /// Runs while the client is slower than we write, with the bytes that it has taken since.
    stalled: Option<(Pin<Box<Sleep>>, usize)>,
    /// Runs while the end waits for the other side, which may send so many bytes more.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Stream {
    pub(crate) fn new(
        socket: TcpStream,
        seat: Arc<Seat>,
        taken: Arc<AtomicU64>,
        unreadable: Unreadable,
    ) -> Stream {
        let (refusal, stalled, lingering) = (None, None, None);
        Stream { socket, seat, taken, unreadable, refusal, stalled, lingering }
    }

    fn timed(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(end) = &written {
            let bytes = end.as_ref().copied().unwrap_or(0);
            self.taken.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::Relaxed);
            if let Some((_, taken)) = &mut self.stalled {
                *taken += bytes;
                if *taken >= TAKES.0 {
                    self.goes_on();
                }
            }
            return written;
        }
        let (end, _) = self.stalled.get_or_insert_with(|| {
            self.seat.stalls(true);
            (Box::pin(tokio::time::sleep_until(Instant::now() + TAKES.1)), 0)
        });
        self.seat.watch(cx.waker());
        if end.as_mut().poll(cx).is_ready() || self.seat.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// The client keeps up again.
    fn goes_on(&mut self) {
        if self.stalled.take().is_some() {
            self.seat.stalls(false);
        }
    }

    /// Whether something has come that nobody has read yet.
    fn has_more(&self) -> bool {
        let peek = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(&self.socket, &mut [0; 1], peek).is_ok_and(|(_, bytes)| bytes > 0)
    }

    /// Throws away what still comes, until the other side has ended too.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (mut end, mut left) = self
            .lingering
            .take()
            .unwrap_or_else(|| (Box::pin(tokio::time::sleep(LINGER.0)), LINGER.1));
        let mut bytes = [0; 4096];
        while end.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() && left > buf.filled().len() => {
                    left -= buf.filled().len();
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    self.lingering = Some((end, left));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
    }

    /// Writes while no request is under way are hyper's own: it could not read what came, and says so with a status
    /// alone. Of the `length` bytes that it wants written, `first` has the status.
    fn refuse(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        length: usize,
    ) -> Poll<io::Result<usize>> {
        let mut rest = match self.refusal.take() {
            Some(rest) => rest,
            None => refusal(first, &self.unreadable),
        };
        while !rest.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, &rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(rest.drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.refusal = Some(rest);
                    return Poll::Pending;
                }
            }
        }
        self.refusal = Some(rest);
        Poll::Ready(Ok(length))
    }
}

/// Hyper's refusal with our words in it: its status line, `connection: close` and date stay.
fn refusal(head: &[u8], unreadable: &Unreadable) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    let Some(status) = text.split(' ').nth(1).and_then(|status| status.parse().ok()) else {
        return head.to_vec();
    };
    let kept = text.lines().filter(|line| !line.is_empty() && !line.starts_with("content-length"));
    let lines: String = kept.flat_map(|line| [line, "\r\n"]).collect();
    format!("{lines}{}", unreadable(status)).into_bytes()
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if read.is_pending() && self.seat.is_waiting() {
            self.seat.watch(cx.waker());
            if self.seat.is_cut() {
                if self.has_more() {
                    self.seat.stay();
                } else {
                    // As if the other side had ended it: nothing is under way.
                    return Poll::Ready(Ok(()));
                }
            }
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = if self.seat.is_waiting() {
            self.refuse(cx, buf, buf.len())
        } else {
            Pin::new(&mut self.socket).poll_write(cx, buf)
        };
        self.timed(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = if self.seat.is_waiting() {
            let first = bufs.first().map_or(&[][..], |first| first);
            self.refuse(cx, first, bufs.iter().map(|one| one.len()).sum())
        } else {
            Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
        };
        self.timed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper flushes when it has written all that it has.
        self.seat.flushed();
        self.goes_on();
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            let has_unread = self.refusal.is_some() || self.seat.has_unread() || self.has_more();
            if !has_unread || self.seat.is_cut() {
                return Poll::Ready(Ok(()));
            }
        }
        self.linger(cx).map(Ok)
    }
}

/// A body, and what is done when it is gone: told whether all of it was taken.
pub(crate) struct Watched<B: Body, F: FnMut(bool)> {
    body: B,
    has_ended: bool,
    gone: F,
}

impl<B: Body, F: FnMut(bool)> Watched<B, F> {
    pub(crate) fn new(body: B, gone: F) -> Watched<B, F> {
        Watched { body, has_ended: false, gone }
    }
}

impl<B: Body, F: FnMut(bool)> Drop for Watched<B, F> {
    fn drop(&mut self) {
        (self.gone)(self.has_ended || self.body.is_end_stream());
    }
}

impl<B: Body + Unpin, F: FnMut(bool) + Unpin> Body for Watched<B, F> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.has_ended |= frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_status_and_gains_words() {
        let words: Unreadable = Arc::new(|status| format!("content-length: 3\r\n\r\n{status}"));
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                    date: Thu\r\n\r\n";
        let said = String::from_utf8(refusal(bare.as_bytes(), &words)).unwrap();
        assert_eq!(
            said,
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ndate: Thu\r\n\
             content-length: 3\r\n\r\n431"
        );
    }
}
