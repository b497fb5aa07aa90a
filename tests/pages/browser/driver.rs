//! One Chromium, driven over W3C `WebDriver` by its `chromedriver`: both end with what holds them.
//!
//! It must not know what is done in the browser. It gets an empty profile and no way out of the machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::available_parallelism;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::PATIENCE;
use crate::harness::{Client, spare_port};

/// What Chromium is started with. Without the last five it asks hosts of its maker at every start.
const SWITCHES: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--lang=en-US",
    "--window-size=1280,800",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser has work for a core most of the time, whatever the number of tests that are run at once.
static SEATS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(2, usize::from) * 2));

/// A running driver, which ends with this.
struct Driver {
    child: Child,
    port: u16,
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A browser under its driver.
pub(super) struct Session {
    driver: Driver,
    client: Client,
    id: String,
    _seat: SemaphorePermit<'static>,
}

impl Session {
    /// Waits until there is room for one more. On a machine without memory or time to spare Chromium may not come up;
    /// that is not what is tested, so it is tried again.
    pub(super) async fn start() -> Self {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_start().await {
                Ok(session) => return session,
                Err(why) if tries < 3 => eprintln!("the browser does not start: {why}"),
                Err(why) => panic!("the browser never starts: {why}"),
            }
        }
    }

    async fn try_start() -> Result<Self, String> {
        let seat = SEATS.acquire().await.expect("never closed");
        let driver = tokio::task::spawn_blocking(start_driver).await.expect("a thread");
        let client = Client::new(&format!("http://127.0.0.1:{}", driver.port));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": SWITCHES},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let answer = client.call("POST", "/session").json(&wanted).attempt().await?;
        let id = answer.json()["value"]["sessionId"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| answer.text())?;
        Ok(Self { driver, client, id, _seat: seat })
    }

    /// Where a picture lies of a window in which a test has failed.
    pub(super) fn failed(&self) -> PathBuf {
        let name = format!("failed-{}.png", self.driver.port);
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    }

    /// What the window looks like, as a PNG.
    pub(super) async fn picture(&self) -> Vec<u8> {
        decoded(&self.command("GET", "/screenshot", Value::Null).await)
    }

    /// One command of the protocol; ends the test where it fails.
    pub(super) async fn command(&self, method: &str, path: &str, body: Value) -> Value {
        match self.attempt(method, path, body).await {
            Ok(value) => value,
            Err(why) => panic!("{method} {path}: {why}"),
        }
    }

    pub(super) async fn attempt(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, String> {
        let mut call = self.client.call(method, &format!("/session/{}{path}", self.id));
        if method == "POST" {
            call = call.json(&body);
        }
        let answer = call.attempt().await?;
        let value = answer.json()["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
    }
}

impl Session {
    /// What the driver answers to a command where nobody can wait for it.
    fn ask(&self, method: &str, path: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.driver.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let id = &self.id;
        write!(stream, "{method} /session/{id}{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        // It keeps the connection, so its end is not the end of the answer.
        let mut answer = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while answer.read_line(&mut line)? > 2 {
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        Ok(body)
    }
}

impl Drop for Session {
    /// Asks the driver to end the browser, which would outlive it; where the test has failed, after a picture.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let answer = self.ask("GET", "/screenshot").unwrap_or_default();
            let value = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
            let kept = std::fs::write(self.failed(), decoded(&value["value"]));
            eprintln!("the window at the end: {} {kept:?}", self.failed().display());
        }
        drop(self.ask("DELETE", ""));
    }
}

fn decoded(picture: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).unwrap_or_default()
}

/// Starts a driver and waits until it says that it listens. It is told where: of any free port that it asks the system
/// for on IPv6 it needs the same one on IPv4, and ends when another test has that.
fn start_driver() -> Driver {
    let port = spare_port();
    let mut command = Command::new("chromedriver");
    command.arg(format!("--port={port}"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command
        .spawn()
        .expect("chromedriver starts (scripts/test installs it; Debian: apt-get install chromium chromium-driver)");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let driver = Driver { child, port };
    let mut said = String::new();
    while !said.contains("started successfully") {
        assert!(lines.read_line(&mut said).expect("a line") > 0, "chromedriver ended: {said}");
    }
    // Whatever else it says must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    driver
}
