//! One Chromium, driven over W3C `WebDriver` by its `chromedriver`: both end with what holds them.
//!
//! It must not know what is done in the browser. It gets an empty profile and no way out of the machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::available_parallelism;

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

    /// Where its driver listens, which tells it from others.
    pub(super) fn port(&self) -> u16 {
        self.driver.port
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

impl Drop for Session {
    /// Asks the driver to end the browser, which would outlive it.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.driver.port)) {
            stream.set_read_timeout(Some(PATIENCE)).ok();
            let head = format!("DELETE /session/{} HTTP/1.1\r\nhost: localhost\r\n\r\n", self.id);
            if stream.write_all(head.as_bytes()).is_ok() {
                drop(stream.read_exact(&mut [0; 12]));
            }
        }
    }
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
