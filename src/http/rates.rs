//! Rate limits: how many incoming webhooks, and how many wrong secrets and tokens.
//!
//! Pure but for its counters: the time is passed in. Must not know what a webhook says.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use super::connection::Peer;
use super::errors::{Kind, TooManyWrongSecrets, TooManyWrongTokens};
use super::problem::Problem;
use crate::config::Rate;
use crate::lock::lock;
use crate::model::Time;

/// What somebody tried who had it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A secret, or the token on the sign-in page.
    Secret,
    /// The token, as programs send it.
    Token,
}

impl Guess {
    /// How often one address may be wrong in a window. A program whose token was changed asks more
    /// often than a person types, and is to be told why for a while.
    fn most(self) -> u32 {
        match self {
            Guess::Secret => 10,
            Guess::Token => 30,
        }
    }

    fn too_many(self) -> Problem {
        match self {
            Guess::Secret => TooManyWrongSecrets::problem(),
            Guess::Token => TooManyWrongTokens::problem(),
        }
    }
}

/// The window, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// Addresses that are remembered at a time; more would be memory for an attacker to fill.
const ADDRESSES_MOST: usize = 10_000;

/// Counts what comes in.
#[derive(Debug)]
pub(crate) struct Rates {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Incoming webhooks that may come at once.
    room: f64,
    filled: Time,
    secrets: Wrong,
    tokens: Wrong,
}

/// When an address's window began, and what it had wrong since.
type Wrong = HashMap<IpAddr, (Time, u32)>;

impl Rates {
    /// Rates with a full bucket.
    pub(crate) fn new(rate: Rate, now: Time) -> Rates {
        let state =
            State { room: rate.burst, filled: now, secrets: Wrong::new(), tokens: Wrong::new() };
        Rates { rate, state: Mutex::new(state) }
    }

    /// Takes one place in the rate; if there is none, the seconds after which there is.
    pub(crate) fn take(&self, now: Time) -> Result<(), u32> {
        let mut state = lock(&self.state);
        let passed = now.ms_since(state.filled).clamp(0, 3_600_000);
        #[expect(clippy::cast_precision_loss, reason = "at most 3,600,000")]
        let gained = passed as f64 / 1_000.0 * self.rate.per_second;
        state.room = (state.room + gained).min(self.rate.burst);
        state.filled = now;
        if state.room >= 1.0 {
            state.room -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - state.room) / self.rate.per_second).ceil().clamp(1.0, 3_600.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 3600")]
        Err(wait as u32)
    }

    /// Counts what was wrong and gives its answer: `wrong`, or that it was one too many.
    pub(crate) fn refusal(
        &self,
        what: Guess,
        peer: Option<Peer>,
        now: Time,
        wrong: Problem,
    ) -> Problem {
        match peer.map(|Peer(address)| self.wrong(what, address.ip(), now)) {
            None | Some(Ok(())) => wrong,
            Some(Err(seconds)) => what.too_many().retry_after(seconds),
        }
    }

    /// Counts. If the address has tried too many, the seconds until it may go on.
    fn wrong(&self, what: Guess, address: IpAddr, now: Time) -> Result<(), u32> {
        let mut state = lock(&self.state);
        let wrong = match what {
            Guess::Secret => &mut state.secrets,
            Guess::Token => &mut state.tokens,
        };
        let address = network(address);
        if wrong.len() >= ADDRESSES_MOST && !wrong.contains_key(&address) {
            wrong.retain(|_, (began, _)| now.ms_since(*began) < WINDOW_MS);
            if wrong.len() >= ADDRESSES_MOST {
                wrong.clear();
            }
        }
        let (began, count) = wrong.entry(address).or_insert((now, 0));
        // Requests that come together may be counted in another order than their times are.
        if !(-WINDOW_MS..WINDOW_MS).contains(&now.ms_since(*began)) {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count <= what.most() {
            return Ok(());
        }
        let left = (WINDOW_MS - now.ms_since(*began)).max(1_000) / 1_000;
        Err(u32::try_from(left).unwrap_or(60))
    }
}

/// One sender: an IPv4 address, or the /64 network that an IPv6 user has to himself.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Rates {
        Rates::new(Rate { burst: 3.0, per_second: 2.0 }, Time(0))
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let guard = guard();
        assert!((0..3).all(|_| guard.take(Time(0)).is_ok()));
        assert_eq!(guard.take(Time(0)), Err(1));
        assert_eq!(guard.take(Time(500)), Ok(()));
        assert_eq!(guard.take(Time(500)), Err(1));
        assert_eq!(guard.take(Time(-9_000)), Err(1));
    }

    #[test]
    fn the_eleventh_wrong_secret_of_a_minute_is_too_many() {
        let guard = guard();
        let at: IpAddr = "2001:db8::1".parse().unwrap();
        let near: IpAddr = "2001:db8::ffff".parse().unwrap();
        assert!((0..10).all(|_| guard.wrong(Guess::Secret, at, Time(1_000)).is_ok()));
        assert_eq!(guard.wrong(Guess::Secret, near, Time(2_000)), Err(59));
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(guard.wrong(Guess::Secret, other, Time(2_000)).is_ok());
        assert!(guard.wrong(Guess::Secret, at, Time(61_000)).is_ok());
        // Tokens have a count of their own.
        assert!((0..30).all(|_| guard.wrong(Guess::Token, at, Time(2_000)).is_ok()));
        assert_eq!(guard.wrong(Guess::Token, at, Time(2_000)), Err(60));
    }

    #[test]
    fn many_addresses_do_not_fill_the_memory() {
        let guard = guard();
        for n in 0..30_000_u32 {
            let _counted = guard.wrong(Guess::Token, IpAddr::from(n.to_be_bytes()), Time(0));
        }
        assert!(guard.state.lock().unwrap().tokens.len() <= ADDRESSES_MOST);
    }
}
