//! The shape of the code: which module may use which, how long a file may be, how it begins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules of ours that it may use. What stands here is the whole of it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["bench", "config", "demo", "listen", "model", "server", "signals"]),
    ("demo", &["config", "listen", "scratch", "server", "signals"]),
    ("listen", &["clock", "model", "signals"]),
    ("bench", &["clock", "listener", "scratch", "signals"]),
    (
        "server",
        &[
            "clock",
            "config",
            "dispatcher",
            "figures",
            "http",
            "listener",
            "metrics",
            "model",
            "secret",
            "sender",
            "store",
            "upkeep",
        ],
    ),
    ("listener", &["http"]),
    (
        "http",
        &[
            "clock",
            "config",
            "explain",
            "figures",
            "health",
            "metrics",
            "model",
            "request",
            "secret",
            "session",
            "signature",
            "store",
            "targets",
        ],
    ),
    ("upkeep", &["clock", "config", "figures", "health", "model", "store"]),
    (
        "dispatcher",
        &[
            "clock", "explain", "figures", "health", "metrics", "model", "pace", "request",
            "retry", "sender", "store",
        ],
    ),
    ("sender", &["clock", "model", "request", "retry", "secret", "targets"]),
    ("store", &["explain", "figures", "health", "lane", "model", "pace", "retry", "secret"]),
    ("request", &["model", "secret", "signature"]),
    ("explain", &["health", "model", "retry"]),
    ("health", &["model", "retry"]),
    ("pace", &["model"]),
    ("retry", &["model"]),
    ("config", &["health", "model", "secret", "signature", "targets"]),
    ("session", &["model", "secret"]),
    ("signature", &["secret"]),
    ("clock", &["model"]),
    ("figures", &["model"]),
    ("model", &["secret"]),
    ("lane", &[]),
    ("targets", &[]),
    ("metrics", &[]),
    ("secret", &[]),
    ("signals", &[]),
    ("scratch", &[]),
    ("lib", &[]),
];

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The top module that a file belongs to: `http` for `src/http/tasks.rs`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of ours that a text names: after `crate::`, also within braces, and `btk_system::`.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for start in ["crate::", "btk_system::"] {
        for (at, _) in text.match_indices(start) {
            let rest = &text[at + start.len()..];
            if let Some(braces) = rest.strip_prefix('{') {
                let inner = braces.split("};").next().unwrap_or_default();
                let mut depth = 0;
                let mut name = String::new();
                for c in inner.chars().chain([',']) {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.push(name.trim().split("::").next().unwrap().to_owned());
                            name.clear();
                        }
                        _ if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
            } else {
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let may: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for path in sources() {
        let module = module(&path);
        let allowed = may
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{module} is new: say in this test what it may use"));
        let text = fs::read_to_string(&path).unwrap();
        // What stands in the tests of a module is its own affair.
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for name in used(&code) {
            assert!(
                name == module || allowed.contains(&name.as_str()),
                "{} uses {name}, which {module} may not",
                path.display()
            );
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: is it still one idea?", path.display());
        assert!(text.starts_with("//! "), "{} does not say what it is", path.display());
    }
}

/// What a document leads to in this repository is there.
#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for (at, start) in text.match_indices("](") {
            let link = text[at + start.len()..].split(')').next().unwrap();
            let file = link.split('#').next().unwrap();
            let is_local = !file.is_empty() && !file.contains("://");
            assert!(!is_local || root.join(file).exists(), "{name} leads to {link}");
        }
    }
}
