//! Numbers of settings and of options: digits alone.
//!
//! What Rust reads as a number may also have a plus before it, which nobody means: it is left from a sum, a telephone
//! number or a diff. Must not know what a number means.

use std::str::FromStr;

/// The number that a text is: digits from 0 to 9, nothing before or between them.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// The number of an option of the command line, within bounds.
///
/// # Errors
/// It is none, or another one; says which there may be.
pub(crate) fn within<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    number(text)
        .filter(|number| (LEAST..=MOST).contains(number))
        .ok_or_else(|| format!("use a number from {LEAST} to {MOST}"))
}

/// A port of the command line.
///
/// # Errors
/// It is none; says which there may be.
pub(crate) fn port_option(text: &str) -> Result<u16, String> {
    number(text).ok_or_else(|| "use a number from 0 to 65535 (0 = any free port)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_alone() {
        assert_eq!(number::<u16>("0"), Some(0));
        assert_eq!(number::<u16>("0080"), Some(80));
        for bad in ["", "+0", "+3", "-1", " 1", "1_000", "1.0", "0x10", "١", "70000"] {
            assert_eq!(number::<u16>(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_option_has_bounds() {
        assert_eq!((within::<1, 9>("1"), within::<1, 9>("9")), (Ok(1), Ok(9)));
        for bad in ["0", "10", "+5", ""] {
            assert_eq!(within::<1, 9>(bad), Err("use a number from 1 to 9".to_owned()), "{bad}");
        }
        assert_eq!(port_option("65535"), Ok(65_535));
        assert!(port_option("+0").is_err() && port_option("65536").is_err());
    }
}
