//! What broke, in words for people: from a chain of errors to an outcome.
//!
//! Never the URL: its path may be a secret. Must not know what was sent.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy::Error as ClientError;
use rustix::io::Errno;

use super::connect::Trouble;
use super::{kept, tls_words};
use crate::model::Outcome;

/// The outcome of an exchange that brought no answer. `is_tls`: the URL begins with https.
pub(super) fn outcome_of(error: &ClientError, is_tls: bool) -> Outcome {
    let mut outcome = what_broke(error, is_tls);
    outcome.is_cut &= kept::was_kept(error);
    if outcome.is_cut {
        // Whether it had read the request cannot be known. One that it cannot have read, as the
        // connection was closed before that was written, has gone over another by now (hyper-util).
        outcome.broken = Some(
            "The receiver closed the connection, which was kept from an earlier request, before it \
             answered."
                .to_owned(),
        );
    }
    outcome
}

fn what_broke(error: &ClientError, is_tls: bool) -> Outcome {
    let is_handshake = is_tls && error.is_connect();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(at) = cause {
        // An I/O error may wrap another error that `source` skips.
        let mut wrapped = None;
        if let Some(io) = at.downcast_ref::<io::Error>() {
            if let Some(words) = words_for_us(io).filter(|_| error.is_connect()) {
                return Outcome { is_local_fault: true, ..Outcome::broken(words) };
            }
            if is_handshake && is_cut(io) {
                return Outcome::broken(tls_words::CUT);
            }
            if let Some(words) = words_for_io(io) {
                return Outcome { is_cut: is_cut(io), ..Outcome::broken(words) };
            }
            wrapped = io.get_ref().map(|inner| inner as &(dyn StdError + 'static));
        }
        match at.downcast_ref::<Trouble>() {
            Some(Trouble::Blocked(words)) => {
                return Outcome { blocked: true, ..Outcome::broken(words.as_str()) };
            }
            Some(Trouble::Unknown(error)) => {
                return match error.as_ref().and_then(words_for_us) {
                    Some(words) => Outcome { is_local_fault: true, ..Outcome::broken(words) },
                    None => Outcome::broken("The receiver's host name was not found (DNS)."),
                };
            }
            Some(Trouble::Slow) | None => {}
        }
        if let Some(tls) = at.downcast_ref::<rustls::Error>() {
            return Outcome::broken(tls_words::of(tls));
        }
        if let Some(http) = at.downcast_ref::<hyper::Error>()
            && let Some(words) = words_for_http(http, is_tls)
        {
            if is_closed(http)
                && let Some(tls) = kept::refusal(error)
            {
                return Outcome::broken(tls_words::of(&tls));
            }
            return Outcome { is_cut: is_closed(http), ..Outcome::broken(words) };
        }
        cause = wrapped.or_else(|| at.source());
    }
    Outcome::broken(if error.is_connect() {
        "The connection could not be made."
    } else {
        "The exchange with the receiver broke."
    })
}

/// Faults of this machine: the receiver knows nothing of them.
fn words_for_us(error: &io::Error) -> Option<&'static str> {
    let errno = Errno::from_io_error(error)?;
    Some(match errno {
        Errno::MFILE => {
            "This server has no file handle left for a connection (EMFILE): raise its limit \
             (LimitNOFILE, ulimit -n). Nothing was sent."
        }
        Errno::NFILE => {
            "This machine has no file handle left for a connection (ENFILE): raise fs.file-max. \
             Nothing was sent."
        }
        Errno::NOBUFS | Errno::NOMEM => {
            "This machine has no memory left for a connection. Nothing was sent."
        }
        _ => return None,
    })
}

fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn words_for_io(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "The connection was refused: nothing listens at that address."
        }
        _ if is_cut(error) => "The receiver cut the connection before it answered.",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "The receiver's network cannot be reached."
        }
        io::ErrorKind::TimedOut => "Nothing answers at the receiver's address.",
        _ => return None,
    })
}

fn is_closed(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled()
}

fn words_for_http(error: &hyper::Error, is_tls: bool) -> Option<&'static str> {
    if is_closed(error) {
        return Some("The receiver closed the connection before it answered.");
    }
    if error.is_parse_too_large() {
        return Some("The answer's head is larger than 16 KiB, or has more than 100 headers.");
    }
    error.is_parse().then_some(if is_tls {
        "The receiver's answer is not HTTP/1.1."
    } else {
        "The receiver's answer is not HTTP/1.1. If it speaks HTTPS at that port, write https:// at \
         the beginning of the URL."
    })
}
