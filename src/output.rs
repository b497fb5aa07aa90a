//! Output: lines to standard output or standard error that nobody waits for.
//!
//! A bounded buffer and a thread of its own for each stream: whoever says something goes on at once, whether
//! the stream is read, full or gone. A line that finds no room, or that the system does not take, is dropped
//! and counted, and the gap is told where it is as soon as the stream takes lines again. Must not know what
//! a line says.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Bytes that wait while as many again may be with the system.
const MOST: usize = 512 * 1024;
/// So much is written to a pipe in one piece, whoever else writes to it (`PIPE_BUF`).
const PIECE: usize = 4096;
/// Between two tries to write to a stream that somebody has made non-blocking and that is full.
const AGAIN: Duration = Duration::from_millis(10);
/// A line waits so long for others to be written with it: on a busy server a write for each line costs more
/// than what it tells of.
const TOGETHER: Duration = Duration::from_millis(5);
/// So many bytes wait for no more.
const ENOUGH: usize = MOST / 8;
/// For what waits when the program ends.
const LAST: Duration = Duration::from_secs(1);

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// By the system's own call: the handles of `std` keep bytes back, and would wait at the end of the
    /// process to write them.
    fn write(self, bytes: &[u8]) -> rustix::io::Result<usize> {
        match self {
            Stream::Out => rustix::io::write(io::stdout(), bytes),
            Stream::Err => rustix::io::write(io::stderr(), bytes),
        }
    }
}

/// The line that tells of so many dropped ones, with its line break.
pub(crate) type Gap = fn(u64) -> String;

/// What waits, and what found no room.
#[derive(Debug, Default)]
struct Unwritten {
    lines: Vec<u8>,
    /// Lines dropped since. While there are any no more are taken: a gap is in one place.
    dropped: u64,
    /// The thread has nothing in hand and sleeps.
    is_idle: bool,
    /// The program ends, and waits for what is left.
    is_last: bool,
}

/// A stream that is written by a thread of its own.
#[derive(Debug)]
pub(crate) struct Output {
    waiting: Mutex<Unwritten>,
    has_more: Condvar,
    is_idle: Condvar,
    /// Lines that nobody will see.
    pub(crate) dropped: Counter,
    /// Cancelled when nobody can read any more: the other end of a pipe is closed.
    pub(crate) unread: CancellationToken,
}

impl Output {
    /// Starts the thread of a stream; it lives as long as the process.
    pub(crate) fn start(stream: Stream, gap: Gap) -> Arc<Output> {
        let output = Arc::new(Output {
            waiting: Mutex::default(),
            has_more: Condvar::new(),
            is_idle: Condvar::new(),
            dropped: Counter::default(),
            unread: CancellationToken::new(),
        });
        let writer = Writer {
            write: move |bytes: &[u8]| stream.write(bytes),
            gap,
            dropped: 0,
            is_cut: false,
            output: Arc::clone(&output),
        };
        // On a machine that gives no thread nothing is written, and nothing waits for it either.
        let _no_thread = thread::Builder::new()
            .name("btk-output".to_owned())
            .spawn(move || writer.write_for_ever());
        output
    }

    /// Takes whole lines, or drops and counts them.
    pub(crate) fn put(&self, lines: impl AsRef<[u8]>) {
        let lines = lines.as_ref();
        let mut waiting = self.waiting();
        let before = waiting.lines.len();
        let has_room = before == 0 || before + lines.len() <= MOST;
        if waiting.dropped > 0 || !has_room {
            waiting.dropped += count(lines);
            self.dropped.inc_by(count(lines));
            return;
        }
        waiting.lines.extend_from_slice(lines);
        let is_enough = before < ENOUGH && waiting.lines.len() >= ENOUGH;
        if std::mem::take(&mut waiting.is_idle) || is_enough {
            self.has_more.notify_one();
        }
    }

    /// Waits until everything is written, but not for long.
    pub(crate) fn finish(&self) {
        let end = Instant::now() + LAST;
        let mut waiting = self.waiting();
        waiting.is_last = true;
        self.has_more.notify_one();
        while !waiting.is_idle || !waiting.lines.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.is_idle.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for something to write: lines in `batch`, or how many were dropped after the last of them.
    fn next(&self, batch: &mut Vec<u8>) -> u64 {
        let mut waiting = self.waiting();
        while waiting.lines.is_empty() && waiting.dropped == 0 {
            waiting.is_idle = true;
            if waiting.is_last {
                self.is_idle.notify_all();
            }
            waiting = self.has_more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_idle = false;
        let is_alone = |waiting: &mut Unwritten| {
            !waiting.is_last && waiting.dropped == 0 && waiting.lines.len() < ENOUGH
        };
        let woken = self.has_more.wait_timeout_while(waiting, TOGETHER, is_alone);
        waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        std::mem::swap(&mut waiting.lines, batch);
        if batch.is_empty() { std::mem::take(&mut waiting.dropped) } else { 0 }
    }

    fn waiting(&self) -> MutexGuard<'_, Unwritten> {
        lock(&self.waiting)
    }
}

/// A line of the log comes in one call.
impl io::Write for &Output {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.put(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The side of the thread.
struct Writer<W> {
    write: W,
    gap: Gap,
    /// Lines that are gone and not told of yet.
    dropped: u64,
    /// What was written last ends in the middle of a line.
    is_cut: bool,
    output: Arc<Output>,
}

impl<W: FnMut(&[u8]) -> rustix::io::Result<usize>> Writer<W> {
    fn write_for_ever(mut self) {
        let mut batch = Vec::new();
        loop {
            self.dropped += self.output.next(&mut batch);
            self.report_gap();
            let mut rest = &batch[..];
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(piece(rest));
                self.put(piece);
                rest = others;
            }
            batch.clear();
            // A flood leaves no memory behind.
            batch.shrink_to(MOST / 8);
        }
    }

    /// Writes some lines, or counts those that cannot be written.
    fn put(&mut self, lines: &[u8]) {
        let left = if self.report_gap() { self.pass_on(lines) } else { lines };
        if !left.is_empty() {
            self.dropped += count(left);
            self.output.dropped.inc_by(count(left));
        }
    }

    /// Tells of a gap, if there is one, where it is; answers whether there is none left to tell.
    fn report_gap(&mut self) -> bool {
        if self.dropped > 0 {
            let end = if self.is_cut { "\n" } else { "" };
            let line = format!("{end}{}", (self.gap)(self.dropped));
            if self.pass_on(line.as_bytes()).is_empty() {
                self.dropped = 0;
            }
        }
        self.dropped == 0
    }

    /// Hands bytes to the system, for as long as it takes; answers what it refused.
    fn pass_on<'l>(&mut self, mut bytes: &'l [u8]) -> &'l [u8] {
        while !bytes.is_empty() {
            match (self.write)(bytes) {
                Ok(0) => break,
                Ok(written) => {
                    self.is_cut = bytes.get(written - 1) != Some(&b'\n');
                    bytes = bytes.get(written..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => thread::sleep(AGAIN),
                Err(error) => {
                    if error == Errno::PIPE {
                        self.output.unread.cancel();
                    }
                    break;
                }
            }
        }
        bytes
    }
}

/// Where the next piece ends: after as many whole lines as fit, or after one that is longer.
fn piece(lines: &[u8]) -> usize {
    let is_end = |byte: &u8| *byte == b'\n';
    let most = lines.len().min(PIECE);
    match lines.get(..most).and_then(|first| first.iter().rposition(is_end)) {
        Some(at) => at + 1,
        None => lines.iter().position(is_end).map_or(lines.len(), |at| at + 1),
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.split(|byte| *byte == b'\n').skip(1).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(dropped: u64) -> String {
        format!("({dropped} dropped)\n")
    }

    fn output() -> Arc<Output> {
        Arc::new(Output {
            waiting: Mutex::default(),
            has_more: Condvar::new(),
            is_idle: Condvar::new(),
            dropped: Counter::default(),
            unread: CancellationToken::new(),
        })
    }

    #[test]
    fn what_finds_no_room_is_one_gap_with_its_number() {
        let output = output();
        let line = [vec![b'x'; 1023], vec![b'\n']].concat();
        for _ in 0..MOST / 1024 + 7 {
            output.put(&line);
        }
        let mut batch = Vec::new();
        assert_eq!(output.next(&mut batch), 0);
        assert_eq!(batch.len(), MOST);
        // The gap is not told yet, so nothing comes after it, whatever room there is.
        output.put(b"late\n");
        batch.clear();
        assert_eq!(output.next(&mut batch), 8);
        assert!(batch.is_empty());
        output.put(b"on\n");
        assert_eq!((output.next(&mut batch), &batch[..]), (0, &b"on\n"[..]));
        assert_eq!(output.dropped.get(), 8);
    }

    #[test]
    fn a_line_longer_than_all_room_finds_its_way_alone() {
        let output = output();
        output.put([vec![b'x'; 2 * MOST], vec![b'\n']].concat());
        assert_eq!(output.dropped.get(), 0);
        output.put(b"y\n");
        assert_eq!(output.dropped.get(), 1);
    }

    #[test]
    fn what_the_system_refuses_is_told_before_the_next_line_that_it_takes() {
        use std::cell::RefCell;
        let (seen, room) = (RefCell::new(Vec::new()), RefCell::new(6));
        let output = output();
        let mut writer = Writer {
            write: |bytes: &[u8]| {
                let taken = bytes.len().min(*room.borrow());
                *room.borrow_mut() -= taken;
                seen.borrow_mut().extend_from_slice(&bytes[..taken]);
                if taken == 0 { Err(Errno::NOSPC) } else { Ok(taken) }
            },
            gap,
            dropped: 0,
            is_cut: false,
            output: Arc::clone(&output),
        };
        for line in [b"one\n", b"two\n", b"six\n"] {
            writer.put(line);
        }
        *room.borrow_mut() = 1_000;
        writer.put(b"ten\n");
        assert_eq!(String::from_utf8_lossy(&seen.borrow()), "one\ntw\n(2 dropped)\nten\n");
        assert_eq!((output.dropped.get(), output.unread.is_cancelled()), (2, false));
    }

    #[test]
    fn pieces_end_with_lines_and_fit_a_pipe() {
        let short = b"a\nb\n".repeat(2_000);
        assert_eq!(piece(&short), PIECE);
        assert_eq!(piece(b"abc\nde"), 4);
        let long = [vec![b'x'; 5_000], b"\nrest\n".to_vec()].concat();
        assert_eq!(piece(&long), 5_001);
        assert_eq!(piece(b"no end"), 6);
    }
}
