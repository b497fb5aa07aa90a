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

/// Why a `.env` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It is there but cannot be read.
    #[error(".env cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// A line is not a setting. The line itself is not shown: it may be a secret.
    #[error(".env, line {0}: write NAME=value (a quote that is opened must be closed)")]
    Line(usize),
}

impl EnvFile {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// It cannot be read, or a line is not a setting.
    pub fn load(path: &Path) -> Result<EnvFile, FileFault> {
        match std::fs::read_to_string(path) {
            Ok(text) => EnvFile::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(EnvFile::default()),
            Err(e) => Err(e.into()),
        }
    }

    /// Reads text; of a name that stands twice, the last one counts.
    ///
    /// # Errors
    /// The first line that is not a setting.
    pub fn parse(text: &str) -> Result<EnvFile, FileFault> {
        let mut settings = HashMap::new();
        for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = || FileFault::Line(number);
            let (name, value) = line.split_once('=').ok_or_else(fault)?;
            let name = name.trim();
            let name = name.strip_prefix("export ").map_or(name, str::trim);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(fault());
            }
            settings.insert(name.to_owned(), unquote(value.trim()).ok_or_else(fault)?);
        }
        Ok(EnvFile(settings))
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
        let file = EnvFile::parse(
            "\u{feff}# a comment\r\nA=1\r\nexport B = two words \nC=\"x # y\" # why\nD='$A'\nE=\nF=a#b # c\nG=#\nA=2",
        )
        .unwrap();
        let get = |name: &str| file.get(name).unwrap();
        assert_eq!([get("A"), get("B"), get("C"), get("D")], ["2", "two words", "x # y", "$A"]);
        assert_eq!([get("E"), get("F"), get("G")], ["", "a#b", ""]);
    }

    #[test]
    fn a_line_that_is_no_setting_is_named_but_not_shown() {
        for (text, line) in
            [("A=1\nsecret", 2), ("A B=1", 1), ("=1", 1), ("A=\"x", 1), ("A='x' y", 1)]
        {
            let fault = EnvFile::parse(text).unwrap_err().to_string();
            assert!(fault.starts_with(&format!(".env, line {line}:")), "{fault}");
            assert!(!fault.contains("secret"));
        }
    }
}
