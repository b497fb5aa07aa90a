//! The `.env` file: lines of `NAME=value`.
//!
//! Quotes may stand around a value; `#` begins a comment at the start of a line or after a blank;
//! `export ` is allowed; nothing is expanded, so a `$` in a secret is a `$`. Must not know which
//! names there are.

use std::collections::HashMap;
use std::path::Path;

/// What stands in a `.env` file.
#[derive(Debug, Default)]
pub struct EnvFile(HashMap<String, String>);

impl EnvFile {
    /// Reads the file; one that is not there is empty. Beside it, every fault in words.
    pub fn load(path: &Path) -> (EnvFile, Vec<String>) {
        match std::fs::read_to_string(path) {
            Ok(text) => EnvFile::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Default::default(),
            Err(e) => (EnvFile::default(), vec![format!(".env cannot be read: {e}")]),
        }
    }

    /// Reads text; of a name that stands twice, the last one counts. Beside it, the lines that are
    /// no settings, by number: a line itself may hold a secret.
    pub fn parse(text: &str) -> (EnvFile, Vec<String>) {
        let (mut settings, mut faults) = (HashMap::new(), Vec::new());
        for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match setting(line) {
                Some((name, value)) => drop(settings.insert(name, value)),
                None => faults.push(format!(
                    ".env, line {number}: write NAME=value (a quote that is opened must be closed)"
                )),
            }
        }
        (EnvFile(settings), faults)
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// Every name in the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let name = name.strip_prefix("export ").map_or(name, str::trim);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(())?;
    Some((name.to_owned(), unquote(value.trim())?))
}

fn unquote(value: &str) -> Option<String> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let bare = value.find(" #").map_or(value, |at| &value[..at]);
        let bare = if bare.starts_with('#') { "" } else { bare };
        return Some(bare.trim().to_owned());
    };
    let inner = &value[1..];
    let end = inner.find(quote)?;
    let rest = inner[end + 1..].trim();
    (rest.is_empty() || rest.starts_with('#')).then(|| inner[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_write_them() {
        let (file, faults) = EnvFile::parse(
            "\u{feff}# a comment\r\nA=1\r\nexport B = two words \nC=\"x # y\" # why\nD='$A'\nE=\nF=a#b # c\nG=#\nA=2",
        );
        assert_eq!(faults, Vec::<String>::new());
        let get = |name: &str| file.get(name).unwrap();
        assert_eq!([get("A"), get("B"), get("C"), get("D")], ["2", "two words", "x # y", "$A"]);
        assert_eq!([get("E"), get("F"), get("G")], ["", "a#b", ""]);
    }

    #[test]
    fn a_line_that_is_no_setting_is_named_but_not_shown() {
        for (text, line) in
            [("A=1\nsecret", 2), ("A B=1", 1), ("=1", 1), ("A=\"x", 1), ("A='x' y", 1)]
        {
            let fault = EnvFile::parse(text).1.join(" ");
            assert!(fault.starts_with(&format!(".env, line {line}:")), "{fault}");
            assert!(!fault.contains("secret"));
        }
    }
}
