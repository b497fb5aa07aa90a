//! Which secrets protect nothing: short ones, samples, and placeholders that nobody has replaced.
//!
//! What is said of one never repeats it.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;

/// Fewer characters than this can be guessed.
const SECRET_LEAST: usize = 16;
/// Fewer different signs than this were typed to fill a place: chance makes more.
const SIGNS_LEAST: usize = 4;
const SAMPLE: &str = "is a sample";
/// What stands around a name that is to be replaced.
const FRAMES: [(&str, &str); 7] =
    [("${", "}"), ("$(", ")"), ("{{", "}}"), ("{", "}"), ("<", ">"), ("[", "]"), ("%", "%")];
/// What a placeholder is called.
pub(super) const PLACEHOLDER: &str = "is a placeholder, such as ${NAME} or <your-secret>, which nothing has replaced \
    (btk expands nothing)";

/// Why a secret protects nothing, if it does not.
pub(super) fn weakness(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose().trim();
    if is_placeholder(text) {
        return Some(PLACEHOLDER);
    }
    if text.chars().count() < SECRET_LEAST {
        return Some("has fewer than 16 characters");
    }
    let plain: String =
        text.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let samples = ["changeme", "yoursecret", "yoursuper", "yourwebhook", "yourapi", "example"];
    let sample = samples.iter().any(|sample| plain.contains(sample))
        || ["secret", "token", "password"].iter().any(|word| plain.replace(word, "").is_empty())
        || plain.chars().collect::<HashSet<_>>().len() < SIGNS_LEAST;
    sample.then_some(SAMPLE)
}

/// Why a secret that signs protects nothing, if it does not. It has its length already; what counts are the bytes
/// of its base64, of which one letter all along makes three at most.
pub(super) fn weakness_of_key(secret: &Secret) -> Option<&'static str> {
    let key = STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
    (key.iter().collect::<HashSet<_>>().len() < SIGNS_LEAST).then_some(SAMPLE)
}

/// Whether a text, or a part of it, is what a shell or a tool would have put a value in place of. Within the frames there
/// must be words: what stands there by chance has other signs too, or many digits, as a UUID in braces has.
pub(super) fn is_placeholder(text: &str) -> bool {
    let has_few_digits = |name: &str| name.chars().filter(char::is_ascii_digit).count() < 8;
    let is_words = |inner: &str| {
        let is_of_words = |c: char| c.is_alphanumeric() || " _-.:".contains(c);
        !inner.is_empty() && inner.chars().all(is_of_words) && has_few_digits(inner)
    };
    let is_framed = |(open, close): &(&str, &str)| {
        text.strip_prefix(*open).and_then(|rest| rest.strip_suffix(*close)).is_some_and(is_words)
    };
    let is_variable = |name: &str| {
        let is_of_names = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(is_of_names)
            && has_few_digits(name)
    };
    let has_variable = |(open, close): (&str, &str)| {
        let mut named = text.split(open).skip(1).filter_map(|rest| rest.split_once(close));
        named.any(|(name, _)| is_words(name.trim()))
    };
    FRAMES.iter().any(is_framed)
        || [("${", "}"), ("{{", "}}")].into_iter().any(has_variable)
        || text.strip_prefix('$').is_some_and(is_variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_replaced_is_a_placeholder() {
        for text in [
            "${BTK_WEBHOOK_SECRET}",
            "prefix-${WEBHOOK_SECRET:-none}-suffix",
            "$WEBHOOK_SECRET",
            "$(openssl-rand)",
            "<your-secret>",
            "<put your long secret here>",
            "{{ webhook_secret }}",
            "{{.Values.webhookSecret}}",
            "%WEBHOOK_SECRET%",
            "[your token]",
            "Bearer {{token}}",
        ] {
            assert!(is_placeholder(text), "{text}");
            assert_eq!(weakness(&Secret::new(text)), Some(PLACEHOLDER), "{text}");
        }
    }

    #[test]
    fn a_secret_with_such_signs_is_none() {
        for text in [
            "9f2c7e1ab04d6835c1e7",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9",
            "<kX/9=f2c7}e1ab>04d6835c1e7",
            "%9f2c7e1ab04d6835c1e7",
            "$9F2C7E1AB04D6835C1E7",
            "$AF2C7E1AB04D6835C1E7",
            "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}",
            "a{b}c${d*9f2c7e1ab04d6835",
        ] {
            assert!(!is_placeholder(text), "{text}");
            assert_eq!(weakness(&Secret::new(text)), None, "{text}");
        }
    }

    #[test]
    fn a_key_of_a_few_bytes_over_and_over_is_a_sample() {
        let key = |bytes: Vec<u8>| Secret::new(format!("whsec_{}", STANDARD.encode(bytes)));
        for weak in [
            key(vec![0; 24]),
            key(vec![7; 32]),
            key(vec![255; 64]),
            key([b'a', b'b'].repeat(16)),
            Secret::new(format!("whsec_{}=", "A".repeat(43))),
            Secret::new(format!("whsec_{}", "a".repeat(32))),
        ] {
            assert_eq!(weakness_of_key(&weak), Some(SAMPLE), "{}", weak.expose());
        }
        for strong in
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert_eq!(weakness_of_key(&Secret::new(strong)), None, "{strong}");
        }
    }
}
