//! A moment, to the millisecond, and how it is read and written.
//!
//! Must not ask what time it is now: that is the clock's part.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment as milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// 0001-01-01T00:00:00.000Z.
const FIRST: i64 = -62_135_596_800_000;
/// 9999-12-30T22:00:00.000Z, the last whole hour that every time zone can show.
const LAST: i64 = 253_402_207_200_000;

impl Time {
    /// Reads an RFC 3339 time with any offset, or a plain date as midnight UTC. What is finer than
    /// a millisecond is cut. `None` if it is neither, or outside the years 1 to 9999.
    pub fn parse(text: &str) -> Option<Time> {
        let text = text.trim();
        let moment = if text.len() == 10 {
            TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok()?
        } else {
            text.parse::<Timestamp>().ok()?
        };
        let millis = moment.as_nanosecond().div_euclid(1_000_000);
        i64::try_from(millis).ok().filter(|ms| (FIRST..=LAST).contains(ms)).map(Time)
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

/// RFC 3339 in UTC with milliseconds and `Z`, e.g. `2026-03-01T09:00:00.000Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = Timestamp::from_millisecond(self.0.clamp(FIRST, LAST)).unwrap_or_default();
        let day = TimeZone::UTC.to_datetime(moment);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            day.year(),
            day.month(),
            day.day(),
            day.hour(),
            day.minute(),
            day.second(),
            day.millisecond()
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
        assert_eq!(shown("-000001-01-01T00:00:00Z"), None);
    }
}
