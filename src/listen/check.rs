//! Whether a webhook was signed with a secret, told as any receiver can tell it: from its headers and
//! its body.
//!
//! Must not know who sent it.

use http::HeaderMap;

use crate::secret::Secret;
use crate::signature;

/// How old a signed request may be, in seconds; as Standard Webhooks has it.
const AGE_MOST: u64 = 300;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// It comes from who has the secret, and is not old.
    pub(crate) is_good: bool,
    /// In words.
    pub(crate) words: String,
}

/// Checks both kinds of signatures at `now`, in seconds since 1970.
pub(crate) fn check(headers: &HeaderMap, body: &[u8], secret: &Secret, now: i64) -> Check {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let id = header("webhook-id").unwrap_or_default();
    let at = header("webhook-timestamp").and_then(|at| at.parse::<i64>().ok());
    let made = signature::headers(id, at.unwrap_or_default(), body, &[secret]);
    let fits = |name: &str, given: &str| {
        let expected = made.iter().find(|(known, _)| *known == name);
        let expected = expected.map(|(_, value)| Secret::new(value));
        // While a secret is being changed there are two, with a blank between.
        expected.is_some_and(|expected| given.split(' ').any(|one| expected.matches(one)))
    };
    let judged = ["webhook-signature", "x-btk-signature"].map(|name| match header(name) {
        None => (None, format!("{name} is missing")),
        Some(given) if fits(name, given) => (Some(true), format!("{name} fits")),
        Some(_) => (Some(false), format!("{name} does not fit: another secret, or a changed body")),
    });
    let is_old = at.is_none_or(|at| now.abs_diff(at) > AGE_MOST);
    let are_good = judged.iter().all(|(fits, _)| *fits != Some(false))
        && judged.iter().any(|(fits, _)| *fits == Some(true));
    let mut words = judged.map(|(_, words)| words).join("; ");
    if is_old {
        words.push_str("; webhook-timestamp is missing or more than 5 minutes off");
    }
    Check { is_good: are_good && !is_old, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_765_216_530;

    fn signed(secret: &Secret, body: &[u8], at: i64) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert("webhook-id", "evt_1".parse().unwrap());
        map.insert("webhook-timestamp", at.to_string().parse().unwrap());
        for (name, value) in signature::headers("evt_1", at, body, &[secret]) {
            map.insert(name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_signature_is_good_for_its_secret_its_body_and_its_time() {
        let (ours, other) = (signature::generate([1; 32]), signature::generate([2; 32]));
        let headers = signed(&ours, b"{}", NOW);
        assert!(check(&headers, b"{}", &ours, NOW + 300).is_good);
        assert!(check(&headers, b"{}", &ours, NOW).words.contains("webhook-signature fits"));
        for (body, secret, now, words) in [
            (&b"{}"[..], &other, NOW, "does not fit"),
            (b"{ }", &ours, NOW, "does not fit"),
            (b"{}", &ours, NOW + 301, "5 minutes"),
            (b"{}", &ours, NOW - 301, "5 minutes"),
        ] {
            let found = check(&headers, body, secret, now);
            assert!(!found.is_good && found.words.contains(words), "{found:?}");
        }
        let bare = check(&HeaderMap::new(), b"{}", &ours, NOW);
        assert!(!bare.is_good && bare.words.contains("is missing"), "{bare:?}");
    }

    #[test]
    fn while_a_secret_is_changed_the_old_one_is_good_too() {
        let (new, old) = (signature::generate([1; 32]), signature::generate([2; 32]));
        let mut headers = signed(&new, b"{}", NOW);
        let both = signature::headers("evt_1", NOW, b"{}", &[&new, &old]);
        headers.insert("webhook-signature", both[0].1.parse().unwrap());
        headers.remove("x-btk-signature");
        assert!(check(&headers, b"{}", &old, NOW).is_good);
        assert!(check(&headers, b"{}", &new, NOW).is_good);
    }
}
