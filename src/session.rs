//! Sessions: what a browser keeps instead of the token, and how it is known again.
//!
//! A value says until when it holds and proves that whoever made it had the token, so the server
//! keeps nothing, and a new token ends them all. Pure. Must not know of cookies or requests.

use hmac_sha256::HMAC;
use subtle::ConstantTimeEq as _;

use crate::model::Time;
use crate::secret::{Secret, hex};

/// How long a session holds.
pub const SECONDS: i64 = 30 * 24 * 3_600;

/// A new value: until when it holds, and the proof.
pub fn issue(token: &Secret, now: Time) -> String {
    let until = now.plus_ms(SECONDS * 1_000).0.to_string();
    let proof = proof(token, &until);
    format!("{until}.{proof}")
}

/// Whether a value was made with this token and still holds.
pub fn is_good(token: &Secret, value: &str, now: Time) -> bool {
    let Some((until, offered)) = value.split_once('.') else { return false };
    // The proof first: what the time is worth is known only then.
    let is_ours: bool = proof(token, until).as_bytes().ct_eq(offered.as_bytes()).into();
    is_ours && until.parse().is_ok_and(|until| now < Time(until))
}

/// It is over these words too, so that it proves nothing elsewhere.
fn proof(token: &Secret, until: &str) -> String {
    hex(&HMAC::mac(format!("session until {until}"), token.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_765_216_530_445);

    #[test]
    fn a_session_holds_for_thirty_days_and_for_its_token_alone() {
        let token = Secret::new("tok-0123456789");
        let value = issue(&token, NOW);
        assert!(!value.contains("tok-"));
        let end = NOW.plus_ms(SECONDS * 1_000);
        assert!(value.starts_with(&format!("{}.", end.0)), "{value}");
        assert!(is_good(&token, &value, NOW) && is_good(&token, &value, end.plus_ms(-1)));
        assert!(!is_good(&token, &value, end));
        assert!(!is_good(&Secret::new("tok-0123456780"), &value, NOW));
    }

    #[test]
    fn nothing_else_is_a_session() {
        let token = Secret::new("tok-0123456789");
        let value = issue(&token, NOW);
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
            assert!(!is_good(&token, &bad, NOW), "{bad}");
        }
    }
}
