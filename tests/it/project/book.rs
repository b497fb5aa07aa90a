//! The README and the book against the program: what they tell to type is typed, what they show as
//! the answer is compared, and the settings that they name are those that there are.
//!
//! A block marked `sh` is run, in one folder and one shell's variables a page. `sh stays` is a
//! program in a terminal of its own: it runs on until another one takes its port. `sh by-hand` is
//! not run: a build, a thing for root, an account elsewhere. `ini` holds lines of a `.env`, and
//! `json` right after a block what its last line answers. `links_of_the_documents_lead_somewhere`
//! in `tidy` looks after the links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::harness::{Client, eventually, home, spare_port};

/// The ports that the documents name: of the server, and of receivers.
const PORTS: [&str; 4] = ["5000", "5055", "5056", "5057"];

/// What stands between two fences.
struct Block {
    kind: String,
    text: String,
    line: usize,
    /// Nothing but blank lines is between it and the block before.
    is_next: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and the pages of the book.
fn pages() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        folder.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    found.push(root().join("README.md"));
    found.sort();
    found
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut is_inside, mut is_next, mut indent) = (false, false, 0);
    for (at, line) in page.lines().enumerate() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            is_inside = !is_inside;
            if is_inside {
                indent = line.len() - line.trim_start().len();
                let (kind, text) = (kind.to_owned(), String::new());
                found.push(Block { kind, text, line: at + 1, is_next });
            }
            is_next = !is_inside;
        } else if is_inside {
            let block = found.last_mut().unwrap();
            block.text += line.get(indent..).unwrap_or_default();
            block.text.push('\n');
        } else if !line.trim().is_empty() {
            is_next = false;
        }
    }
    found
}

/// A program that stays, with all that it has started.
struct Stays(Child);

impl Drop for Stays {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// The text with these in place of the ports that it names.
fn with_ports(text: &str, ours: [u16; 4]) -> String {
    let mark = |at| format!("<port {at}>");
    // By way of marks: a port of ours may have one that is named within it, as 15055 has.
    let marked = (0..4).fold(text.to_owned(), |text, at| text.replace(PORTS[at], &mark(at)));
    (0..4).fold(marked, |text, at| text.replace(&mark(at), &ours[at].to_string()))
}

/// Somebody who types what a page says.
struct Reader {
    page: String,
    home: std::sync::Arc<tempfile::TempDir>,
    ports: [u16; 4],
    /// By the port that the page names.
    stays: BTreeMap<&'static str, Stays>,
}

impl Reader {
    fn new(page: &Path) -> Self {
        let home = home();
        let page = page.strip_prefix(root()).unwrap().display().to_string();
        let bin = home.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        // What curl was answered is written down beside what it prints.
        let curl = "#!/bin/sh\nPATH=${PATH#*:}\n\
            exec curl --noproxy '*' -sS -w '%{stderr}%{http_code}\\n' \"$@\" 2>>\"$STATUS\"\n";
        fs::write(bin.join("curl"), curl).unwrap();
        fs::set_permissions(bin.join("curl"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(home.path().join("variables"), "WEBHOOK_SECRET='a secret for the book'\n")
            .unwrap();
        Self { page, home, ports: PORTS.map(|_| spare_port()), stays: BTreeMap::new() }
    }

    /// A shell that goes on where the block before has left the variables.
    fn shell(&self, text: &str) -> Command {
        let mut text = text.to_owned();
        if !text.contains("--port") {
            text = text.replace("btk listen", "btk listen --port 5055");
        }
        let text = with_ports(&text, self.ports);
        let home = self.home.path();
        let program = Path::new(env!("CARGO_BIN_EXE_btk")).parent().unwrap();
        let path = std::env::var("PATH").expect("a PATH");
        let path = format!("{}:{}:{path}", home.join("bin").display(), program.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("set -ea\n. ./variables\n{text}\nexport -p > variables")]);
        shell.env_clear().env("PATH", path).env("PORT", self.ports[0].to_string());
        shell.env("STATUS", home.join("status")).current_dir(home).stdin(Stdio::null());
        shell
    }

    /// Starts what stays, in the place of what had its port, and waits until it can be reached.
    async fn start(&mut self, text: &str) {
        let named = if text.contains("btk listen") {
            PORTS.into_iter().find(|port| text.contains(&format!("--port {port}")))
        } else {
            Some("5000")
        };
        let named = named.unwrap_or("5055");
        self.stays.remove(named);
        let mut shell = self.shell(text);
        let child = shell.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.stays.insert(named, Stays(child.expect("a shell")));
        let at = PORTS.iter().position(|port| *port == named).unwrap();
        let address = format!("127.0.0.1:{}", self.ports[at]);
        eventually(&format!("{}: {text:?} listens", self.page), async || {
            TcpStream::connect(&address).ok()
        })
        .await;
    }

    /// A page that starts no server of its own is about one that runs, with a first change delivered.
    async fn prepare(&mut self) {
        self.start("btk listen").await;
        self.start("WEBHOOK_URL=http://127.0.0.1:5055 WEBHOOK_ALLOW_TARGETS=127.0.0.1 btk").await;
        let client = Client::new(&format!("http://127.0.0.1:{}", self.ports[0]));
        client.call("POST", "/api/tasks").json(&serde_json::json!({"title": "a"})).send().await;
        eventually("the first change delivered", async || {
            let found = client.call("GET", "/api/deliveries?status=delivered").send().await.json();
            (found.as_array()?.len() == 1).then_some(())
        })
        .await;
    }

    /// Types a block and looks at how it was answered.
    fn run(&self, block: &Block, shown: Option<&Value>) {
        let place = format!("{}, line {}", self.page, block.line);
        let status = self.home.path().join("status");
        fs::write(&status, "").unwrap();
        let out = self.shell(&block.text).output().expect("a shell");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{place}: {text}{}", String::from_utf8_lossy(&out.stderr));
        let is_refused = shown.is_some_and(|shown| shown.get("error").is_some());
        for line in fs::read_to_string(&status).unwrap().lines() {
            let code: u16 = line.parse().unwrap_or_else(|_| panic!("{place}: {line}"));
            assert_eq!(code >= 400, is_refused, "{place} was answered {code}: {text}");
        }
        if let Some(shown) = shown {
            let answer: Value = serde_json::from_str(text.trim()).expect("JSON");
            assert_eq!(lasting(&answer), lasting(shown), "{place}");
        }
    }
}

/// An answer without what differs each time.
fn lasting(answer: &Value) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<_, _> = answer.as_object().unwrap().clone().into_iter().collect();
    for name in ["timestamp", "requestId"] {
        if found.contains_key(name) {
            found.insert(name.to_owned(), Value::Null);
        }
    }
    found
}

async fn type_what_it_says(page: PathBuf) -> usize {
    let found = blocks(&fs::read_to_string(&page).unwrap());
    let mut reader = Reader::new(&page);
    let typed = |block: &&Block| ["sh", "sh stays"].contains(&block.kind.as_str());
    let count = found.iter().filter(typed).count();
    let has_server = |block: &Block| block.kind == "sh stays" && !block.text.contains("btk listen");
    if count > 0 && !found.iter().any(has_server) {
        reader.prepare().await;
    }
    for (at, block) in found.iter().enumerate() {
        let next = found.get(at + 1).filter(|next| next.is_next && next.kind == "json");
        let shown: Option<Value> = next.map(|next| serde_json::from_str(&next.text).expect("JSON"));
        match block.kind.as_str() {
            "sh" => reader.run(block, shown.as_ref()),
            "sh stays" => reader.start(&block.text).await,
            "" | "sh by-hand" | "ini" | "json" | "js" => {}
            other => panic!("{}, line {}: what is {other:?}?", reader.page, block.line),
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documents_tell_to_type_works() {
    for tool in ["curl", "jq"] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
        assert!(
            found.is_ok(),
            "the documents use {tool}: install it (Debian: apt-get install {tool})"
        );
    }
    let mut count = 0;
    for page in pages() {
        count += type_what_it_says(page).await;
    }
    assert!(count >= 25, "only {count} blocks were run");
}

#[test]
fn a_port_may_have_another_within_it() {
    let text = "curl 127.0.0.1:5000; btk listen --port 5055";
    let ours = with_ports(text, [15_055, 25_000, 15_056, 15_057]);
    assert_eq!(ours, "curl 127.0.0.1:15055; btk listen --port 25000");
}

/// `btk --help`: each setting with its default.
fn settings() -> BTreeMap<String, String> {
    let help = Command::new(env!("CARGO_BIN_EXE_btk")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(']'));
    let found = lines.filter_map(|line| line.split_once(" ["));
    found.map(|(name, default)| (name.to_owned(), default.to_owned())).collect()
}

#[test]
fn the_page_of_settings_lists_them_with_their_defaults() {
    let mut listed = BTreeMap::new();
    for line in fs::read_to_string(root().join("docs/settings.md")).unwrap().lines() {
        let cells: Vec<_> = line.split(" | ").collect();
        let [names, default, _] = cells[..] else { continue };
        for name in names.trim_start_matches("| ").split(", ").filter(|name| name.contains('`')) {
            listed.insert(name.replace('`', ""), default.replace('`', ""));
        }
    }
    assert_eq!(listed, settings());
}

#[test]
fn lines_for_the_env_file_name_settings() {
    let known = settings();
    let mut count = 0;
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).unwrap()) {
            let is_env = block.kind == "ini" && !block.text.starts_with('[');
            for line in block.text.lines().filter(|_| is_env) {
                let name = line.split('=').next().unwrap();
                assert!(known.contains_key(name), "{}: {line}", page.display());
                count += 1;
            }
        }
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn the_list_of_pages_names_each_of_them() {
    let list = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed = list.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let listed: BTreeSet<_> = listed.map(|name| root().join("docs").join(name)).collect();
    let mut there: BTreeSet<_> = pages().into_iter().collect();
    there.remove(&root().join("docs/SUMMARY.md"));
    there.remove(&root().join("README.md"));
    assert_eq!(listed, there);
}

#[test]
fn the_first_pages_stay_short() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let lines = fs::read_to_string(root().join(page)).unwrap().lines().count();
        assert!(lines <= 200, "{page} has {lines} lines: what belongs into docs/?");
    }
}
