//! One function for each kind of setting: text in, value or "what is wrong and how to mend it" out.
//!
//! A message never repeats a value that may be a secret.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Uri};
use tracing_subscriber::EnvFilter;

use super::Rate;
use crate::model::Origin;

pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_err(|_| {
        format!("is \"{text}\", which is no address: use 127.0.0.1, 0.0.0.0, ::1 or another one of this machine")
    })
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| format!("is \"{text}\": use a number from 0 to 65535 (0 = any free port)"))
}

pub(super) fn public_url(text: &str) -> Result<String, String> {
    let wrong = "must be an http:// or https:// address such as https://tasks.example.org";
    let uri: Uri = text.parse().map_err(|_| wrong.to_owned())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if !known || has_user || uri.host().unwrap_or_default().is_empty() || uri.query().is_some() {
        return Err(wrong.to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn database(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("postgres") {
        return Err(
            "names PostgreSQL, which this version does not speak: use sqlite:btk.db".to_owned()
        );
    }
    let path = text.strip_prefix("sqlite:").ok_or_else(|| {
        "must begin with sqlite:, e.g. sqlite:btk.db or sqlite:/var/lib/btk/btk.db".to_owned()
    })?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err("must name a file after sqlite:, e.g. sqlite:/var/lib/btk/btk.db".to_owned());
    }
    Ok(PathBuf::from(path))
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let wrong =
        || format!("is \"{text}\": use a number and a time, such as 50/s, 300/10s or 600/m");
    let (count, period) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = count.trim().parse().map_err(|_| wrong())?;
    let period = period.trim();
    let seconds = match period {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        other => f64::from(
            other.strip_suffix('s').and_then(|n| n.parse::<u32>().ok()).ok_or_else(wrong)?,
        ),
    };
    if count == 0 || seconds <= 0.0 {
        return Err(wrong());
    }
    let burst = f64::from(count);
    Ok(Rate { burst, per_second: burst / seconds })
}

pub(super) fn log_json(text: &str) -> Result<bool, String> {
    match text {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err(format!("is \"{text}\": use text or json")),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|_| {
        format!("is \"{text}\": use error, warn, info, debug or trace, or btk_system=debug,info")
    })
}

pub(super) fn webhook_url(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        Err(format!("{why}: paste the whole address that Make shows, https://hook.….make.com/…"))
    };
    let Ok(uri) = text.parse::<Uri>() else { return wrong("is not a URL") };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return wrong("must begin with http:// or https://");
    }
    let Some(authority) = uri.authority() else { return wrong("names no host") };
    if authority.host().is_empty() {
        return wrong("names no host");
    }
    if authority.as_str().contains('@') {
        return Err(
            "holds a user or password, which is not sent: use WEBHOOK_HEADERS=Authorization: …"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Set by us or by HTTP itself; a webhook may not bring its own.
const RESERVED: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "upgrade",
    "te",
    "user-agent",
];

pub(super) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((name, value)) = entry.split_once(':') else {
            return Err("must be written Name: value; Other-Name: value".to_owned());
        };
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim();
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err("has a name that is no header name: write Name: value; Other-Name: value"
                .to_owned());
        }
        let ours = name.starts_with("webhook-") || name.starts_with("x-btk-");
        if ours || RESERVED.contains(&name.as_str()) {
            return Err(format!("may not set {name}: that header is set by btk itself"));
        }
        if value.is_empty() || HeaderValue::from_str(value).is_err() {
            return Err(format!(
                "has a value for {name} that cannot be sent: printable ASCII is allowed"
            ));
        }
        if headers.iter().any(|(known, _)| *known == name) {
            return Err(format!("names {name} twice: write it once"));
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

pub(super) fn attempts(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (1..=20).contains(n));
    number.ok_or_else(|| format!("is \"{text}\": use a number from 1 to 20"))
}

pub(super) fn origins(text: &str) -> Result<Vec<Origin>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
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
    fn databases_are_files() {
        for (text, path) in [
            ("sqlite:btk.db", "btk.db"),
            ("sqlite:/var/lib/btk.db", "/var/lib/btk.db"),
            ("sqlite:///var/lib/btk.db", "/var/lib/btk.db"),
            ("sqlite://data/btk.db", "data/btk.db"),
        ] {
            assert_eq!(database(text).unwrap(), PathBuf::from(path));
        }
        for bad in ["btk.db", "sqlite:", "sqlite::memory:", "postgres://h/d", "mysql:x"] {
            assert!(database(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_have_a_time() {
        assert_eq!(rate("50/s").unwrap(), Rate { burst: 50.0, per_second: 50.0 });
        assert_eq!(rate("300/10s").unwrap(), Rate { burst: 300.0, per_second: 30.0 });
        assert_eq!(rate("60/m").unwrap(), Rate { burst: 60.0, per_second: 1.0 });
        for bad in ["50", "0/s", "x/s", "5/0s", "5/w", "-1/s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_pairs_and_not_ours() {
        let read = headers("X-Make-Apikey: a:b; x-two:2 ;").unwrap();
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(read, [pair("x-make-apikey", "a:b"), pair("x-two", "2")]);
        for bad in ["x", "a b: c", "webhook-id: 1", "Host: e.org", "x: \u{1}secret"] {
            let said = headers(bad).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn urls_are_checked_without_being_shown() {
        assert!(webhook_url("https://hook.eu1.make.com/abc").is_ok());
        for bad in [
            "hook.eu1.make.com/s3cret",
            "ftp://h/s3cret",
            "https://u:s3cret@h/",
            "https:///s3cret",
            "ht tp://s3cret",
        ] {
            assert!(!webhook_url(bad).unwrap_err().contains("s3cret"), "{bad}");
        }
    }
}
