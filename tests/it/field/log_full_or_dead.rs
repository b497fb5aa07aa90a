//! A log that is full, dead or read by nobody: <https://github.com/tokio-rs/tracing/issues/3271> (a line that cannot
//! be written panics), <https://github.com/moby/moby/issues/31540> (a log that nobody reads stops the program).
//!
//! Everything goes on, the lines are counted, and who reads on is told how many are missing.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Client, Receiver, eventually, home, spare_port};

/// A `btk` whose streams lead where a test says.
struct Program {
    child: Child,
    client: Client,
    _home: Arc<TempDir>,
}

impl Program {
    /// Starts it without waiting; `args` beyond settings name another command.
    fn spawn(args: &[&str], settings: &[(&str, &str)], out: Stdio, err: Stdio) -> Program {
        let port = spare_port().to_string();
        let home = home();
        let mut command = Command::new(env!("CARGO_BIN_EXE_btk"));
        command.args(args).env_clear().env("PORT", &port).envs(settings.iter().copied());
        if args.first() == Some(&"listen") {
            command.args(["--port", &port]);
        }
        command.current_dir(home.path()).stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().expect("the program starts");
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        Program { child, client, _home: home }
    }

    /// Starts a server and waits until it answers.
    async fn serve(settings: &[(&str, &str)], out: Stdio, err: Stdio) -> Program {
        let program = Program::spawn(&[], settings, out, err);
        eventually("it answers", async || {
            let answer = program.client.call("GET", "/healthz").attempt().await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        program
    }

    async fn get(&self, path: &str) -> Answer {
        self.client.call("GET", path).send().await
    }

    async fn create(&self, body: &Value) {
        self.client.call("POST", "/api/tasks").json(body).send().await.expect(201);
    }

    /// What `/metrics` says of lines that nobody saw.
    async fn dropped(&self) -> u64 {
        let text = self.get("/metrics").await.expect(200).text();
        let line = text.lines().find_map(|l| l.strip_prefix("btk_log_lines_dropped_total "));
        line.expect("the counter").parse().expect("a number")
    }

    /// A change goes out, a webhook comes in, and each is answered.
    async fn works(&self, receiver: &Receiver, secret: &str) {
        let before = receiver.hits().len();
        self.create(&json!({"title": "out"})).await;
        let body = json!({"event": "task_created", "task": {"title": "in"}});
        let call = self.client.call("POST", &format!("/api/incoming-webhook?secret={secret}"));
        call.json(&body).send().await.expect(200);
        receiver.wait_for(before + 1).await;
        eventually("all is delivered", async || {
            let sending = self.get("/api/deliveries?status=sending").await.expect(200).json();
            sending.as_array().expect("a list").is_empty().then_some(())
        })
        .await;
        self.get("/readyz").await.expect(200);
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
    }

    async fn ended(&mut self) -> ExitStatus {
        eventually("it ends", || std::future::ready(self.child.try_wait().expect("a child"))).await
    }

    /// Stops it, which succeeds whatever became of its lines.
    async fn stops(mut self) {
        self.terminate();
        assert_eq!(self.ended().await.code(), Some(0));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A device that is always full.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("/dev/full").into()
}

/// A pipe whose reader is gone.
fn dead() -> Stdio {
    std::io::pipe().expect("a pipe").1.into()
}

/// A stream that holds as much as it can, with the end at which nobody reads yet.
fn stuffed(is_non_blocking: bool) -> (Stdio, UnixStream) {
    let (reader, mut writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    while writer.write(&[b'\n'; 512]).is_ok() {}
    writer.set_nonblocking(is_non_blocking).expect("set");
    (OwnedFd::from(writer).into(), reader)
}

const SECRET: &str = "a-secret-of-some-length";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_a_dead_log_stops_nothing() {
    for format in ["text", "json"] {
        for (out, err) in
            [(Stdio::null(), full()), (Stdio::null(), dead()), (full(), full()), (dead(), dead())]
        {
            let receiver = Receiver::ok().await;
            let url = receiver.url();
            let settings =
                [("WEBHOOK_URL", &*url), ("WEBHOOK_SECRET", SECRET), ("LOG_FORMAT", format)];
            let program = Program::serve(&settings, out, err).await;
            program.works(&receiver, SECRET).await;
            eventually("lines are counted", async || (program.dropped().await >= 3).then_some(()))
                .await;
            program.stops().await;
        }
    }
}

/// Makes so many lines that what waits is full, with a few large deliveries at debug level.
async fn overflow(program: &Program) -> u64 {
    let body = json!({"title": "large", "description": "d".repeat(60_000)});
    eventually("lines are dropped", async || {
        program.create(&body).await;
        let dropped = program.dropped().await;
        (dropped > 0).then_some(dropped)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing_and_the_gap_is_told_once() {
    for is_non_blocking in [false, true] {
        let (err, reader) = stuffed(is_non_blocking);
        let receiver = Receiver::ok().await;
        let url = receiver.url();
        let settings =
            [("WEBHOOK_URL", &*url), ("WEBHOOK_SECRET", SECRET), ("RUST_LOG", "btk_system=debug")];
        let program = Program::serve(&settings, Stdio::null(), err).await;
        overflow(&program).await;
        program.works(&receiver, SECRET).await;
        // Somebody reads on.
        let lines = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            let mut lines = BufReader::new(&reader).lines().map_while(Result::ok);
            let gap = lines.by_ref().find(|line| {
                found.push(line.clone());
                line.contains("lines before this one are missing")
            });
            (gap.expect("a gap that is told"), found, reader)
        });
        let (gap, before, reader) = lines.await.expect("read");
        assert!(gap.contains(" WARN "), "{gap}");
        let told: u64 = gap
            .split("WARN ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.parse().ok())
            .expect("a number");
        assert_eq!(told, program.dropped().await, "{gap}");
        assert!(before.len() > 20 && before.iter().any(|line| line.contains("[WEBHOOK] Sending")));
        // Lines come again, and nothing more is missing.
        program.works(&receiver, SECRET).await;
        assert_eq!(told, program.dropped().await);
        // Nobody reads at the end either.
        overflow(&program).await;
        program.stops().await;
        drop(reader);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_lines_are_there_when_it_has_ended() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let program = Program::serve(&[], Stdio::null(), writer.into()).await;
    let text = std::thread::spawn(move || {
        let mut text = String::new();
        let mut reader = reader;
        reader.read_to_string(&mut text).map(|_| text)
    });
    program.stops().await;
    let text = text.join().expect("read").expect("text");
    assert!(text.trim_end().ends_with("Stopped"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_the_settings_has_its_code_whoever_reads_it() {
    for err in [full(), dead()] {
        let mut program = Program::spawn(&[], &[("WEBHOOK_URL", "ftp://x")], Stdio::null(), err);
        assert_eq!(program.ended().await.code(), Some(2));
    }
    // Kept open, so that it is unread and not dead.
    for is_non_blocking in [false, true] {
        let (err, _reader) = stuffed(is_non_blocking);
        let mut program = Program::spawn(&[], &[("WEBHOOK_URL", "ftp://x")], Stdio::null(), err);
        assert_eq!(program.ended().await.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_answers_whether_or_not_what_it_prints_is_read() {
    let (unread, _reader) = stuffed(false);
    for out in [full(), unread] {
        let program = Program::spawn(&["listen"], &[], out, Stdio::null());
        let body = json!({"event": "task_created", "task": {"title": "d".repeat(50_000)}});
        eventually("it answers", async || {
            program.client.call("POST", "/").json(&body).attempt().await.ok()
        })
        .await
        .expect(200);
        for _ in 0..40 {
            program.client.call("POST", "/").json(&body).send().await.expect(200);
        }
        program.stops().await;
    }
    // Where nobody can read any more, there is no more to do.
    let mut program = Program::spawn(&["listen"], &[], dead(), Stdio::null());
    assert_eq!(program.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_that_nobody_can_see_still_works() {
    let (unread, _reader) = stuffed(false);
    for out in [full(), unread] {
        let program = Program::spawn(&["demo"], &[], out, full());
        eventually("its four operations are done", async || {
            let call = program.client.call("GET", "/api/events?event=task_deleted");
            let answer = call.attempt().await.ok().filter(|answer| answer.status == 200)?;
            (!answer.json().as_array()?.is_empty()).then_some(())
        })
        .await;
        program.stops().await;
    }
    let mut program = Program::spawn(&["demo"], &[], dead(), Stdio::null());
    assert_eq!(program.ended().await.code(), Some(0));
}
