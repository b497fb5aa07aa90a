//! The rules of what tells us where to send: a webhook's URL and its own headers. The same for the
//! settings and the API.
//!
//! Each sentence stands after the name of a setting or a field and never repeats a value: for many
//! receivers the URL is the password. Must not know which addresses may be reached.

use http::{HeaderName, Uri};

use super::address::{encoded_url, is_port};
use super::limits::{HEADER_NAME, HEADER_VALUE, WEBHOOK_URL};

/// Set by us or by HTTP itself; a webhook may not bring its own.
const RESERVED: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "accept-encoding",
    "expect",
    "trailer",
    "upgrade",
    "te",
    "user-agent",
];

/// Reads the URL of a webhook; in ASCII, as it is dialled.
///
/// # Errors
/// What it must be, without showing it.
pub(crate) fn url(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        Err(format!("{why}: paste the whole address that Make shows, https://hook.….make.com/…"))
    };
    if text.contains('…') {
        return Err("has … in it, where an address was cut short to be shown: give the whole \
                    address, or leave it out to keep the one that is stored"
            .to_owned());
    }
    let text = encoded_url(text)?;
    let length = text.len();
    if length > WEBHOOK_URL {
        return Err(format!("has {length} characters; up to {WEBHOOK_URL} are allowed"));
    }
    let Ok(uri) = text.parse::<Uri>() else { return wrong("is not a URL") };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return wrong("must begin with http:// or https://");
    }
    let Some(authority) = uri.authority() else { return wrong("names no host") };
    if authority.host().is_empty() {
        return wrong("names no host");
    }
    if authority.as_str().contains('@') {
        return Err("holds a user or password, which is not sent: give it as a header of the \
                    webhook, Authorization: …"
            .to_owned());
    }
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if port.strip_prefix(':').is_some_and(|port| !is_port(port)) {
        return wrong("names no port from 1 to 65535 after the colon");
    }
    Ok(text)
}

/// Reads the name of a header that a webhook brings: in small letters.
///
/// # Errors
/// It is no header name, or one of ours.
pub(crate) fn header_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err("has a name that is no header name: letters, digits and - are usual".to_owned());
    }
    if name.len() > HEADER_NAME {
        return Err(format!("has a name of more than {HEADER_NAME} characters"));
    }
    let ours = name.starts_with("webhook-") || name.starts_with("x-btk-");
    if ours || RESERVED.contains(&name.as_str()) {
        return Err(format!("may not set {name}: that header is set by btk itself"));
    }
    Ok(name)
}

/// Checks the value of the header `name`.
///
/// # Errors
/// It cannot be sent as it is.
pub(crate) fn check_header_value(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("has an empty value for {name}: give it one, or leave the header out"));
    }
    let is_printable = value.bytes().all(|b| (b' '..=b'~').contains(&b));
    if value.trim() != value || !is_printable {
        return Err(format!(
            "has a value for {name} that cannot be sent: printable ASCII is allowed, without \
             blanks around it"
        ));
    }
    if value.len() > HEADER_VALUE {
        return Err(format!("has a value for {name} of more than {HEADER_VALUE} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_without_being_shown() {
        for same in ["https://hook.eu1.make.com/abc", "HTTP://[::1]:9/a?b=c"] {
            assert_eq!(url(same).as_deref(), Ok(same));
        }
        assert_eq!(
            url(" https://bü.example/ü ").as_deref(),
            Ok("https://xn--b-eha.example/%C3%BC")
        );
        let long = format!("https://h/{}", "s3cret".repeat(400));
        for bad in [
            "hook.eu1.make.com/s3cret",
            "ftp://h/s3cret",
            "https://u:s3cret@h/",
            "https:///s3cret",
            "ht tp://s3cret",
            "https://bü cher.example/s3cret",
            "https://h/s3\ncret",
            "https://h/s3cret/…",
            "https://h:99999/s3cret",
            "https://h:0/s3cret",
            "https://h:/s3cret",
            "https://h:+443/s3cret",
            "",
            &long,
        ] {
            assert!(!url(bad).unwrap_err().contains("s3cret"), "{bad}");
        }
    }

    #[test]
    fn a_header_has_a_plain_name_that_is_not_ours() {
        assert_eq!(header_name("X-Make-Apikey").unwrap(), "x-make-apikey");
        for bad in ["", "a b", "a:", "é", "Webhook-Id", "x-btk-event", "Host", "Accept-Encoding"] {
            assert!(header_name(bad).is_err(), "{bad}");
        }
        assert_eq!(check_header_value("x", "Bearer a b"), Ok(()));
        for bad in ["", " s3cret", "s3cret\n", "s3cret\u{1}", "s3crét"] {
            assert!(!check_header_value("x", bad).unwrap_err().contains("s3cr"), "{bad:?}");
        }
    }
}
