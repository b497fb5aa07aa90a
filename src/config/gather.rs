//! Gathers the text of each setting: from the environment, else from the `.env` file, and what is
//! secret also from a file of its own, which `NAME_FILE` names.
//!
//! Must not know what a text means. A message never repeats one: it may be a secret.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::dotenv::{self, EnvFile};
use super::pipe;
use super::reference::REFERENCE;
use super::setting::Setting;

/// Names that tell other programs to use a proxy.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// The most that is read of a file with a secret.
const FILE_MOST: u64 = 64 * 1024;

/// Texts by name, with what is wrong about them and what deserves a word.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    texts: HashMap<String, String>,
    /// What keeps the program from starting.
    pub(crate) faults: Vec<String>,
    /// What is allowed, but may not be what was meant.
    pub(crate) warnings: Vec<String>,
}

impl Gathered {
    /// Gathers every setting; `environment` gives what the process was started with.
    pub(crate) fn from(environment: &dyn Fn(&str) -> Option<OsString>, file: &EnvFile) -> Gathered {
        let mut gathered = Gathered::default();
        for setting in REFERENCE {
            let here = gathered.level(setting, &|gathered, name| {
                environment(name).and_then(|text| gathered.read(name, text))
            });
            let text = here.or_else(|| {
                gathered.level(setting, &|_, name| file.get(name).filter(|t| !is_empty(t)))
            });
            if let Some(text) = text {
                if text.trim_start().starts_with(['“', '”', '„', '‘', '’', '«']) {
                    gathered.faults.push(format!(
                        "{} begins with a typographic quote: write the value without quotes, or \
                         between \" and \"",
                        setting.name
                    ));
                }
                gathered.texts.insert(setting.name.to_owned(), text);
            }
        }
        let is_set = |name: &&str| environment(name).is_some_and(|text| !text.is_empty());
        if let Some(name) = PROXIES.iter().copied().find(|name| is_set(name)) {
            gathered.warnings.push(format!(
                "{name} is set, and btk uses no proxy: webhooks go straight to their receivers. \
                 Where that is not allowed, send them to a relay of your own"
            ));
        }
        gathered
    }

    /// The text of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.texts.get(name).cloned()
    }

    /// A setting as one source has it: itself, or in the file that is named there.
    fn level(
        &mut self,
        setting: &Setting,
        source: &dyn Fn(&mut Gathered, &str) -> Option<String>,
    ) -> Option<String> {
        let name = setting.name;
        let text = source(self, name);
        if !setting.is_secret {
            return text;
        }
        let Some(path) = source(self, &format!("{name}_FILE")) else { return text };
        if text.is_some() {
            self.faults.push(format!("{name} and {name}_FILE are both set: keep one of them"));
            return text;
        }
        content(name, path.trim())
            .map_err(|why| self.faults.push(format!("{name}_FILE {why}")))
            .ok()
    }

    /// What cannot be read must not count as unset: a token that is broken would open the server.
    fn read(&mut self, name: &str, text: OsString) -> Option<String> {
        let Ok(text) = text.into_string() else {
            self.faults.push(format!("{name} is no text (UTF-8) in the environment; set it again"));
            return None;
        };
        let quoted =
            text.trim().starts_with(['"', '\'']).then(|| dotenv::unquote(text.trim()).ok());
        if quoted.as_ref().is_some_and(Option::is_some) {
            self.warnings.push(format!(
                "{name} stands in quotes in the environment; they are taken away. (docker run \
                 --env-file leaves them in: write it without)"
            ));
        }
        Some(quoted.flatten().unwrap_or(text)).filter(|text| !is_empty(text))
    }
}

fn is_empty(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether a value begins as its line in `.env` does, which was then copied whole.
pub(super) fn begins_with_name(name: &str, text: &str) -> bool {
    let bare = text.strip_prefix("export ").unwrap_or(text).trim_start();
    bare.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// Whether a path names a pipe, which would keep the start waiting until somebody writes into it, perhaps for ever. What
/// the process was given open, as a shell gives `<(…)`, has its writer.
fn is_named_pipe(path: &Path) -> bool {
    let is_given = ["/dev/fd", "/dev/stdin", "/proc"].iter().any(|given| path.starts_with(given));
    !is_given && pipe::is_pipe(path)
}

/// What the file of a secret holds. Its path is not repeated, since people put the secret itself there.
fn content(name: &str, path: &str) -> Result<String, String> {
    if is_named_pipe(Path::new(path)) {
        return Err("names a pipe, which would keep the start waiting for who writes into it: put the value into \
                    a file"
            .to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_MOST + 1).read_to_end(&mut bytes))
        .map_err(|why| format!("names a file that cannot be read: {why}"))?;
    if bytes.len() as u64 > FILE_MOST {
        return Err("names a file of more than 64 KiB: it must hold the value alone".to_owned());
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| "names a file that is not UTF-8: save it as plain text".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("names a file that is empty: put the value into it".to_owned());
    }
    // What is taken away elsewhere could be part of a secret here: nobody knows but who wrote it.
    let is_quoted =
        |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if is_quoted('"') || is_quoted('\'') {
        return Err("names a file in which the value stands in quotes: write it without".to_owned());
    }
    if begins_with_name(name, text) {
        return Err(format!("names a file that holds {name}=…: it must hold the value alone"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(environment: &[(&str, &str)], file: &str) -> Gathered {
        let (file, faults) = EnvFile::parse(file);
        assert_eq!(faults, Vec::<String>::new());
        let find = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| OsString::from(text))
        };
        Gathered::from(&find, &file)
    }

    #[test]
    fn the_environment_wins_and_its_quotes_go() {
        let found = gather(&[("PORT", "\"1\""), ("HOST", " ")], "PORT=2\nHOST='\"::1\"'");
        assert_eq!(
            (found.get("PORT"), found.get("HOST")),
            (Some("1".into()), Some("\"::1\"".into()))
        );
        assert!(found.warnings[0].starts_with("PORT") && found.warnings.len() == 1, "{found:?}");
        let found = gather(&[("PORT", "'1' # docker"), ("API_TOKEN", "\"half")], "");
        assert_eq!(
            (found.get("PORT"), found.get("API_TOKEN")),
            (Some("1".into()), Some("\"half".into()))
        );
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            folder.path().join(name).to_str().unwrap().to_owned()
        };
        let path = at("good", "\u{feff}s3cret\r\n".as_bytes());
        let found = gather(&[("API_TOKEN_FILE", &path)], "API_TOKEN=other");
        assert_eq!((found.get("API_TOKEN"), found.faults.len()), (Some("s3cret".into()), 0));
        for (both, file) in [
            (true, path),
            (false, at("none", b"\n")),
            (false, at("latin", b"s3cr\xe9t")),
            (false, at("quoted", b"\"s3cret\"\n")),
            (false, at("named", b"WEBHOOK_SECRET=s3cret\n")),
            (false, at("exported", b"export WEBHOOK_SECRET = s3cret")),
            (false, at("long", &vec![b'x'; 70_000])),
            (false, "s3cret itself".into()),
            (false, "/".into()),
        ] {
            let mut set = vec![("WEBHOOK_SECRET_FILE", file.as_str())];
            set.extend(both.then_some(("WEBHOOK_SECRET", "s3cret")));
            let fault = gather(&set, "").faults.join(" ");
            assert!(fault.starts_with("WEBHOOK_SECRET") && fault.contains("_FILE"), "{fault}");
            assert!(!fault.contains("s3cr"), "{fault}");
        }
        assert_eq!(gather(&[("PORT_FILE", "/etc/hostname")], "").get("PORT"), None);
    }

    #[test]
    fn what_was_not_meant_is_said() {
        let found =
            gather(&[("https_proxy", "http://user:s3cret@proxy"), ("API_TOKEN", "“s3cret”")], "");
        assert!(found.warnings[0].starts_with("https_proxy is set"), "{found:?}");
        assert!(found.faults[0].starts_with("API_TOKEN begins with a typographic"), "{found:?}");
        assert!(![found.warnings, found.faults].concat().join(" ").contains("s3cret"));
    }
}
