//! A moment, to the millisecond, and how it is read and written.
//!
//! Must not ask what time it is now: that is the clock's part.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment as milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Time(pub i64);

/// 0001-01-01T00:00:00.000Z.
const FIRST: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;
const DAY_MS: i64 = 86_400_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Why a text is no moment, each to stand after the text.
const NO_DATE: &str = "is not a date; use RFC 3339 such as \"2026-03-01T09:00:00Z\" or \
                       \"2026-03-01\", years 1 to 9999";
const NO_ZONE: &str = "has no time zone: end it with Z for UTC or with an offset, as in \
                       \"2026-03-01T10:00:00+01:00\"";
const TWO_ZONES: &str =
    "names its time zone twice: keep one, Z for UTC or an offset such as +01:00";
const NAMED_ZONE: &str = "names its time zone by a word, which is not read: end it with Z for UTC \
                          or with an offset alone, as in \"2026-03-01T10:00:00+01:00\"";
const HALF_DAY: &str = "gives its hour with AM or PM: write it from 00 to 23 and with its zone, as in \
                        \"2026-03-01T22:00:00+01:00\"";

/// Milliseconds by which the wall clock must part from one that never steps to have been set: more than its usual
/// correction. A machine that slept is off by as long.
pub(crate) const STEP_MS: i64 = 1_000;

impl Time {
    /// Reads an RFC 3339 time with any offset, or a plain date as midnight UTC. What is finer than
    /// a millisecond is cut.
    ///
    /// Taken too, since clocks and programs write so and it means one moment alone: a blank for the
    /// `T` and before the offset, no seconds, a comma before their fraction, `+0100` and `+01`, 24:00
    /// as the end of a day. A leap second is the one before it.
    ///
    /// # Errors
    /// Why it is none, and how to write one; a sentence to stand after the text.
    pub(crate) fn read(text: &str) -> Result<Time, &'static str> {
        let (date, rest) = date(text.trim()).ok_or(NO_DATE)?;
        let days = i64::from(EPOCH.until(date).map_err(|_| NO_DATE)?.get_days());
        let (clock, offset_ms) = if rest.is_empty() {
            (Clock { ms: 0, is_leap: false }, 0)
        } else {
            let (clock, zone) = clock(rest).ok_or(NO_DATE)?;
            (clock, offset(zone)?)
        };
        let ms = days * DAY_MS + clock.ms - offset_ms;
        // Leap seconds end a day of UTC.
        let is_last_minute = ms.rem_euclid(DAY_MS) / 60_000 == DAY_MS / 60_000 - 1;
        let is_real = (FIRST..=LAST).contains(&ms) && (is_last_minute || !clock.is_leap);
        if is_real { Ok(Time(ms)) } else { Err(NO_DATE) }
    }

    /// The same where nobody asks why.
    pub(crate) fn parse(text: &str) -> Option<Time> {
        Time::read(text).ok()
    }

    /// A moment as a query or a form may have it, where a plus that was not encoded is a blank: with its plus. What is
    /// a moment without it is none with it.
    pub(crate) fn with_plus(text: &str) -> Option<String> {
        let (local, offset) = text.trim().rsplit_once(' ')?;
        let meant = format!("{local}+{offset}");
        Time::parse(&meant).is_some().then_some(meant)
    }

    /// The moment `ms` milliseconds later (earlier if negative).
    #[must_use]
    pub(crate) fn plus_ms(self, ms: i64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative if `earlier` is later.
    pub(crate) fn ms_since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Digits at the front of a text, and what is behind them.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| is_number)?, rest))
}

/// `2026-03-01` and what is behind it.
fn date(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let small = |number: i64| i8::try_from(number).ok();
    Some((Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?, rest))
}

/// The time of a day.
struct Clock {
    ms: i64,
    is_leap: bool,
}

/// `T09:00:00.123`, and what is behind it: the zone.
fn clock(text: &str) -> Option<(Clock, &str)> {
    let (hour, rest) = digits(text.strip_prefix(['T', 't', ' '])?, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (mut second, mut ms) = (0, 0);
    if let Some(behind) = rest.strip_prefix(':') {
        (second, rest) = digits(behind, 2)?;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let cut = format!("{:0<3.3}", &fraction[..end]);
            ms = cut.parse().ok().filter(|_| end > 0)?;
            rest = &fraction[end..];
        }
    }
    let is_leap = second == 60;
    let second = second - i64::from(is_leap);
    let is_end = (hour, minute, second, ms, is_leap) == (24, 0, 0, 0, false);
    if (hour > 23 && !is_end) || minute > 59 || second > 59 {
        return None;
    }
    Some((Clock { ms: ((hour * 60 + minute) * 60 + second) * 1_000 + ms, is_leap }, rest))
}

/// The offset from UTC in milliseconds: `Z`, `+hh:mm`, `+hhmm`, `+hh`, or with a minus.
fn offset(zone: &str) -> Result<i64, &'static str> {
    let is_offset = |z: &&str| z.starts_with(['+', '-']) || z.eq_ignore_ascii_case("z");
    let zone = zone.strip_prefix(' ').filter(is_offset).unwrap_or(zone);
    match (fixed(zone), zone.chars().next()) {
        (Some((ms, "")), _) => Ok(ms),
        (None, None) => Err(NO_ZONE),
        _ if is_half_day(zone) => Err(HALF_DAY),
        (Some((_, behind)), _) if fixed(behind.trim_start()).is_some() => Err(TWO_ZONES),
        (_, Some(_)) if zone.contains('[') => Err(NAMED_ZONE),
        (None, Some(c)) if c == ' ' || c.is_ascii_alphabetic() => Err(NAMED_ZONE),
        _ => Err(NO_DATE),
    }
}

/// Whether `AM` or `PM` follows the hour.
fn is_half_day(zone: &str) -> bool {
    let zone = zone.trim_start().to_ascii_lowercase();
    let behind = zone.strip_prefix(['a', 'p']).map(|rest| rest.trim_start_matches('.'));
    let behind = behind.and_then(|rest| rest.strip_prefix('m'));
    behind.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// An offset at the front of a text, and what is behind it.
fn fixed(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(&text[1..], 2)?;
    let minutes = digits(rest.strip_prefix(':').unwrap_or(rest), 2);
    let (minutes, rest) = minutes.unwrap_or((0, rest));
    (hours <= 23 && minutes <= 59).then_some((sign * (hours * 60 + minutes) * 60_000, rest))
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
        for odd in [
            "2026-03-01T09:00:00+1:00",
            "2026-03-01T09:00:00+24:00",
            "2026-03-01T09:00:00+02:",
            "2026-03-01T09:00:00+02:0",
            "2026-03-01T09:00:00.Z",
            "2026-03-01T09Z",
            "2026-03-01T24:00:01Z",
            "2026-03-01T12:00:60Z",
            "2026-03-01T09:60Z",
            "2026-03-01  09:00Z",
            "2026-03-01T09:00:00Zoo",
            "2026-03-01Z",
            "20260301T090000Z",
            "+026-03-01",
            "2026-03-0١",
            "1772355600",
        ] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }

    #[test]
    fn one_moment_may_be_written_in_more_than_one_way() {
        for text in [
            "2026-03-01T10:00:00+0100",
            "2026-03-01T10:00:00+01",
            "2026-03-01T10:00+01:00",
            "2026-03-01 10:00:00+01:00",
            "2026-03-01 10:00:00 +0100",
            "2026-03-01t09:00:00z",
            "2026-03-01T09:00:00,000Z",
            "2026-03-01T09:00:00.0Z",
            "2026-03-01T09:00:00-00:00",
            " 2026-03-01T09:00Z\n",
        ] {
            assert_eq!(shown(text).as_deref(), Some("2026-03-01T09:00:00.000Z"), "{text}");
        }
        assert_eq!(shown("2026-02-28T24:00Z").unwrap(), "2026-03-01T00:00:00.000Z");
        assert_eq!(shown("2016-12-31T23:59:60Z").unwrap(), "2016-12-31T23:59:59.000Z");
        assert_eq!(shown("2016-12-31T15:59:60.5-08:00").unwrap(), "2016-12-31T23:59:59.500Z");
        assert_eq!(shown("9999-12-31T24:00:00Z"), None);
    }

    #[test]
    fn what_is_wrong_with_a_zone_is_said() {
        for (text, why) in [
            ("2026-03-01T09:00:00", NO_ZONE),
            ("2026-03-01 09:00", NO_ZONE),
            ("2026-03-01T09:00:00.123456", NO_ZONE),
            ("2026-03-01T09:00:00+05:00Z", TWO_ZONES),
            ("2026-03-01T09:00:00Z+05:00", TWO_ZONES),
            ("2026-03-01T09:00:00ZZ", TWO_ZONES),
            ("2026-03-01T09:00:00Z[Europe/Berlin]", NAMED_ZONE),
            ("2026-03-01T09:00:00+01:00[Europe/Berlin]", NAMED_ZONE),
            ("2026-03-01T09:00:00[Europe/Berlin]", NAMED_ZONE),
            ("2026-03-01 09:00:00 UTC", NAMED_ZONE),
            ("2026-03-01 09:00 Europe/Berlin", NAMED_ZONE),
            ("2026-03-01 10:00:00 AM", HALF_DAY),
            ("2026-03-01T10:00pm", HALF_DAY),
            ("2026-03-01 10:00 p.m. +01:00", HALF_DAY),
            ("2026-03-01 09:00 AMT", NAMED_ZONE),
            ("2026-03-01T09:00:00+5:00", NO_DATE),
            ("2026-13-01T09:00:00", NO_DATE),
        ] {
            assert_eq!(Time::read(text), Err(why), "{text}");
        }
    }
}
