//! A process of the bench: started from this executable, asked over its pipes, measured by the
//! system, and gone when its value is gone.
//!
//! It must not know what the processes do; it knows lines of JSON, the line in which a server says
//! where it listens, and `/proc`.

use std::fs::File;
use std::io::{BufRead, BufReader as FileReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a process may take until it listens.
const START: Duration = Duration::from_secs(20);
/// How many lines of a process's log are shown when it failed.
const LOG_SHOWN: usize = 10;
/// `utime` and `stime` are in hundredths of a second on every machine that Linux runs on today
/// (`USER_HZ`, which is part of its interface and not the frequency of its timer).
const MS_PER_TICK: f64 = 10.0;

/// A running process. Dropping it kills it.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

/// What the system says about a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// Processor time since its start, its own and the kernel's for it.
    pub(super) cpu_ms: f64,
    /// Memory in use.
    pub(super) rss_mb: f64,
    /// The most memory that was in use so far.
    pub(super) peak_mb: f64,
    /// What it has had written to disks so far.
    pub(super) written_kb: f64,
    /// How often a thread that is still there gave up its core or lost it.
    pub(super) switches: f64,
}

impl Process {
    /// Starts this executable with nothing in its environment but `environment`, in `folder`, where
    /// no `.env` is: what is set on this machine must not change what is measured.
    pub(super) fn start(
        name: &'static str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this executable")?;
        let log = folder.join(format!("{name}.log"));
        let mut child = Command::new(&program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} as {name}", program.display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdin = stdin.context("the process has no stdin")?;
        let stdout = stdout.context("the process has no stdout")?;
        Ok(Self { name, child, stdin, lines: BufReader::new(stdout).lines(), log })
    }

    /// Where the process listens, once it says so.
    pub(super) async fn address(&mut self) -> anyhow::Result<SocketAddr> {
        let listening = async {
            while let Some(line) = self.lines.next_line().await? {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            bail!("it ended before it listened")
        };
        let listening = timeout(START, listening).await;
        listening
            .unwrap_or_else(|_| Err(anyhow!("it does not listen")))
            .map_err(|e| self.explain(e))
    }

    /// Sends one line of JSON and waits for the line that answers it.
    pub(super) async fn ask<Answer: DeserializeOwned>(
        &mut self,
        question: &impl Serialize,
        within: Duration,
    ) -> anyhow::Result<Answer> {
        let mut line = serde_json::to_string(question)?;
        line.push('\n');
        let exchange = async {
            self.stdin.write_all(line.as_bytes()).await?;
            let answer = self.lines.next_line().await?.context("it ended without an answer")?;
            Ok(serde_json::from_str(&answer)?)
        };
        let answered = timeout(within, exchange).await;
        answered.unwrap_or_else(|_| Err(anyhow!("it does not answer"))).map_err(|e| self.explain(e))
    }

    /// What it used so far; nothing where the system does not say it as Linux does.
    pub(super) fn usage(&self) -> Option<Usage> {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()?));
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let io = std::fs::read_to_string(folder.join("io")).ok()?;
        let threads = std::fs::read_dir(folder.join("task")).ok()?.flatten();
        let threads = threads.map(|thread| std::fs::read_to_string(thread.path().join("status")));
        usage_in(&stat, &status, &io, &threads.flatten().collect::<Vec<_>>())
    }

    /// Kills it and waits until it is gone.
    pub(super) async fn end(mut self) {
        // It fails only where the process has ended already.
        let _ = self.child.kill().await;
    }

    /// The error with the last lines that the process wrote.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let lines: Vec<String> = File::open(&self.log)
            .map(|log| FileReader::new(log).lines().map_while(Result::ok).collect())
            .unwrap_or_default();
        let last = lines[lines.len().saturating_sub(LOG_SHOWN)..].join("\n  ");
        let said = if last.is_empty() { String::new() } else { format!("; it said:\n  {last}") };
        error.context(format!("the process {} failed{said}", self.name))
    }
}

/// What a process of ours prints when it listens, in the form in which the server does.
pub(super) fn say_listening(address: SocketAddr) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "  Listening   http://{address}").context("nobody reads stdout")
}

/// Answers the lines of JSON on stdin, each with one on stdout, until stdin is closed: when the
/// bench is gone, however it went, its processes end.
pub(super) async fn answer_all<Question: DeserializeOwned, Answer: Serialize>(
    mut answer: impl AsyncFnMut(Question) -> anyhow::Result<Answer>,
) -> anyhow::Result<()> {
    let mut lines = lines_of_stdin();
    while let Some(line) = lines.recv().await {
        let answered = answer(serde_json::from_str(&line)?).await?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&answered)?)?;
    }
    Ok(())
}

/// Returns when stdin is closed.
pub(super) async fn until_stdin_closes() {
    let mut lines = lines_of_stdin();
    while lines.recv().await.is_some() {}
}

/// Reads on a thread of its own, which a closed stdin ends: a read of a terminal cannot be
/// cancelled, and the process is not to wait for one.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut given = std::io::stdin().lines().map_while(Result::ok);
        while given.next().is_some_and(|line| send.blocking_send(line).is_ok()) {}
    });
    lines
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let url = line.trim().strip_prefix("Listening")?.trim().strip_prefix("http://")?;
    url.trim_end_matches('/').parse().ok()
}

/// From the files of `/proc`: the process's own, and the status of each of its threads.
fn usage_in(stat: &str, status: &str, io: &str, threads: &[String]) -> Option<Usage> {
    // The second field is the name in brackets and may contain anything; the third follows it.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let number = |text: &str, key: &str| -> Option<f64> {
        let value = text.lines().find_map(|line| line.strip_prefix(key))?.trim();
        value.strip_suffix("kB").unwrap_or(value).trim().parse().ok()
    };
    let switches = threads.iter().filter_map(|thread| {
        let by_itself = number(thread, "voluntary_ctxt_switches:")?;
        Some(by_itself + number(thread, "nonvoluntary_ctxt_switches:")?)
    });
    Some(Usage {
        cpu_ms: (user + system) * MS_PER_TICK,
        rss_mb: number(status, "VmRSS:")? / 1024.0,
        peak_mb: number(status, "VmHWM:")? / 1024.0,
        written_kb: number(io, "write_bytes:")? / 1024.0,
        switches: switches.sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listening_line_is_found_among_others() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 5000)));
        assert_eq!(address_in("  Listening   http://127.0.0.1:5000"), address);
        assert_eq!(address_in("Listening http://127.0.0.1:5000/"), address);
        assert_eq!(address_in("  Data        sqlite:btk.db"), None);
        assert_eq!(address_in("Listening soon"), None);
    }

    #[test]
    fn usage_is_read_whatever_the_process_is_called() {
        let stat = "7 (a ) 1 (b) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 3 0 99";
        let status = "Name:\tbtk\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
        let io = "rchar: 1\nwrite_bytes: 5120\ncancelled_write_bytes: 0\n";
        let threads = [(3, 1), (4, 0)].map(|(by_itself, by_force)| {
            format!(
                "voluntary_ctxt_switches:\t{by_itself}\nnonvoluntary_ctxt_switches:\t{by_force}\n"
            )
        });
        let usage =
            Usage { cpu_ms: 2000.0, rss_mb: 2.0, peak_mb: 4.0, written_kb: 5.0, switches: 8.0 };
        assert_eq!(usage_in(stat, status, io, &threads), Some(usage));
        assert_eq!(usage_in(stat, "Name: x", io, &threads), None);
        assert_eq!(usage_in("", status, io, &threads), None);
        assert_eq!(usage_in("7 (btk) S", status, io, &threads), None);
    }
}
