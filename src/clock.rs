//! Time and chance: the only place that asks the machine for the wall clock, or for chance. Spans are measured with
//! `Instant` where they are needed.
//!
//! Everybody else gets a `Time` or an id passed in, so that decisions can be tested.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::{TaskId, Time};

/// The time now, by the machine's wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 36^7: how many ends a task id can have.
const SUFFIXES: u64 = 78_364_164_096;
/// Shares no factor with 36, so that stepping by it meets every suffix once before any repeats.
const STEP: u64 = 30_517_578_125;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Makes ids that no one else has.
#[derive(Debug)]
pub(crate) struct Ids {
    next: AtomicU64,
}

impl Ids {
    /// A source that begins at a random place.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub(crate) fn new() -> Result<Ids, getrandom::Error> {
        Ok(Ids { next: AtomicU64::new(getrandom::u64()? % SUFFIXES) })
    }

    /// `task_<unix milliseconds>_<7 characters of [0-9a-z]>`; never the same one twice in a process.
    #[expect(clippy::expect_used, reason = "impossible, as said below")]
    pub(crate) fn task(&self, now: Time) -> TaskId {
        let id = format!("task_{}_{}", now.0, self.suffix());
        // Digits, lower-case letters and underscores, 21 to 32 of them: a valid id by its making.
        TaskId::parse(&id).expect("a made id keeps the rules of ids")
    }

    /// `evt_` and a UUID of version 7: in order of time, unique everywhere, also after a restore.
    pub(crate) fn event(&self, now: Time) -> String {
        let mut random = [0; 10];
        // Without the system's generator, the counter and the time still keep ids apart.
        if getrandom::fill(&mut random).is_err() {
            random[..8].copy_from_slice(&self.step().to_le_bytes());
        }
        let millis = u64::try_from(now.0).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        format!("evt_{}", id.simple())
    }

    /// `wh_` and 7 characters: a webhook made over the API.
    pub(crate) fn webhook(&self) -> String {
        format!("wh_{}", self.suffix())
    }

    /// 32 bytes that nobody can guess, for a secret.
    ///
    /// # Errors
    /// The operating system gives no random numbers: no secret is better than one that is known.
    pub(crate) fn secret_bytes() -> Result<[u8; 32], getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(random)
    }

    /// A number from 0 to 1, to keep apart what would otherwise happen at once.
    pub(crate) fn chance(&self) -> f64 {
        let random = getrandom::u32().unwrap_or_else(|_| {
            // The counter steps far, so it will do where the system's generator fails.
            u32::try_from(self.step().wrapping_mul(STEP) >> 32).unwrap_or_default()
        });
        f64::from(random) / f64::from(u32::MAX)
    }

    /// `att_` and 7 characters, for an attachment that came without an id.
    pub(crate) fn attachment(&self) -> String {
        format!("att_{}", self.suffix())
    }

    /// `req_` and 7 characters that name one request in logs and errors.
    pub(crate) fn request(&self) -> String {
        format!("req_{}", self.suffix())
    }

    fn step(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn suffix(&self) -> String {
        let n = u128::from(self.step()) * u128::from(STEP) % u128::from(SUFFIXES);
        let mut rest = u64::try_from(n).unwrap_or_default();
        let mut text = [b'0'; 7];
        for place in text.iter_mut().rev() {
            *place = DIGITS[usize::try_from(rest % 36).unwrap_or_default()];
            rest /= 36;
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn task_ids_look_as_promised_and_never_repeat() {
        let ids = Ids::new().unwrap();
        let made: HashSet<String> =
            (0..10_000).map(|_| ids.task(Time(1_765_216_530_445)).to_string()).collect();
        assert_eq!(made.len(), 10_000);
        let one = made.iter().next().unwrap().strip_prefix("task_1765216530445_").unwrap();
        assert_eq!(one.len(), 7);
        assert!(one.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
    }

    #[test]
    fn event_ids_are_in_order_of_time() {
        let ids = Ids::new().unwrap();
        assert!(ids.event(Time(1_000)) < ids.event(Time(2_000)));
        assert_eq!(ids.event(Time(0)).len(), 36);
    }
}
