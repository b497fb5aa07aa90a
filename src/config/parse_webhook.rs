//! One function for each kind of setting of the webhooks: text in, value or "what is wrong and how to mend it" out.
//!
//! A message never repeats a value that may be a secret.

use super::digits::number;
use crate::model::{MAX_ATTEMPTS_MOST, Origin, receiver};

pub(super) fn webhook_url(text: &str) -> Result<String, String> {
    let mut parts = text.split([',', ';', '|', ' ', '\t', '\n']);
    let begins_one = |part: &str| {
        let part = part.to_ascii_lowercase();
        part.starts_with("http://") || part.starts_with("https://")
    };
    if parts.next().is_some_and(begins_one) && parts.any(begins_one) {
        return Err("holds several addresses and takes one: make a webhook for each of the \
                    others, on the page Webhooks or with POST /api/webhooks. (If it is one with another in \
                    it, write the sign before that one encoded: %2C for a comma)"
            .to_owned());
    }
    receiver::url(text)
}

pub(super) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    // In a file of their own people write one a line.
    for entry in text.split([';', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((name, value)) = entry.split_once(':') else {
            return Err("must be written Name: value; Other-Name: value".to_owned());
        };
        let name = receiver::header_name(name.trim())?;
        let value = value.trim();
        receiver::check_header_value(&name, value)?;
        if headers.iter().any(|(known, _)| *known == name) {
            return Err(format!("names {name} twice: write it once"));
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
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
}
