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
fn modules_use_what_the_table_says_and_nothing_else() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources() {
        let module = module(&path);
        let text = fs::read_to_string(&path).unwrap();
        // What stands in the tests at the end of a file is its own affair.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let names = used(&code).into_iter().filter(|name| *name != module);
        found.entry(module.clone()).or_default().extend(names);
    }
    found.remove("lib");
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
