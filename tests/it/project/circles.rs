//! Files of a module that know each other in a circle: none of them can be read, or changed, without the others.
//!
//! A file and those in its folder may know each other: they are one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::tidy::sources;

type Files = BTreeMap<String, BTreeSet<String>>;

/// The name of a file as a module: `http::tasks::list`.
fn name(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let segments: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
    segments.join("::").trim_end_matches(".rs").to_owned()
}

/// The paths that a `use` names, braces written out.
fn paths(prefix: &str, text: &str) -> Vec<String> {
    let text = text.trim();
    let Some((before, inner)) = text.split_once('{') else {
        return vec![format!("{prefix}{text}")];
    };
    let (mut found, mut depth, mut piece) = (Vec::new(), 0, String::new());
    for c in inner.strip_suffix('}').unwrap_or(inner).chars().chain([',']) {
        if c == ',' && depth == 0 {
            if !piece.trim().is_empty() {
                found.extend(paths(&format!("{prefix}{before}"), &piece));
            }
            piece.clear();
            continue;
        }
        depth += i32::from(c == '{') - i32::from(c == '}');
        piece.push(c);
    }
    found
}

/// The file that a path leads to from another.
fn target(from: &str, path: &str, all: &BTreeSet<String>) -> Option<String> {
    let mut here: Vec<&str> = from.split("::").collect();
    let mut segments: Vec<&str> = path.split("::").map(str::trim).collect();
    match segments[0] {
        "crate" => here.clear(),
        "self" | "super" => {}
        first if all.contains(&format!("{from}::{first}")) => segments.insert(0, "self"),
        _ => return None,
    }
    for segment in segments {
        match segment {
            "crate" | "self" => {}
            "super" => drop(here.pop()),
            other => here.push(other),
        }
    }
    let longest = (1..=here.len()).rev().map(|n| here[..n].join("::"));
    longest.into_iter().find(|name| all.contains(name))
}

fn files() -> Files {
    // What stands in the tests is its own affair.
    let is_test = |name: &str| {
        name.ends_with("tests") || name.contains("small_world") || name.contains("simulation")
    };
    let texts: BTreeMap<String, String> = sources()
        .into_iter()
        .map(|path| (name(&path), fs::read_to_string(path).unwrap()))
        .filter(|(name, _)| !is_test(name))
        .collect();
    let all: BTreeSet<String> = texts.keys().cloned().collect();
    let is_below = |a: &str, b: &str| a.starts_with(&format!("{b}::"));
    let known = |(from, text): (&String, &String)| {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let uses = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let uses = uses.collect::<Vec<_>>().join(" ");
        let uses = uses.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
        let found = uses.flat_map(|text| paths("", text));
        let found = found.filter_map(|path| target(from, &path, &all));
        let others = found.filter(|to| to != from && !is_below(to, from) && !is_below(from, to));
        (from.clone(), others.collect())
    };
    texts.iter().map(known).collect()
}

/// Takes away, again and again, what knows nobody that is left: what stays stands in a circle, or needs one.
fn left(mut files: Files) -> Files {
    loop {
        let names: BTreeSet<String> = files.keys().cloned().collect();
        let before = files.len();
        files.retain(|_, known| {
            known.retain(|name| names.contains(name));
            !known.is_empty()
        });
        if files.len() == before {
            return files;
        }
    }
}

/// The same from the other side, so that only the circles are left.
fn circles(files: Files) -> Files {
    let mut turned = Files::new();
    for (from, known) in left(files) {
        for to in known {
            turned.entry(to).or_default().insert(from.clone());
        }
    }
    left(turned)
}

#[test]
fn no_files_of_a_module_know_each_other_in_a_circle() {
    let circle = |pairs: &[(&str, &str)]| {
        let mut files = Files::new();
        for (from, to) in pairs {
            files.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        circles(files).len()
    };
    assert_eq!(circle(&[("a", "b"), ("b", "c")]), 0);
    assert_eq!(circle(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]), 2);
    let found = files();
    assert!(found["http::tasks::list"].contains("http::query"), "this test reads what is used");
    assert!(found["store::tasks"].contains("store::engine::tx"), "also within braces");
    assert_eq!(circles(found), Files::new());
}
