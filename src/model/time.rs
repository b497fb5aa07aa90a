//! A moment, to the millisecond, and how it is read and written.
//!
//! Must not ask what time it is now: that is the clock's part.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment as milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// 0001-01-01T00:00:00.000Z.
const FIRST: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;
const DAY_MS: i64 = 86_400_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

impl Time {
    /// Reads an RFC 3339 time with any offset, or a plain date as midnight UTC. What is finer than
    /// a millisecond is cut. `None` if it is neither, or outside the years 1 to 9999.
    pub fn parse(text: &str) -> Option<Time> {
        let text = text.trim();
        let (moment, offset_ms) = if text.len() == 10 {
            (text.parse::<Date>().ok()?.at(0, 0, 0, 0), 0)
        } else {
            let (local, offset_ms) = split_offset(text)?;
            let has_time = matches!(local.as_bytes().get(10), Some(b'T' | b't' | b' '));
            (local.parse::<DateTime>().ok().filter(|_| has_time)?, offset_ms)
        };
        let days = i64::from(EPOCH.until(moment.date()).ok()?.get_days());
        let (hour, minute) = (i64::from(moment.hour()), i64::from(moment.minute()));
        let seconds = (hour * 60 + minute) * 60 + i64::from(moment.second());
        let ms = days * DAY_MS + seconds * 1_000 + i64::from(moment.millisecond()) - offset_ms;
        (FIRST..=LAST).contains(&ms).then_some(Time(ms))
    }

    /// The moment `ms` milliseconds later (earlier if negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative if `earlier` is later.
    pub fn ms_since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The local part of a time and its offset from UTC in milliseconds: `Z`, `+hh:mm` or `-hh:mm`.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, 0));
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let sign = match offset.as_bytes() {
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = offset[1..].split_once(':')?;
    let number = |text: &str, most: i64| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| digits && *n <= most)
    };
    Some((local, sign * (number(hours, 23)? * 60 + number(minutes, 59)?) * 60_000))
}

/// RFC 3339 in UTC with milliseconds and `Z`, e.g. `2026-03-01T09:00:00.000Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.clamp(FIRST, LAST);
        let days = ms.div_euclid(DAY_MS);
        // Within the years that a date can have, so it never overflows.
        let date = EPOCH.checked_add(days.days()).unwrap_or(EPOCH);
        let rest = ms.rem_euclid(DAY_MS);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            date.month(),
            date.day(),
            rest / 3_600_000,
            rest / 60_000 % 60,
            rest / 1_000 % 60,
            rest % 1_000
        )
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Time::parse(text).map(|t| t.to_string())
    }

    #[test]
    fn any_offset_is_written_as_utc_with_milliseconds() {
        assert_eq!(shown("2026-03-01T10:00:00+01:00").unwrap(), "2026-03-01T09:00:00.000Z");
        assert_eq!(shown("2026-03-01T09:00:00Z").unwrap(), "2026-03-01T09:00:00.000Z");
        assert_eq!(shown("2026-03-01").unwrap(), "2026-03-01T00:00:00.000Z");
        assert_eq!(shown("2026-03-01t00:30:00-11:30").unwrap(), "2026-03-01T12:00:00.000Z");
        assert_eq!(shown("9999-12-31T23:59:59.999Z").unwrap(), "9999-12-31T23:59:59.999Z");
        assert_eq!(shown("0001-01-01").unwrap(), "0001-01-01T00:00:00.000Z");
    }

    #[test]
    fn finer_than_a_millisecond_is_cut_not_rounded() {
        assert_eq!(shown("2026-03-01T09:00:00.123999Z").unwrap(), "2026-03-01T09:00:00.123Z");
        assert_eq!(shown("1969-12-31T23:59:59.9999Z").unwrap(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for bad in ["", "tomorrow", "2026-02-30", "2026-03-01T09:00:00", "01/03/2026", "2026-3-1"] {
            assert_eq!(shown(bad), None, "{bad}");
        }
        for outside in ["-000001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0000-12-31"] {
            assert_eq!(shown(outside), None, "{outside}");
        }
        for odd in ["2026-03-01T09:00:00+1:00", "2026-03-01T09:00:00+24:00", "2026-03-01Z"] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }
}
