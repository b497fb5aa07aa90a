//! The rules of what tells us where to send: a webhook's URL and its own headers. The same for the
//! settings and the API.
//!
//! Each sentence stands after the name of a setting or a field and never repeats a value: for many
//! receivers the URL is the password. Must not know which addresses may be reached.

use std::fmt;

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

/// What is wrong with a URL, without showing it. As a text it is what the API says of a webhook's; where something else
/// can be done about it, as in the settings, it is said in other words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    /// It was copied from where it is cut short to be shown.
    CutShort,
    /// It is no whole address; why not.
    NotWhole(&'static str),
    /// It holds a user or a password.
    User,
    /// What is said in the same words everywhere.
    Other(String),
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlFault::CutShort => f.write_str(
                "has … in it, where an address was cut short to be shown: give the whole \
                 address, or leave it out to keep the one that is stored",
            ),
            UrlFault::NotWhole(why) => write!(
                f,
                "{why}: paste the whole address that Make shows, https://hook.….make.com/…"
            ),
            UrlFault::User => f.write_str(
                "holds a user or password, which is not sent: give it as a header of the \
                 webhook, Authorization: …",
            ),
            UrlFault::Other(why) => f.write_str(why),
        }
    }
}

/// Reads the URL of a webhook; in ASCII, as it is dialled.
///
/// # Errors
/// What it must be, without showing it, in the words of the API.
pub(crate) fn url(text: &str) -> Result<String, String> {
    read_url(text).map_err(|fault| fault.to_string())
}

/// The same for those who have words of their own.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_url(text: &str) -> Result<String, UrlFault> {
    let wrong = |why| Err(UrlFault::NotWhole(why));
    if text.contains('…') {
        return Err(UrlFault::CutShort);
    }
    let text = encoded_url(text).map_err(|why| UrlFault::Other(why.to_owned()))?;
    let length = text.len();
    if length > WEBHOOK_URL {
        let why = format!("has {length} characters; up to {WEBHOOK_URL} are allowed");
        return Err(UrlFault::Other(why));
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
        return Err(UrlFault::User);
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
    fn what_the_api_says_of_a_url_tells_what_can_be_done_there() {
        for (bad, said) in [
            (
                "https://hook.eu1.make.com/…x7qz",
                "has … in it, where an address was cut short to be shown: give the whole address, \
                 or leave it out to keep the one that is stored",
            ),
            (
                "ftp://hook.eu1.make.com/x",
                "must begin with http:// or https://: paste the whole address that Make shows, \
                 https://hook.….make.com/…",
            ),
            (
                "https://u:p@h/",
                "holds a user or password, which is not sent: give it as a header of the webhook, \
                 Authorization: …",
            ),
        ] {
            assert_eq!(url(bad).unwrap_err(), said);
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
