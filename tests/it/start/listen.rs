//! `btk listen`: a receiver to look at, and to play failures and signatures through with.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::hooks::{id, text};
use crate::harness::{Lines, Server};

/// A running `btk listen`.
struct Listen {
    child: Child,
    out: Lines,
    url: String,
}

impl Listen {
    async fn start(options: &[&str]) -> Listen {
        let mut command = Command::new(env!("CARGO_BIN_EXE_btk"));
        command.args(["listen", "--port", "0"]).args(options).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program starts");
        let out = Lines::of(child.stdout.take().expect("a pipe"));
        let first = out.wait_for("Listening on http://").await;
        let url = first["Listening on ".len()..].split(' ').next().expect("an address").to_owned();
        Listen { child, out, url }
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_can_be_played_through() {
    let listen = Listen::start(&["--answer", "503:not now,cut,200:ok"]).await;
    let server = Server::start(&[("WEBHOOK_URL", &listen.url)]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let delivery = server.settled(id(&task)).await.remove(0);
    assert_eq!((&delivery["status"], &delivery["attemptCount"]), (&json!("delivered"), &json!(3)));
    let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
    assert_eq!(whole["attempts"][0]["excerpt"], "not now");
    assert_eq!(whole["attempts"][2]["excerpt"], "ok");
    listen.out.wait_for("answered 503 Service Unavailable").await;
    listen.out.wait_for("answered nothing: the connection is cut").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_late() {
    let listen = Listen::start(&["--delay", "1500ms"]).await;
    let server = Server::open(&[]).await;
    let hook =
        server.hook(&json!({"url": listen.url, "timeoutSeconds": 1, "maxAttempts": 1})).await;
    server.create(&json!({"title": "a"})).await;
    let down = server.webhook_is(id(&hook), "down").await;
    assert!(text(&down, "reasonText").contains("within 1 second"), "{down}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_checked_and_headers_are_shown() {
    let right = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAAAAA=";
    let wrong = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let good = Listen::start(&["--headers", "--secret", right]).await;
    let bad = Listen::start(&["--secret", wrong]).await;
    let server = Server::open(&[]).await;
    let hook = async |url: &str| server.hook(&json!({"url": url, "secret": right})).await;
    let (to_good, to_bad) = (hook(&good.url).await, hook(&bad.url).await);
    server.create(&json!({"title": "a"})).await;
    let query = |hook, status| format!("webhookId={}&status={status}", id(hook));
    server.total_is(&query(&to_good, "delivered"), 1).await;
    server.total_is(&query(&to_bad, "failed"), 1).await;
    good.out.wait_for("signature good: webhook-signature fits; x-btk-signature fits").await;
    good.out.wait_for("  webhook-signature: v1,").await;
    bad.out.wait_for("signature NOT good: webhook-signature does not fit").await;
    bad.out.wait_for("answered 401 Unauthorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_is_said_without_the_secret() {
    for (options, words) in [
        (["--secret", "whsec_s3cret"], "--secret must be whsec_"),
        (["--answer", "maybe"], "503,503,200"),
        (["--answer", "204:done"], "write 204 alone"),
        (["--delay", "soon"], "500ms, 5s or 2m"),
        (["--port", "+5055"], "from 0 to 65535"),
        (["--host", "example.org"], "which is no address"),
        (
            ["--host", "192.0.2.1"],
            "no interface of this machine has the address 192.0.2.1; set --host to 127.0.0.1",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_btk"));
        command.arg("listen").args(options).env_clear();
        if options[0] != "--port" {
            command.args(["--port", "0"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut said = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("words");
        assert!(!child.wait().expect("an end").success());
        assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_host_is_written_as_the_setting_is() {
    let listen = Listen::start(&["--host", "localhost"]).await;
    assert!(listen.url.starts_with("http://127.0.0.1:"), "{}", listen.url);
    if TcpListener::bind("[::1]:0").is_err() {
        println!("left out: IPv6 (this machine has none)");
        return;
    }
    for host in ["[::1]", "::1"] {
        let listen = Listen::start(&["--host", host]).await;
        assert!(listen.url.starts_with("http://[::1]:"), "{}", listen.url);
    }
}
