//! The shape of the code: which module may use which, how long a file may be, how it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules of ours that it uses: the table of ARCHITECTURE.md.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let chapter = text.split("\n## Who may import whom\n").nth(1).expect("the chapter");
    let chapter = chapter.split("\n## ").next().unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let mut found = BTreeMap::new();
    for row in chapter.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').collect();
        found.extend(names(cells[1]).into_iter().map(|module| (module, names(cells[2]))));
    }
    found
}

pub(crate) fn sources() -> Vec<PathBuf> {
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

/// Folders whose parts stand in the table one by one.
const SHELVES: [&str; 1] = ["delivery"];

/// The module of the table for a path: its first part, `http` for `http::tasks`; of a shelf the first two.
fn module(path: &str) -> String {
    let mut parts = path.split("::");
    let first = parts.next().unwrap_or_default();
    match parts.next().filter(|_| SHELVES.contains(&first)) {
        Some(second) => format!("{first}::{second}"),
        None => first.to_owned(),
    }
}

/// The path of a file as a module: `http::tasks::list`.
fn inside(file: &Path) -> String {
    let inside = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.with_extension("").to_str().unwrap().replace('/', "::")
}

/// The module that a file belongs to.
fn module_of(file: &Path) -> String {
    module(&inside(file))
}

/// The modules of ours that a text names: after `crate::`, also within braces, and `btk_system::`.
fn used(text: &str) -> Vec<String> {
    let starts = ["crate::", "btk_system::"];
    let rests = starts.iter().flat_map(|start| text.split(start).skip(1));
    rests.flat_map(paths).map(|path| module(&path)).collect()
}

/// The paths that a text begins with: `a::{b, c::d};` has `a::b` and `a::c::d`.
fn paths(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_path(c)).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let Some(inner) = rest.strip_prefix('{').filter(|_| head.is_empty() || head.ends_with("::"))
    else {
        return vec![head.to_owned()];
    };
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in inner.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                parts.last_mut().unwrap().push(c);
            }
        }
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(paths).map(|path| format!("{head}{path}")).collect()
}

#[test]
fn modules_use_what_the_table_says_and_nothing_else() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources() {
        let module = module_of(&path);
        let text = fs::read_to_string(&path).unwrap();
        // What stands in the tests at the end of a file is its own affair.
        let (code, tests) = text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
        let after = tests.split_once("\n}\n").map_or("", |(_, after)| after);
        assert_eq!(after, "", "{}: code after its tests", path.display());
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let deep = inside(&path).matches("::").count();
        let up = "super::".repeat(deep + 1);
        assert!(!code.contains(&up), "{}: {up} leaves its module", path.display());
        let names = used(&code).into_iter().filter(|name| *name != module);
        found.entry(module.clone()).or_default().extend(names);
    }
    found.remove("lib");
    assert_eq!(used("use crate::{a, b::{c, d::E}};"), ["a", "b", "b"]);
    assert_eq!(used("use crate::delivery::{self, a, b::C};")[1..], ["delivery::a", "delivery::b"]);
    let table = table();
    for (module, names) in &found {
        let told = table.get(module);
        assert_eq!(Some(names), told, "{module}: what it uses, and what ARCHITECTURE.md says");
    }
    assert_eq!(found.len(), table.len(), "a module of the table is not there");
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
