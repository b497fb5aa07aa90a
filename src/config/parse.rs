//! One function for each kind of setting: text in, value or "what is wrong and how to mend it" out.
//!
//! A message never repeats a value that may be a secret.

use std::path::PathBuf;

use http::Uri;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Rate;
use super::digits::number;
use crate::model::{Named, encoded_url};
use crate::secret::Secret;

pub(super) fn public_url(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        format!("{why}: use an http:// or https:// address such as https://tasks.example.org")
    };
    if text.contains([',', ';']) || text.matches("://").count() > 1 {
        return Err(wrong("holds several addresses, of which there can be one"));
    }
    let plain = encoded_url(text)?;
    let (scheme, rest) = plain.split_once("://").unwrap_or(("", &plain));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('*') {
        return Err(wrong(
            "names any host (*), while it is the one name that is shown to be copied",
        ));
    }
    if path.contains(['?', '#']) {
        return Err(wrong("has a part behind ? or #, which no address of a server has"));
    }
    if authority.contains('@') {
        return Err(wrong("names a user, who would be shown to everybody"));
    }
    let uri: Uri = plain.parse().map_err(|_| wrong("is no address"))?;
    let host = uri.host().unwrap_or_default();
    if !matches!(uri.scheme_str(), Some("http" | "https")) || host.trim_matches('.').is_empty() {
        return Err(wrong("is no address of the web"));
    }
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if port.is_some_and(|port| number::<u16>(port).is_none_or(|port| port == 0)) {
        return Err(wrong("has a port that is none, which is a number from 1 to 65535"));
    }
    // The dot of the root at the end of a name says the same name, and no browser takes it for that.
    let authority = authority.replacen(host, host.trim_end_matches('.'), 1);
    Ok(format!("{scheme}://{authority}{}", path.trim_end_matches('/')))
}

pub(super) fn database(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("postgres") {
        return Err(
            "names PostgreSQL, which this version does not speak: use sqlite:btk.db".to_owned()
        );
    }
    let (_, rest) = text
        .split_once(':')
        .filter(|(scheme, _)| {
            ["sqlite", "sqlite3", "file"].contains(&&*scheme.to_ascii_lowercase())
        })
        .ok_or("must begin with sqlite:, e.g. sqlite:btk.db or sqlite:/var/lib/btk/btk.db")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = if path.starts_with("localhost/") { &path["localhost".len()..] } else { path };
    let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        // What others write there for what btk does anyway.
        if !["mode=rwc", "cache=private"].contains(&parameter) {
            let name = parameter.split('=').next().unwrap_or_default();
            return Err(format!(
                "has a parameter {name} that btk does not have: leave it out. The file is opened for \
                 reading and writing and made if it is not there (mode=rwc)"
            ));
        }
    }
    if path.is_empty() || path.starts_with(':') {
        return Err("must name a file after sqlite:, e.g. sqlite:/var/lib/btk/btk.db".to_owned());
    }
    if path.starts_with('~') || path.starts_with('$') || path.contains("${") {
        return Err(
            "names its folder by ~ or $, which only a shell replaces: write the whole path, \
                    e.g. sqlite:/var/lib/btk/btk.db"
                .to_owned(),
        );
    }
    if is_percent_encoded(path) {
        return Err(
            "has signs written as % and two digits: write the path as it is, blanks and all"
                .to_owned(),
        );
    }
    Ok(PathBuf::from(path))
}

fn is_percent_encoded(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let digits = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.count() == 2
    })
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let wrong =
        || format!("is \"{text}\": use a number and a time, such as 50/s, 300/10s or 600/m");
    let (count, period) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = number(count.trim()).ok_or_else(wrong)?;
    let period = period.trim();
    let seconds = match period {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        other => f64::from(other.strip_suffix('s').and_then(number::<u32>).ok_or_else(wrong)?),
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

/// Which lines are logged.
///
/// # Errors
/// It names a level or a part of the program that is not there; says which there are.
pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "is \"{text}\": use off, error, warn, info, debug or trace, or with the part that it is \
             for, btk_system=debug,info"
        )
    };
    let ours = env!("CARGO_CRATE_NAME");
    // A word that is no level counts as a part of the program, all of whose lines are shown: of one that
    // is not there, none.
    let is_meant = |part: &str| {
        part.contains(['=', '['])
            || part.parse::<LevelFilter>().is_ok()
            || part.split("::").next() == Some(ours)
    };
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parts = parts.map(|part| match part.strip_prefix("btk") {
        Some(rest) if rest.is_empty() || rest.starts_with(['=', ':']) => format!("{ours}{rest}"),
        _ if part.eq_ignore_ascii_case("warning") => "warn".to_owned(),
        _ => part.to_owned(),
    });
    let parts: Vec<String> = parts.collect();
    if !parts.iter().all(|part| is_meant(part)) {
        return Err(wrong());
    }
    let text = parts.join(",");
    EnvFilter::builder().parse(&text).map_err(|_| wrong())?;
    Ok(text)
}

/// A span such as `500ms`, `30s`, `10m`, `72h` or `30d`, in milliseconds; at least 1 ms, at most ten
/// years.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("is \"{text}\": use a span such as 500ms, 30s, 10m, 72h or 30d");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let count: i64 = number(count).ok_or_else(wrong)?;
    let span = count.checked_mul(unit).filter(|ms| (1..=SPAN_MOST_MS).contains(ms));
    span.ok_or_else(|| format!("is \"{text}\": use a span from 1ms to 3650d"))
}

const SPAN_MOST_MS: i64 = 3_650 * 86_400_000;

/// One of a closed set of words.
pub(super) fn choice<T: Named>(text: &str) -> Result<T, String> {
    one_of(T::ALL, text)
}

/// What others have to show. A line end within it is one of a file that holds more.
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    if text.contains(['\n', '\r']) {
        return Err("has more than one line: it must be the value alone".to_owned());
    }
    Ok(Secret::new(text))
}

/// A secret that is sent in a header.
pub(super) fn token(text: &str) -> Result<Secret, String> {
    let token = secret(text)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has blanks or characters beyond ASCII, which no client can send. Make one \
                    with: openssl rand -hex 24"
            .to_owned());
    }
    Ok(token)
}

pub(super) fn on_or_off(text: &str) -> Result<bool, String> {
    one_of(&[("on", true), ("off", false)], text)
}

fn one_of<T: Copy>(all: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| format!("is \"{text}\": use {}", names.join(" or ")))
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
            ("sqlite:x.db?mode=rwc", "x.db"),
            ("SQLite://x.db?cache=private&mode=rwc", "x.db"),
            ("sqlite3:./x 100%.db", "./x 100%.db"),
            ("file:/x#y.db", "/x#y.db"),
            ("file:///x.db?", "/x.db"),
            ("file://localhost/x.db", "/x.db"),
        ] {
            assert_eq!(database(text).unwrap(), PathBuf::from(path));
        }
        for (bad, words) in [
            ("btk.db", "must begin with sqlite:"),
            ("mysql:x", "must begin with sqlite:"),
            ("sqlite:", "name a file"),
            ("sqlite::memory:", "name a file"),
            ("sqlite://?mode=rwc", "name a file"),
            ("postgres://h/d", "PostgreSQL"),
            ("sqlite:x.db?mode=ro", "parameter mode"),
            ("sqlite:x.db?mode=rwc&key=s3cret", "parameter key"),
            ("sqlite:~/x.db", "a shell"),
            ("sqlite:$HOME/x.db", "a shell"),
            ("sqlite:/data/my%20tasks.db", "% and two digits"),
        ] {
            let said = database(bad).unwrap_err();
            assert!(said.contains(words) && !said.contains("s3cret"), "{bad}: {said}");
        }
    }

    #[test]
    fn a_public_url_is_the_one_address_of_the_server() {
        for (text, url) in [
            ("https://tasks.example.org/", "https://tasks.example.org"),
            ("https://tasks.example.org.", "https://tasks.example.org"),
            ("https://tasks.example.org.:8443/btk/", "https://tasks.example.org:8443/btk"),
            ("HTTPS://Tasks.Example.ORG", "HTTPS://Tasks.Example.ORG"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("http://[::1]", "http://[::1]"),
            ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ] {
            assert_eq!(public_url(text).as_deref(), Ok(url), "{text}");
        }
        for (bad, words) in [
            ("https://tasks.example.org#x", "behind ? or #"),
            ("https://tasks.example.org?x=1", "behind ? or #"),
            ("https://tasks.example.org/#x", "behind ? or #"),
            ("https://a.example,https://b.example", "several addresses"),
            ("https://a.example https://b.example", "several addresses"),
            ("https://a.example;https://b.example", "several addresses"),
            ("https://*.example.org", "any host"),
            ("https://tasks.example.org:99999", "a port"),
            ("https://tasks.example.org:0", "a port"),
            ("https://tasks.example.org:+443", "a port"),
            ("https://tasks.example.org:", "a port"),
            ("https://user:s3cret@tasks.example.org", "a user"),
            ("tasks.example.org", "http://"),
            ("ws://x", "http://"),
            ("https://", "http://"),
            ("https://.", "http://"),
        ] {
            let said = public_url(bad).unwrap_err();
            assert!(said.contains(words) && !said.contains("s3cret"), "{bad}: {said}");
        }
    }

    #[test]
    fn a_level_of_the_log_is_one() {
        for (text, filter) in [
            ("warning", "warn"),
            ("INFO", "INFO"),
            ("off", "off"),
            ("btk_system=debug, warn", "btk_system=debug,warn"),
            ("btk_system::dispatcher", "btk_system::dispatcher"),
            ("info,hyper=trace", "info,hyper=trace"),
            ("btk=debug,btk::store=trace", "btk_system=debug,btk_system::store=trace"),
        ] {
            assert_eq!(log_filter(text).as_deref(), Ok(filter));
        }
        for bad in ["verbose", "info,all", "btkd", "btk=loud", "information"] {
            let said = log_filter(bad).unwrap_err();
            assert!(said.contains("error, warn, info, debug or trace"), "{bad}: {said}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        for (text, ms) in [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("72h", 259_200_000)]
        {
            assert_eq!(duration_ms(text), Ok(ms));
        }
        assert_eq!(duration_ms("30d"), Ok(2_592_000_000));
        for bad in ["30", "s", "0s", "-1s", "1.5h", "5w", "9999999999999d", "99999d", "5 s"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_have_a_time() {
        assert_eq!(rate("50/s").unwrap(), Rate { burst: 50.0, per_second: 50.0 });
        assert_eq!(rate("300/10s").unwrap(), Rate { burst: 300.0, per_second: 30.0 });
        assert_eq!(rate("60/m").unwrap(), Rate { burst: 60.0, per_second: 1.0 });
        for bad in ["50", "0/s", "x/s", "5/0s", "5/w", "-1/s", "+5/s", "5/+1s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
