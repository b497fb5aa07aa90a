//! Secrets: kept out of everything that is shown, compared in constant time; and digests as text.
//!
//! Must not know what a secret is for.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A text that must not be shown. `Debug` shows only that it is there.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub(crate) fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself, for those who must send or measure it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether somebody named it right; takes as long for a near miss as for a far one.
    pub(crate) fn matches(&self, offered: &str) -> bool {
        let ours = hmac_sha256::Hash::hash(self.0.as_bytes());
        let theirs = hmac_sha256::Hash::hash(offered.as_bytes());
        ours.ct_eq(&theirs).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Shorter texts than this are not looked for: they would stand in innocent words too.
pub(crate) const MASKED_LEAST: usize = 6;

/// The text with each of the secrets in it replaced by `…`.
pub(crate) fn mask<'s>(text: &str, secrets: impl IntoIterator<Item = &'s str>) -> String {
    let mut text = text.to_owned();
    let mut secrets: Vec<&str> =
        secrets.into_iter().filter(|secret| secret.len() >= MASKED_LEAST).collect();
    // The longest first: a shorter one within it would leave its rest.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        // As it is, and as a slash may be written in JSON.
        for written in [secret, &secret.replace('/', "\\/")] {
            if text.contains(written) {
                text = text.replace(written, "…");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_but_never_shown() {
        let secret = Secret::new("correct horse");
        assert!(secret.matches("correct horse"));
        assert!(!secret.matches("correct hors") && !secret.matches(""));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn hexadecimal_has_two_digits_a_byte() {
        assert_eq!(hex(&[0, 15, 160, 255]), "000fa0ff");
    }

    #[test]
    fn secrets_in_an_answer_are_masked() {
        assert_eq!(mask("no hook /abc123 here", ["/abc123", "here"]), "no hook … here");
        assert_eq!(mask("key tenant42-9f8e", ["tenant42", "tenant42-9f8e"]), "key …");
    }
}
