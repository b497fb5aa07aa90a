//! The `.env` file: lines of `NAME=value`.
//!
//! Quotes may stand around a value; within `"…"`, `\"` is a quote and `\\` a backslash; `#` begins a
//! comment at the start of a line or after a blank; `export ` is allowed; nothing is expanded, so a `$`
//! in a secret is a `$`. Must not know which names there are.

use std::collections::HashMap;
use std::path::Path;

use super::pipe;

/// A pipe without somebody at its other end would keep the start waiting, perhaps for ever.
const NOBODY_WRITES: &str = ".env is a pipe that nobody writes into: start the program that is to do that (a password \
    manager), or put a file there";

/// What stands in a `.env` file.
#[derive(Debug, Default)]
pub(crate) struct EnvFile {
    values: HashMap<String, String>,
    /// What is allowed, but may not be what was meant.
    pub(crate) warnings: Vec<String>,
}

impl EnvFile {
    /// Reads the file; one that is not there is empty. Beside it, every fault in words.
    pub(crate) fn load(path: &Path) -> (EnvFile, Vec<String>) {
        if pipe::is_pipe(path) {
            return match pipe::read(path) {
                Ok(Some(bytes)) => EnvFile::parse(bytes),
                Ok(None) => (EnvFile::default(), vec![NOBODY_WRITES.to_owned()]),
                Err(e) => (EnvFile::default(), vec![format!(".env cannot be read: {e}")]),
            };
        }
        match std::fs::read(path) {
            Ok(bytes) => EnvFile::parse(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Default::default(),
            Err(e) => (EnvFile::default(), vec![format!(".env cannot be read: {e}")]),
        }
    }

    /// Reads what a file holds; of a name that stands twice, the last one counts. Beside it, the lines
    /// that are no settings, by number: a line itself may hold a secret.
    pub(crate) fn parse(bytes: impl AsRef<[u8]>) -> (EnvFile, Vec<String>) {
        let (mut file, mut faults) = (EnvFile::default(), Vec::new());
        let bytes = bytes.as_ref();
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let fault = ".env is written in UTF-16, which some tools of Windows call Unicode: save it \
                         as UTF-8";
            return (file, vec![fault.to_owned()]);
        }
        let mut seen = HashMap::new();
        for (line, number) in lines(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).zip(1..) {
            match setting(line) {
                Ok(None) => {}
                Ok(Some((name, value))) => {
                    if let Some(first) = seen.insert(name.clone(), number) {
                        file.warnings.push(format!(
                            ".env sets {name} twice, in lines {first} and {number}: the last one counts"
                        ));
                    }
                    file.values.insert(name, value);
                }
                Err(why) => faults.push(format!(".env, line {number}: {why}")),
            }
        }
        (file, faults)
    }

    /// The value of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// Every name in the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// Lines, however they end: as on Unix, as on Windows, or as on old Macs.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|b| *b == b'\n')
        .flat_map(|line| line.strip_suffix(b"\r").unwrap_or(line).split(|b| *b == b'\r'))
}

/// What a line sets, if it is not empty or a comment.
fn setting(line: &[u8]) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let line = str::from_utf8(line).map_err(|_| {
        "is not UTF-8 (an umlaut, an accent or the like in another encoding): save the file as UTF-8"
    })?;
    if line.contains('\0') {
        return Err("holds a zero byte, as files in UTF-16 do: save the file as UTF-8");
    }
    let (name, value) = line.split_once('=').ok_or("write NAME=value")?;
    let name = name.trim();
    let name =
        name.strip_prefix("export").filter(|n| n.starts_with([' ', '\t'])).unwrap_or(name).trim();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("write NAME=value, where a name has letters, digits and _ alone");
    }
    Ok(Some((name.to_owned(), unquote(value.trim())?)))
}

/// The value without the quotes around it or the comment behind it.
pub(super) fn unquote(value: &str) -> Result<String, &'static str> {
    let mut rest = value.chars();
    let Some(quote) = rest.next().filter(|c| matches!(c, '"' | '\'')) else {
        let mut before = Some(' ');
        let end = value.find(|c: char| {
            let was_blank = before.replace(c).is_some_and(char::is_whitespace);
            was_blank && c == '#'
        });
        return Ok(end.map_or(value, |at| &value[..at]).trim().to_owned());
    };
    let mut inner = String::new();
    loop {
        match rest.next() {
            None => {
                return Err(
                    "write NAME=value: a quote that is opened must be closed, and one within \
                            \"…\" is written \\\"",
                );
            }
            Some(c) if c == quote => break,
            Some('\\') if quote == '"' && rest.as_str().starts_with(['"', '\\']) => {
                inner.extend(rest.next());
            }
            Some(c) => inner.push(c),
        }
    }
    let rest = rest.as_str().trim();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(inner);
    }
    Err(
        "write NAME=value: after the closing quote only a comment may follow; a quote within the value \
         is written \"…\\\"…\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_write_them() {
        let (file, faults) = EnvFile::parse(
            "\u{feff}# a comment\r\nA=1\r\nexport B = two words \nC=\"x # y\" # why\nD='$A'\nE=\nF=a#b # c\nG=#\nA=2\r\
             export\tH=\"a \\\"b\\\" c\\\\\"\nI='\\'\t# why\nJ=a\\\"b\t#c\nK=\"\\d\"",
        );
        assert_eq!(faults, Vec::<String>::new());
        let get = |name: &str| file.get(name).unwrap();
        assert_eq!([get("A"), get("B"), get("C"), get("D")], ["2", "two words", "x # y", "$A"]);
        assert_eq!([get("E"), get("F"), get("G")], ["", "a#b", ""]);
        assert_eq!(
            [get("H"), get("I"), get("J"), get("K")],
            ["a \"b\" c\\", "\\", "a\\\"b", "\\d"]
        );
        assert_eq!(file.warnings, [".env sets A twice, in lines 2 and 9: the last one counts"]);
    }

    #[test]
    fn a_line_that_is_no_setting_is_named_but_not_shown() {
        for (text, line) in [
            ("A=1\nsecret", 2),
            ("A B=1", 1),
            ("=1", 1),
            ("A=\"x", 1),
            ("A=\"secret\\\"", 1),
            ("A='x' y", 1),
            ("A='it\\'s secret'", 1),
            ("A=1\r\nB=\0secret", 2),
        ] {
            let fault = EnvFile::parse(text).1.join(" ");
            assert!(fault.starts_with(&format!(".env, line {line}:")), "{fault}");
            assert!(!fault.contains("secret"));
        }
    }

    #[test]
    fn a_file_in_another_encoding_is_said_to_be_one() {
        let (file, faults) = EnvFile::parse(b"# gr\xfc\xdfe\nA=1\nB=secret \xfc\nC=3");
        assert_eq!((file.get("A").unwrap(), file.get("C").unwrap()), ("1".into(), "3".into()));
        assert!(
            faults.len() == 1 && faults[0].starts_with(".env, line 3: is not UTF-8"),
            "{faults:?}"
        );
        for bytes in [b"\xff\xfeA\0=\0".as_slice(), b"\xfe\xff\0A\0=", b"A\0=\0b\0"] {
            let faults = EnvFile::parse(bytes).1;
            assert!(faults.len() == 1 && faults[0].contains("UTF-16"), "{faults:?}");
        }
    }
}
