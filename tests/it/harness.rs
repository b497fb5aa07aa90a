//! The program under test as a child process, with nothing in its environment but what a test
//! names and a temporary directory as its home.
//!
//! It must not know what the program promises: it starts it, reads its lines, ends it.

pub(crate) mod arrivals;
pub(crate) mod client;
pub(crate) mod hooks;
pub(crate) mod lines;
pub(crate) mod load;
pub(crate) mod make;
pub(crate) mod million;
pub(crate) mod quiet;
pub(crate) mod receiver;
pub(crate) mod slow;
pub(crate) mod tls;
pub(crate) mod wall;
pub(crate) mod witness;

use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use client::{Answer, Call, Client};
pub(crate) use lines::Lines;
pub(crate) use receiver::{Hit, Receiver, Reply};

/// How long a state may take to come about before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until `check` has an answer; `what` names the state in the failure.
pub(crate) async fn eventually<T, F, Fut>(what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How a start that was meant to fail ended.
pub(crate) struct Refused {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// One running `btk`.
pub(crate) struct Server {
    home: Arc<TempDir>,
    settings: Vec<(String, String)>,
    /// What starts the program, if it is not started by itself.
    launcher: Vec<String>,
    child: Child,
    out: Lines,
    err: Lines,
    client: Client,
}

impl Server {
    /// Starts the program with these settings, in a fresh directory, on any free port.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(home(), settings).await
    }

    /// The same in a directory that may already hold a `.env` or a database.
    pub(crate) async fn start_in(home: Arc<TempDir>, settings: &[(&str, &str)]) -> Self {
        Self::start_by(&[], home, settings).await
    }

    /// The same by a command that becomes the program, such as `prlimit --nofile=128`.
    pub(crate) async fn start_by(
        launcher: &[&str],
        home: Arc<TempDir>,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut server = Self::born(launcher, home, settings);
        let ended = server.listening_or_ended().await;
        server.came_up(ended);
        server
    }

    fn born(launcher: &[&str], home: Arc<TempDir>, settings: &[(&str, &str)]) -> Self {
        let launcher: Vec<_> = launcher.iter().map(|&word| word.to_owned()).collect();
        let settings = owned(settings);
        let (child, out, err) = spawn(&launcher, home.path(), &settings);
        let client = Client::new("http://127.0.0.1:1");
        Self { home, settings, launcher, child, out, err, client }
    }

    /// Starts the program where it must not come up, and waits for its end.
    pub(crate) async fn refused(settings: &[(&str, &str)]) -> Refused {
        Self::refused_in(home(), settings).await
    }

    /// The same in a given directory.
    pub(crate) async fn refused_in(home: Arc<TempDir>, settings: &[(&str, &str)]) -> Refused {
        let mut server = Self::born(&[], home, settings);
        let status = server.ended(PATIENCE).await;
        let (out, err) = server.streams_closed().await;
        Refused { status, out, err }
    }

    /// `kill -9`, and the wait for its end.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().expect("the child can be killed");
        self.child.wait().expect("the child can be waited for");
    }

    /// The same program on the same directory with the same settings, after it has ended.
    pub(crate) async fn restart(&mut self) {
        let ended = self.restart_or_end().await;
        self.came_up(ended);
    }

    /// The same where it may not come up; answers how it ended.
    pub(crate) async fn restart_or_end(&mut self) -> Option<ExitStatus> {
        (self.child, self.out, self.err) = spawn(&self.launcher, self.home.path(), &self.settings);
        self.listening_or_ended().await
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a setting away for the next start.
    pub(crate) fn unset(&mut self, name: &str) {
        self.settings.retain(|(known, _)| known != name);
    }

    /// How it has ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child can be waited for")
    }

    /// Asks it to stop, as a service manager does, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the child can be signalled");
    }

    /// Asks it to stop and waits for its end.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.ended(PATIENCE).await
    }

    /// Waits for its end, which must come within `limit`, and then for all that it said.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.has_ended() {
                self.streams_closed().await;
                return status;
            }
            assert!(Instant::now() < end, "still running after {limit:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Where its files are.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The directory itself, for another start in it.
    pub(crate) fn shared_home(&self) -> Arc<TempDir> {
        Arc::clone(&self.home)
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A line of the program's state, in KiB: `VmRSS` for the memory that it has, `VmHWM` for the most that it had so far
    /// (`proc_pid_status(5)`).
    pub(crate) fn memory(&self, line: &str) -> u64 {
        let state = format!("/proc/{}/status", self.pid());
        let state = std::fs::read_to_string(state).expect("its state");
        let found = state.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':'));
        let kib = found.and_then(|found| found.split_whitespace().next()).expect("its memory");
        kib.parse().expect("a number")
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> &str {
        self.client.base().trim_start_matches("http://")
    }

    /// A client of this server.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Everything it wrote so far, banner and log.
    pub(crate) fn output(&self) -> String {
        [self.out.all(), self.err.all()].concat().join("\n")
    }

    /// The log lines so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.err.all()
    }

    /// Waits for a log line with these words.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str) -> impl Future<Output = String> {
        let (words, lines) = (words.to_owned(), self.err.clone());
        async move { eventually(&format!("log line {words:?}"), async || lines.first(&words)).await }
    }

    /// A request that is not sent yet.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        self.client.call(method, path)
    }

    /// `GET path`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    /// `POST path` with JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    /// `PUT path` with JSON.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path).json(body).send().await
    }

    /// `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path).send().await
    }

    /// Creates a task and returns it.
    pub(crate) async fn create(&self, body: &Value) -> Value {
        self.post("/api/tasks", body).await.expect(201).json()
    }

    /// Waits until there are so many tasks, which others make.
    pub(crate) async fn has_tasks(&self, n: usize) {
        eventually(&format!("{n} tasks"), async || {
            let found = self.get("/api/tasks?limit=1").await.expect(200);
            let total: usize = found.header("x-total-count").parse().expect("a number");
            (total >= n).then_some(())
        })
        .await;
    }

    /// The deliveries that a query finds, as the API shows them.
    pub(crate) async fn deliveries(&self, query: &str) -> Vec<Value> {
        let found = self.get(&format!("/api/deliveries?{query}")).await.expect(200).json();
        found.as_array().expect("a list").clone()
    }

    /// Waits until every delivery of a task is `delivered` or `failed`; newest first.
    pub(crate) async fn settled(&self, task: &str) -> Vec<Value> {
        eventually(&format!("the deliveries of {task} settled"), async || {
            let found = self.deliveries(&format!("taskId={task}")).await;
            let settled = |delivery: &Value| {
                ["delivered", "failed"].contains(&delivery["status"].as_str().expect("a status"))
            };
            (!found.is_empty() && found.iter().all(settled)).then_some(found)
        })
        .await
    }

    /// Ends the test where the program has ended instead of coming up.
    fn came_up(&self, ended: Option<ExitStatus>) {
        if let Some(status) = ended {
            panic!("ended at start with {status}:\n{}", self.output());
        }
    }

    /// Reads the address from the banner; answers how the program ended where it has.
    async fn listening_or_ended(&mut self) -> Option<ExitStatus> {
        let end = Instant::now() + PATIENCE;
        let line = loop {
            // Its last line is waited for, so that whoever reads it next finds all of it.
            let text = self.out.first("  Try  ").and_then(|_| self.out.first("Listening"));
            if let Some(line) = text.or_else(|| self.err.first(r#""url":"http"#)) {
                break line;
            }
            if let Some(status) = self.has_ended() {
                self.streams_closed().await;
                return Some(status);
            }
            assert!(Instant::now() < end, "does not say where it listens:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let url = &line[line.find("http://").expect("an address")..];
        let port = url["http://".len()..].split(':').nth(1).expect("a port");
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        self.client = Client::new(&format!("http://127.0.0.1:{port}"));
        None
    }

    /// What both streams held when the child had ended and the readers had caught up.
    async fn streams_closed(&self) -> (String, String) {
        eventually("both streams closed", async || {
            (self.out.are_whole() && self.err.are_whole()).then_some(())
        })
        .await;
        (self.out.all().join("\n"), self.err.all().join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.err.all();
            let tail = &log[log.len().saturating_sub(40)..];
            eprintln!("--- end of the program's log ---\n{}\n---", tail.join("\n"));
        }
    }
}

/// A port for a program that must be told one, or that comes back to the one it had: below the range that the system
/// hands out to whoever asks for any (from 32,768 on Linux), so that no other test gets it in between.
pub(crate) fn spare_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs at once begin at different places.
    let first = std::process::id().wrapping_mul(97);
    let is_free = |port: &u16| {
        let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        hosts.iter().all(|host| match TcpListener::bind((*host, *port)) {
            Ok(_) => true,
            Err(why) => why.kind() == ErrorKind::AddrNotAvailable,
        })
    };
    std::iter::repeat_with(|| first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed).into()))
        .map(|n| 10_000 + u16::try_from(n % 20_000).expect("small"))
        .find(is_free)
        .expect("one of 20,000 ports")
}

/// A fresh directory that goes away with its last user.
pub(crate) fn home() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a temporary directory"))
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn spawn(launcher: &[String], home: &Path, settings: &[(String, String)]) -> (Child, Lines, Lines) {
    let program = [env!("CARGO_BIN_EXE_btk").to_owned()];
    let mut words = launcher.iter().chain(&program);
    let mut command = Command::new(words.next().expect("the program"));
    command.args(words);
    command.env_clear().env("PORT", "0");
    command.envs(std::env::var_os("BTK_TWIN").map(|twin| ("BTK_TWIN", twin)));
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command.current_dir(home).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let out = Lines::of(child.stdout.take().expect("a pipe"));
    let err = Lines::of(child.stderr.take().expect("a pipe"));
    (child, out, err)
}
