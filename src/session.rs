//! Sessions: what a browser keeps instead of the token, and how it is known again.
//!
//! A value says until when it holds and proves that this server made it for who had the token, so a
//! sign-in writes nothing, and a new token ends them all. Those that were signed out of before their
//! time are remembered until then. Pure but for that memory. Must not know of cookies, requests or
//! the database.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use hmac_sha256::HMAC;
use subtle::ConstantTimeEq as _;

use crate::lock::lock;
use crate::model::Time;
use crate::secret::{Secret, hex};

/// How long a session holds.
pub(crate) const SECONDS: i64 = 30 * 24 * 3_600;

/// All sessions: how they are proved, and which have ended early.
pub(crate) struct Sessions {
    /// Without it, whoever guesses a token could try it by making sessions, which nobody counts.
    key: Secret,
    state: Mutex<State>,
}

struct State {
    /// Each session is known by this: no two end at the same moment.
    last_until: i64,
    ended: BTreeSet<i64>,
}

/// Shows nothing: the key is secret.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Those that are proved with this key, without those that were ended.
    pub(crate) fn new(key: Secret, ended: impl IntoIterator<Item = Time>) -> Sessions {
        let ended = ended.into_iter().map(|time| time.0).collect();
        Sessions { key, state: Mutex::new(State { last_until: i64::MIN, ended }) }
    }

    /// A new value: until when it holds, and the proof.
    pub(crate) fn issue(&self, token: &Secret, now: Time) -> String {
        let mut state = self.state();
        let mut until = now.plus_ms(SECONDS * 1_000).0.max(state.last_until.saturating_add(1));
        while state.ended.contains(&until) {
            until = until.saturating_add(1);
        }
        state.last_until = until;
        let until = until.to_string();
        let proof = self.proof(token, &until);
        format!("{until}.{proof}")
    }

    /// Until when a value holds; `None` if it was not made here and with this token, or has ended.
    pub(crate) fn until(&self, token: &Secret, value: &str, now: Time) -> Option<Time> {
        let (until, offered) = value.split_once('.')?;
        // The proof first: what the time is worth is known only then.
        let is_ours: bool = self.proof(token, until).as_bytes().ct_eq(offered.as_bytes()).into();
        let until = Time(until.parse().ok().filter(|_| is_ours)?);
        (now < until && !self.state().ended.contains(&until.0)).then_some(until)
    }

    /// Whether one of these was ended.
    pub(crate) fn has_ended(&self, untils: &[Time]) -> bool {
        !untils.is_empty() && untils.iter().any(|until| self.state().ended.contains(&until.0))
    }

    /// From now on these hold no more.
    pub(crate) fn end(&self, untils: &[Time], now: Time) {
        let mut state = self.state();
        // What has ended by itself need not be remembered.
        state.ended = state.ended.split_off(&now.0);
        state.ended.extend(untils.iter().map(|until| until.0));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// It is over these words too, so that it proves nothing elsewhere.
    fn proof(&self, token: &Secret, until: &str) -> String {
        let made = format!("session until {until} for {}", token.expose());
        hex(&HMAC::mac(made, self.key.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_765_216_530_445);

    fn sessions() -> Sessions {
        Sessions::new(Secret::new("key-0123456789"), [])
    }

    #[test]
    fn a_session_holds_for_thirty_days_and_for_its_token_and_server_alone() {
        let (sessions, token) = (sessions(), Secret::new("tok-0123456789"));
        let value = sessions.issue(&token, NOW);
        assert!(!value.contains("tok-") && !value.contains("key-"));
        let end = NOW.plus_ms(SECONDS * 1_000);
        assert!(value.starts_with(&format!("{}.", end.0)), "{value}");
        assert_eq!(sessions.until(&token, &value, NOW), Some(end));
        assert_eq!(sessions.until(&token, &value, end.plus_ms(-1)), Some(end));
        assert_eq!(sessions.until(&token, &value, end), None);
        assert_eq!(sessions.until(&Secret::new("tok-0123456780"), &value, NOW), None);
        let elsewhere = Sessions::new(Secret::new("key-another"), []);
        assert_eq!(elsewhere.until(&token, &value, NOW), None);
    }

    #[test]
    fn one_that_was_ended_holds_no_more_and_the_others_do() {
        let (sessions, token) = (sessions(), Secret::new("tok-0123456789"));
        let [one, two] = [sessions.issue(&token, NOW), sessions.issue(&token, NOW)];
        let until = sessions.until(&token, &one, NOW).unwrap();
        sessions.end(&[until], NOW);
        assert_eq!(sessions.until(&token, &one, NOW), None);
        assert!(sessions.until(&token, &two, NOW).is_some());
        // After a start, also where the clock was set back.
        let again = Sessions::new(Secret::new("key-0123456789"), [until]);
        assert_eq!(again.until(&token, &one, NOW), None);
        assert!(again.until(&token, &two, NOW).is_some());
        let three = again.issue(&token, NOW);
        assert!(again.until(&token, &three, NOW).is_some());
        again.end(&[], until);
        assert!(again.state().ended.contains(&until.0));
        again.end(&[], until.plus_ms(1));
        assert!(again.state().ended.is_empty(), "it has ended by itself");
    }

    #[test]
    fn nothing_else_is_a_session() {
        let (sessions, token) = (sessions(), Secret::new("tok-0123456789"));
        let value = sessions.issue(&token, NOW);
        let (until, proof) = value.split_once('.').unwrap();
        let later = NOW.plus_ms(SECONDS * 2_000).0;
        for bad in [
            String::new(),
            ".".to_owned(),
            proof.to_owned(),
            until.to_owned(),
            format!("{until}."),
            format!("{until}.{}", &proof[1..]),
            format!("{until}.{proof}0"),
            format!("{until}.{}", proof.to_uppercase()),
            format!("{later}.{proof}"),
            format!("+{until}.{proof}"),
            format!("0{until}.{proof}"),
            format!(" {until}.{proof}"),
            format!("{until}.{proof}.{proof}"),
            token.expose().to_owned(),
        ] {
            assert_eq!(sessions.until(&token, &bad, NOW), None, "{bad}");
        }
    }
}
