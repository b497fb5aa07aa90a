//! What a receiver must not give away by repeating it: each secret of a request, its parts, and its other forms.
//!
//! Pure: a message in, words out. Must not know how an answer writes them, nor how it is shown.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

use crate::delivery::request::is_signature;
use crate::secret::{MASKED_LEAST, Secret};

use super::Message;

/// What parts of a header's value are divided by: `sid=…; b=…`, `token="…"`, `key:…`.
const BETWEEN: [char; 6] = [' ', ';', ',', ':', '"', '\''];

/// The URL of `message`, the values of the webhook's own headers, its secrets, what they signed, and `ours`: whole,
/// in parts, and in other forms. None is shorter than [`MASKED_LEAST`].
pub(super) fn words(message: &Message<'_>, ours: &[Secret]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for part in parts(message, ours) {
        add(part, &mut words);
        // A URL has its own way to write a part; a receiver sees through it.
        let decoded = percent_decode_str(part).decode_utf8().unwrap_or_default();
        if decoded != part {
            add(&decoded, &mut words);
        }
    }
    words.retain(|word| word.len() >= MASKED_LEAST);
    words
}

/// The secrets as they are sent or kept, whole and divided.
fn parts<'m>(message: &'m Message<'_>, ours: &'m [Secret]) -> BTreeSet<&'m str> {
    let url: &str = message.url;
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let bare = path.split('?').next().unwrap_or_default();
    let mut parts = BTreeSet::from([url, path, bare]);
    parts.extend(path.split(['/', '?', '&', '=', '#']));
    for (_, value) in message.own_headers {
        parts.insert(value.as_str());
        parts.extend(value.split(' '));
        for part in value.split(BETWEEN) {
            parts.insert(part);
            // A name is no secret: it would be masked in innocent sentences.
            parts.extend(part.split_once('=').map(|(_, value)| value));
        }
    }
    let signed = message.headers.iter().filter(|(name, _)| is_signature(name));
    for (_, value) in signed {
        parts.extend(value.split([' ', ',', '=']));
    }
    let secrets = message.secrets.iter().map(|secret| secret.expose());
    for secret in secrets.chain(ours.iter().map(Secret::expose)) {
        parts.extend([secret, secret.trim_start_matches("whsec_")]);
    }
    parts
}

/// Adds a part, what it is in base64, and what it says if it is base64 itself: `user:password` is also each of the two.
fn add(part: &str, words: &mut BTreeSet<String>) {
    let part = part.trim();
    // Of what is too short to be masked, no other form is masked either.
    if part.len() < MASKED_LEAST {
        return;
    }
    let unpadded = part.trim_end_matches('=');
    words.extend([part.to_owned(), unpadded.to_owned()]);
    // Without the padding it is found in both.
    words.extend([STANDARD_NO_PAD.encode(part), URL_SAFE_NO_PAD.encode(part)]);
    let bytes = STANDARD_NO_PAD.decode(unpadded).or_else(|_| URL_SAFE_NO_PAD.decode(unpadded));
    let said = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // Most words can be read as base64; what comes of it is no text then.
    if let Some(said) = said.filter(|said| !said.contains(char::is_control)) {
        if let Some((user, password)) = said.split_once(':') {
            words.extend([user.to_owned(), password.to_owned()]);
        }
        words.insert(said);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::model::Profile;

    /// The words of a request to `url` with one header of the webhook's own.
    fn of(url: &str, header: &str) -> BTreeSet<String> {
        let own = [("x-own".to_owned(), header.to_owned())];
        let secret = Secret::new("whsec_c2lnbmluZy1rZXk");
        let signature = "v1,c2lnbmF0dXJlLTE= v1,c2lnbmF0dXJlLTI=".to_owned();
        let message = Message {
            url,
            headers: vec![
                ("webhook-id", "evt_0123456789".to_owned()),
                ("webhook-signature", signature),
            ],
            own_headers: &own,
            secrets: vec![&secret],
            body: Bytes::new(),
            profile: Profile::Auto,
            on_own_connection: false,
            timeout: Duration::from_secs(1),
            is_trusted: false,
        };
        words(&message, &[Secret::new("our-own-token")])
    }

    #[track_caller]
    fn holds(words: &BTreeSet<String>, wanted: &[&str]) {
        for word in wanted {
            assert!(words.contains(*word), "{word} is not in {words:#?}");
        }
    }

    #[test]
    fn the_url_its_path_and_their_parts_are_secret() {
        let url = "https://e.org/hook/s3cret-path?key=s3cret-key&v=1";
        let path = "hook/s3cret-path?key=s3cret-key&v=1";
        holds(&of(url, ""), &[url, path, "hook/s3cret-path", "s3cret-path", "s3cret-key"]);
    }

    #[test]
    fn parts_of_the_url_are_secret_also_decoded() {
        let words = of("https://e.org/a%20long%20path/x?sig=aB3%2FdEf9%2BgHiJkLmNoP%3D", "");
        holds(&words, &["a%20long%20path", "a long path", "aB3%2FdEf9%2BgHiJkLmNoP%3D"]);
        holds(&words, &["aB3/dEf9+gHiJkLmNoP=", "aB3/dEf9+gHiJkLmNoP"]);
        // A byte that begins no letter.
        holds(&of("https://e.org/s3cret%FFpath", ""), &["s3cret%FFpath"]);
    }

    #[test]
    fn user_and_password_are_secret_together_and_each() {
        let header = "Basic dXNlcjpzM2NyZXRwYXNzOTk=";
        let words = of("https://e.org/", header);
        holds(&words, &[header, "dXNlcjpzM2NyZXRwYXNzOTk=", "dXNlcjpzM2NyZXRwYXNzOTk"]);
        holds(&words, &["user:s3cretpass99", "s3cretpass99"]);
        assert!(!words.contains("user"), "too short");
        let words = of("https://e.org/?auth=dXNlcjpzM2NyZXRwYXNzOTk%3D", "");
        holds(&words, &["user:s3cretpass99", "s3cretpass99"]);
        // In the alphabet of URLs.
        holds(&of("https://e.org/", "c2VlZGVkPz8-PndvcmR-fg"), &["seeded??>>word~~"]);
    }

    #[test]
    fn parts_of_a_header_are_secret_whatever_divides_them() {
        let words = of("https://e.org/", "sid=cookiesecret12345; b=other-secret,third-secret");
        holds(&words, &["cookiesecret12345", "other-secret", "third-secret"]);
        let words = of("https://e.org/", "token=\"quoted/s3cret+12==\", key:'single-quoted'");
        holds(&words, &["quoted/s3cret+12==", "quoted/s3cret+12", "single-quoted"]);
    }

    #[test]
    fn what_a_secret_is_in_base64_is_secret() {
        let words = of("https://e.org/", "tenant42-9f8e");
        holds(&words, &["tenant42-9f8e", "dGVuYW50NDItOWY4ZQ"]);
        let words = of("https://e.org/", "seeded??>>word~~");
        holds(&words, &["c2VlZGVkPz8+PndvcmR+fg", "c2VlZGVkPz8-PndvcmR-fg"]);
    }

    #[test]
    fn signatures_and_secrets_that_are_not_sent_are_secret() {
        let words = of("https://e.org/", "");
        holds(&words, &["whsec_c2lnbmluZy1rZXk", "c2lnbmluZy1rZXk", "our-own-token"]);
        holds(&words, &["c2lnbmF0dXJlLTE", "c2lnbmF0dXJlLTI"]);
        assert!(!words.contains("evt_0123456789"), "it is no secret");
    }

    #[test]
    fn short_words_are_left_in_every_form() {
        let words = of("https://e.org/hooks/v1?a=1", "abc=hooks; v1");
        let short = ["v1", "abc", "hooks", "1", "YWJj", "aG9va3M", "djE"];
        assert!(short.iter().all(|word| !words.contains(*word)), "{words:?}");
        assert!(words.iter().all(|word| word.len() >= MASKED_LEAST), "{words:?}");
    }

    #[test]
    fn words_do_not_multiply_with_the_size_of_headers() {
        let value = "0123456789 ".repeat(1_000);
        let size: usize = of("https://e.org/", &value).iter().map(String::len).sum();
        assert!(size < 10 * value.len(), "{size}");
    }
}
