//! One function for each kind of setting of the webhooks: text in, value or "what is wrong and how to mend it" out.
//!
//! A message never repeats a value that may be a secret.

use super::digits::number;
use crate::model::receiver::{self, UrlFault};
use crate::model::{MAX_ATTEMPTS_MOST, Origin};

/// Of an address that was copied from the pages or the API. A setting that is left out keeps nothing: it switches off.
const CUT_SHORT: &str = "has … in it, where an address was cut short to be shown: give the whole address, as the \
    receiver itself shows it";

const WITH_USER: &str = "holds a user or password, which is not sent, and alerts bring no headers of yours: use an \
    address that asks for neither";

/// Where changes are sent.
pub(super) fn webhook_url(text: &str) -> Result<String, String> {
    one_address(
        text,
        "make a webhook for each of the others, on the page Webhooks or with POST /api/webhooks",
    )?;
    receiver::read_url(text).map_err(|fault| match fault {
        UrlFault::CutShort => CUT_SHORT.to_owned(),
        fault => fault.to_string(),
    })
}

/// Where alerts are sent: to one address, without headers; no webhook of the API takes them.
pub(super) fn alert_url(text: &str) -> Result<String, String> {
    one_address(text, "write one, and have that receiver pass the alerts on to the others")?;
    receiver::read_url(text).map_err(|fault| match fault {
        UrlFault::CutShort => CUT_SHORT.to_owned(),
        UrlFault::NotWhole(why) => format!(
            "{why}: paste the whole address at which alerts are taken, such as \
             https://hooks.slack.com/services/…"
        ),
        UrlFault::User => WITH_USER.to_owned(),
        UrlFault::Other(why) => why,
    })
}

/// Refuses several addresses; `instead` says what to do with the others.
fn one_address(text: &str, instead: &str) -> Result<(), String> {
    let mut parts = text.split([',', ';', '|', ' ', '\t', '\n']);
    let begins_one = |part: &str| {
        let part = part.to_ascii_lowercase();
        part.starts_with("http://") || part.starts_with("https://")
    };
    if parts.next().is_some_and(begins_one) && parts.any(begins_one) {
        return Err(format!(
            "holds several addresses and takes one: {instead}. (If it is one with another in it, \
             write the sign before that one encoded: %2C for a comma)"
        ));
    }
    Ok(())
}

pub(super) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    // In a file of their own people write one a line.
    let entries = text.split([';', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    let mut entries = entries.peekable();
    while let Some(entry) = entries.next() {
        let Some((name, value)) = entry.split_once(':') else {
            return Err("must be written Name: value; Other-Name: value".to_owned());
        };
        let name = receiver::header_name(name.trim())?;
        let value = value.trim();
        receiver::check_header_value(&name, value)?;
        let ends_in_comma = value.ends_with(',') && entries.peek().is_some();
        if ends_in_comma || begins_another(value) {
            return Err(format!(
                "has a comma in the value of {name} where another header seems to begin: several \
                 headers are written Name: value; Other-Name: value, with semicolons between. (If it \
                 is one value, leave out the blanks behind its commas and colons)"
            ));
        }
        if is_quoted(value) {
            return Err(format!(
                "has quotes around the value of {name}, and they would be sent with it: write it \
                 without"
            ));
        }
        if headers.iter().any(|(known, _)| *known == name) {
            return Err(format!("names {name} twice: write it once"));
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

/// Whether a value goes on as people write the next header: a comma, a name, a colon, and a blank before the name or
/// behind the colon. Pairs in a list (`a:1,b:2`) have none; a time (`10:30`) or an address (`https://…`) is no header.
fn begins_another(value: &str) -> bool {
    value.split(',').skip(1).any(|part| {
        let Some((before, behind)) = part.split_once(':') else { return false };
        let name = before.trim();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let has_blank = before.starts_with(' ') || behind.starts_with(' ');
        is_name && has_blank && !behind.starts_with("//")
    })
}

/// Whether a value is one in quotes; a list of some that are is not.
fn is_quoted(value: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        let inner = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        inner.is_some_and(|inner| !inner.contains(quote))
    })
}

pub(super) fn attempts(text: &str) -> Result<u32, String> {
    let attempts = number(text).filter(|n| (1..=MAX_ATTEMPTS_MOST).contains(n));
    attempts.ok_or_else(|| format!("is \"{text}\": use a number from 1 to {MAX_ATTEMPTS_MOST}"))
}

pub(super) fn origins(text: &str) -> Result<Vec<Origin>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<&str> = names.collect();
    if names.is_empty() || names.contains(&"none") {
        return Err("must be names with commas between, or none alone, which sends all".to_owned());
    }
    names
        .into_iter()
        .map(|name| {
            Origin::parse("", name).map_err(|_| {
                format!(
                    "names \"{name}\": use names of a-z, 0-9, _ and - with commas between, or none"
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs_and_not_ours() {
        let read = headers("X-Make-Apikey: a:b; x-two:2 ;").unwrap();
        assert_eq!(headers("X-Make-Apikey: a:b\r\n\r\nx-two: 2").unwrap(), read);
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(read, [pair("x-make-apikey", "a:b"), pair("x-two", "2")]);
        for bad in ["x", "a b: c", "webhook-id: 1", "Host: e.org", "x: \u{1}secret"] {
            let said = headers(bad).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn what_would_be_sent_as_one_header_but_is_meant_as_two_is_a_fault() {
        for meant in [
            "x-make-apikey: \"s3cret\", x-two: d",
            "x-make-apikey: s3cret, x-two:d",
            "x-make-apikey: s3cret,x-two: d",
            "x-make-apikey: s3cret , X-Two : d",
            "x-make-apikey: s3cret, x-two: https://e.org",
            "x-make-apikey: Mon, 01 Jan s3cret, b: c",
            "x-make-apikey: s3cret,\nx-two: d",
            "x-one: 1; x-make-apikey: s3cret, x-two: d",
        ] {
            let said = headers(meant).unwrap_err();
            assert!(said.contains("the value of x-make-apikey"), "{meant}: {said}");
            assert!(said.contains("Name: value; Other-Name: value"), "{meant}: {said}");
            assert!(!said.contains("s3cret") && !said.to_lowercase().contains("x-two"), "{said}");
        }
        for quoted in ["x-make-apikey: \"s3cret, a\"", "x-make-apikey: 's3cret'; x-two: d"] {
            let said = headers(quoted).unwrap_err();
            assert!(said.contains("quotes around the value of x-make-apikey"), "{said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_value_may_have_commas_colons_and_quotes_of_its_own() {
        for value in [
            "Mon, 01 Jan 2024 10:00:00 GMT",
            "a, b,c",
            "a, b c: d",
            "a, https://x",
            "<https://x>, HTTPS://y:8080/z: a",
            "env:prod,team:sales",
            "at 9:00, 10:30",
            "a.example:80, b.example:81",
            "{\"a\": 1, \"b\": 2}",
            "Digest username=\"u\", uri=\"http://e.org: 1\"",
            "\"a\", \"b\"",
            "say \"a\"",
            "it's",
            "\"",
            "last,",
        ] {
            let read = headers(&format!("x-one: 1; x-two: {value}"));
            assert_eq!(read.unwrap()[1].1, value);
        }
    }

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!((attempts("1"), attempts("20")), (Ok(1), Ok(20)));
        for bad in ["0", "21", "+3", "-1", "three"] {
            assert!(attempts(bad).unwrap_err().contains("from 1 to 20"), "{bad}");
        }
    }

    #[test]
    fn a_setting_takes_one_address() {
        for one in [
            "https://h.example/a,b;c?d=e|f",
            "https://h.example/?ids=1,2,3",
            "https://h.example/?to=https://b.example/a,b",
            "https://h.example/?to=https://a.example%2Chttps://b.example",
        ] {
            assert_eq!(webhook_url(one).as_deref(), Ok(one));
        }
        for several in [
            "https://a.example/s3cret,https://b.example",
            "https://a.example/?x=s3cret,https://b.example/",
            "https://a.example/?x=1, https://b.example/s3cret",
            "http://a; HTTP://b",
            "http://a http://b",
        ] {
            let said = webhook_url(several).unwrap_err();
            assert!(said.contains("several") && !said.contains("s3cret"), "{said}");
            assert!(said.contains("POST /api/webhooks") && said.contains("%2C"), "{said}");
        }
    }

    #[test]
    fn an_address_of_alerts_is_told_what_can_be_done_about_alerts() {
        let one = "https://hooks.slack.com/services/a,b";
        assert_eq!(alert_url(one).as_deref(), Ok(one));
        let long = format!("https://h.example/{}", "s3cret".repeat(400));
        for (bad, words) in [
            (
                "https://a.example/s3cret, https://b.example",
                "have that receiver pass the alerts on",
            ),
            ("hooks.slack.com/services/s3cret", "is not a URL: paste the whole address at which"),
            ("ftp://h.example/s3cret", "must begin with http:// or https://: paste the whole"),
            ("https:///s3cret", "paste the whole address at which alerts are taken"),
            ("https://h.example:0/s3cret", "after the colon: paste the whole address"),
            ("https://u:s3cret@h.example/", "alerts bring no headers"),
            ("https://hooks.slack.com/…s3cret", "give the whole address, as the receiver itself"),
            ("https://h.example/s3\ncret", "in one line"),
            (long.as_str(), "up to 2048"),
        ] {
            let said = alert_url(bad).unwrap_err();
            assert!(said.contains(words) && !said.contains("s3cret"), "{words}: {said}");
            for other in ["Make", "webhook", "stored"] {
                assert!(!said.contains(other), "{other}: {said}");
            }
        }
    }

    #[test]
    fn a_setting_that_is_left_out_keeps_nothing_and_does_not_say_so() {
        let said = webhook_url("https://hook.eu1.make.com/…x7qz").unwrap_err();
        assert_eq!(said, CUT_SHORT);
        assert!(!said.contains("leave it out") && !said.contains("stored"), "{said}");
    }
}
