//! Writes the table of the files below `assets`, which the program carries in itself.
//!
//! Must do nothing else: what can be made while the program runs is made there.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    let mut files = Vec::new();
    walk(Path::new("assets"), &mut files)?;
    files.sort();
    let line = |file: &PathBuf| {
        let path = file.strip_prefix("assets").unwrap_or(file).display();
        let root = "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/assets/";
        format!("(\"{path}\", include_bytes!({root}{path}\"))),\n")
    };
    let table: String = files.iter().map(line).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("assets.rs"), format!("&[\n{table}]"))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
