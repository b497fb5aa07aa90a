//! The shape of the code: which module may use which, how long a file may be, how it begins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules of ours that it may use. What stands here is the whole of it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &["bench", "clock", "config", "demo", "listen", "model", "output", "server", "signals"],
    ),
    ("demo", &["config", "listen", "output", "scratch", "server", "signals"]),
    ("listen", &["clock", "model", "output", "secret", "signals", "signature"]),
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
            "session",
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
    ("sender", &["clock", "model", "request", "retry", "secret", "targets", "trust"]),
    ("store", &["explain", "figures", "health", "lane", "model", "pace", "retry", "secret"]),
    ("request", &["model", "secret", "signature"]),
    ("explain", &["health", "model", "retry"]),
    ("health", &["model", "retry"]),
    ("pace", &["model"]),
    ("retry", &["model"]),
    ("config", &["health", "model", "secret", "signature", "targets", "trust"]),
    ("session", &["model", "secret"]),
    ("signature", &["secret"]),
    ("clock", &["model"]),
    ("figures", &["model"]),
    ("model", &["secret"]),
    ("lane", &[]),
    ("targets", &[]),
    ("trust", &[]),
    ("metrics", &[]),
    ("output", &[]),
    ("secret", &[]),
    ("signals", &[]),
    ("scratch", &[]),
    ("lib", &[]),
];

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "rs", &mut found);
    found
}

/// The files below a folder whose names end like this; what was fetched or built is not ours.
fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["node_modules", "dist", "target"].contains(&&*name) && !name.starts_with('.') {
                walk(&path, ending, found);
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
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

/// The anchors of a document: its headings as GitHub writes them.
fn anchors(text: &str) -> Vec<String> {
    // Between fences a `#` begins a comment.
    let prose: String = text.split("```").step_by(2).collect();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let words = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    words.map(|line| line.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// What a document leads to in this repository is there, file and heading.
#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut documents = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "md", &mut documents);
    assert!(documents.len() >= 10, "{documents:?}");
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        for (at, start) in text.match_indices("](") {
            let link = text[at + start.len()..].split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{} leads to {link}", path.display());
            if !anchor.is_empty() {
                let found = anchors(&fs::read_to_string(&target).unwrap());
                assert!(found.iter().any(|one| one == anchor), "{}: {link}", path.display());
            }
        }
    }
}
