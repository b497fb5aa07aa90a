//! Signatures of outgoing requests: Standard Webhooks, and a plain HMAC for tools that can do no more.
//!
//! Must not know which webhook has which secret, what time it is, nor where randomness comes from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac_sha256::HMAC;

use crate::secret::{Secret, hex};

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// The bytes that a key may have.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Reads a secret that somebody chose: `whsec_` and 24 to 64 bytes in standard base64.
///
/// # Errors
/// What it must be and how to make one, to stand after a name; never the value itself.
pub(crate) fn parse(text: &str) -> Result<Secret, String> {
    if key(text).is_some_and(|key| KEY_BYTES.contains(&key.len())) {
        return Ok(Secret::new(text));
    }
    Err("must be whsec_ and 24 to 64 random bytes in base64; \
         make one with: echo \"whsec_$(openssl rand -base64 32)\""
        .to_owned())
}

/// A new secret from random bytes.
pub(crate) fn generate(random: [u8; 32]) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// The headers that prove where a request comes from; none without a secret.
///
/// `id` is the event's (no full stop in it), `timestamp_seconds` that of this attempt since 1970:
/// both are signed, so they must be sent as they are here. `secrets` are those that
/// [`parse`] or [`generate`] made, the newest first: `webhook-signature` has one signature for
/// each, so that a receiver may know either; `x-btk-signature` is made with the newest.
pub(crate) fn headers(
    id: &str,
    timestamp_seconds: i64,
    body: &[u8],
    secrets: &[&Secret],
) -> Vec<(&'static str, String)> {
    let Some(newest) = secrets.first() else { return Vec::new() };
    let signatures: Vec<String> = secrets
        .iter()
        .filter_map(|secret| key(secret.expose()))
        .map(|key| {
            let mut mac = HMAC::new(key);
            mac.update(format!("{id}.{timestamp_seconds}."));
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize()))
        })
        .collect();
    // The whole text is the key here: tools that do plain HMAC take a text and cannot decode one.
    let plain = HMAC::mac(body, newest.expose());
    vec![
        ("webhook-signature", signatures.join(" ")),
        ("x-btk-signature", format!("sha256={}", hex(&plain))),
    ]
}

/// The key that a secret stands for.
fn key(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.strip_prefix(PREFIX)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use standardwebhooks::Webhook;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    /// The seconds now, which the official verifier asks for itself.
    fn now() -> i64 {
        i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
    }

    /// A request as a receiver sees it.
    fn request(at: i64, body: &[u8], secrets: &[&Secret]) -> http::HeaderMap {
        let mut map = http::HeaderMap::new();
        map.insert("webhook-id", ID.parse().unwrap());
        map.insert("webhook-timestamp", at.to_string().parse().unwrap());
        for (name, value) in headers(ID, at, body, secrets) {
            map.insert(name, value.parse().unwrap());
        }
        map
    }

    fn accepts(secret: &Secret, body: &[u8], request: &http::HeaderMap) -> bool {
        Webhook::new(secret.expose()).unwrap().verify(body, request).is_ok()
    }

    #[test]
    fn the_signature_is_that_of_the_known_example() {
        let found = headers(ID, 1_614_265_330, BODY, &[&parse(SECRET).unwrap()]);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(found[0], ("webhook-signature", expected.to_owned()));
        // As by: printf '%s' '{"test": 2432232314}' | openssl dgst -sha256 -hmac whsec_…
        let plain = "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c";
        assert_eq!(found[1], ("x-btk-signature", plain.to_owned()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_official_verifier_accepts_what_is_sent_and_nothing_else() {
        let (ours, other) = (generate([7; 32]), generate([8; 32]));
        let body = "{\"title\":\"Zoë 🦀 \u{2028}\"}".as_bytes();
        let sent = request(now(), body, &[&ours]);
        assert!(accepts(&ours, body, &sent));
        assert!(!accepts(&other, body, &sent), "another secret");
        assert!(!accepts(&ours, &body[1..], &sent), "another body");
        for (name, value) in [("webhook-id", "msg_2"), ("webhook-timestamp", "1")] {
            let mut tampered = sent.clone();
            let value = if value == "1" { (now() - 1).to_string() } else { value.to_owned() };
            tampered.insert(name, value.parse().unwrap());
            assert!(!accepts(&ours, body, &tampered), "another {name}");
        }
        assert!(!accepts(&ours, body, &request(now() - 600, body, &[&ours])), "an old request");
    }

    #[test]
    fn while_a_secret_is_being_rotated_both_are_good() {
        let (new, old, third) = (generate([1; 32]), generate([2; 32]), generate([3; 32]));
        let sent = request(now(), BODY, &[&new, &old]);
        assert!(accepts(&new, BODY, &sent) && accepts(&old, BODY, &sent));
        assert!(!accepts(&third, BODY, &sent));
        let alone = |secret| headers(ID, 5, BODY, &[secret]);
        let both = headers(ID, 5, BODY, &[&new, &old]);
        assert_eq!(both[0].1, format!("{} {}", alone(&new)[0].1, alone(&old)[0].1));
        assert_eq!(both[1], alone(&new)[1], "the plain one is of the newest");
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        assert_eq!(headers(ID, 5, BODY, &[]), []);
    }

    #[test]
    fn a_secret_has_its_prefix_and_24_to_64_bytes() {
        for bytes in [24, 25, 32, 64] {
            let text = format!("whsec_{}", STANDARD.encode(vec![255; bytes]));
            assert_eq!(parse(&text).unwrap().expose(), text);
        }
        assert_eq!(parse(generate([9; 32]).expose()).unwrap().expose().len(), 6 + 44);
        let sized = |bytes| format!("whsec_{}", STANDARD.encode(vec![251; bytes]));
        for bad in [
            String::new(),
            "whsec_".to_owned(),
            sized(23),
            sized(65),
            sized(32).replace("whsec_", ""),
            sized(32).replace("whsec_", "WHSEC_"),
            sized(32).replace('+', "-"),
            sized(32).trim_end_matches('=').to_owned(),
            format!("{} ", sized(32)),
            "correct horse battery staple correct horse".to_owned(),
        ] {
            let said = parse(&bad).unwrap_err();
            assert!(said.starts_with("must be whsec_ and 24 to 64 random bytes"), "{bad}: {said}");
            assert!(bad.len() < 8 || !said.contains(bad.trim_start_matches("whsec_")), "{said}");
        }
    }
}
