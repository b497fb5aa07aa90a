//! Tokens that are tried out, and sessions that outlive their end.
//!
//! Seen with: servers that count wrong passwords on their sign-in page and none on their API, and
//! sign-outs that delete the cookie of the browser and nothing else (CWE-307, CWE-613).

use std::time::UNIX_EPOCH;

use serde_json::json;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Answer, PATIENCE, Server};

const TOKEN: &str = "tok-0123456789-abcdefghij";

async fn server() -> Server {
    Server::start(&[("API_TOKEN", TOKEN), ("HOST", "127.0.0.1")]).await
}

async fn ask(server: &Server, method: &str, path: &str, token: &str) -> Answer {
    let call = server.call(method, path).header("authorization", &format!("Bearer {token}"));
    call.json(&json!({"title": "a"})).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_wrong_tokens_a_minute_are_enough_but_the_right_one_passes() {
    let server = server().await;
    for n in 0..30 {
        // Wherever they are tried, they are tried.
        let (method, path) =
            [("GET", "/api/tasks"), ("POST", "/api/tasks"), ("GET", "/metrics")][n % 3];
        ask(&server, method, path, &format!("wrong-{n}")).await.expect_error(401);
    }
    for n in 0..5 {
        let refused = ask(&server, "GET", "/api/tasks", &format!("wrong-again-{n}")).await;
        let said = refused.expect_error(429);
        assert_eq!(refused.json()["code"], "too_many_wrong_tokens");
        assert!(said.contains("API_TOKEN") && !said.contains("wrong-"), "{said}");
        let seconds = refused.header("retry-after").parse::<u32>().expect("seconds");
        assert!((1..=60).contains(&seconds));
        // Who has it is not locked out by who has not, whatever the way.
        ask(&server, "POST", "/api/tasks", TOKEN).await.expect(201);
        server.get("/api/tasks").await.expect_error(401);
    }
    // A sign-in has a count of its own, and what is open stays open.
    let body = json!({"token": TOKEN});
    server.post("/api/session", &body).await.expect(204);
    let open = server.call("GET", "/healthz").header("authorization", "Bearer wrong");
    open.send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_wherever_its_cookie_went() {
    let mut server = server().await;
    let sign_in = async |server: &Server| {
        let answer = server.post("/api/session", &json!({"token": TOKEN})).await.expect(204);
        answer.header("set-cookie").split(';').next().expect("a cookie").to_owned()
    };
    let ask = async |server: &Server, cookie: &str| {
        server.call("GET", "/api/tasks").header("cookie", cookie).send().await.status
    };
    let sign_out = async |server: &Server, cookie: &str| {
        let call = server.call("DELETE", "/api/session").header("cookie", cookie);
        call.header("sec-fetch-site", "same-origin").send().await
    };
    let (mine, other) = (sign_in(&server).await, sign_in(&server).await);
    let copied = mine.clone();
    // Whoever watches by it sees no more either.
    let mut watching = TcpStream::connect(server.address()).await.expect("a connection");
    let ask_to_watch = format!("GET /api/changes HTTP/1.1\r\nhost: x\r\ncookie: {mine}\r\n\r\n");
    watching.write_all(ask_to_watch.as_bytes()).await.expect("a request");
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("data: ") {
        assert_ne!(watching.read_buf(&mut seen).await.expect("the stream"), 0, "{seen:?}");
    }
    // Nobody ends a session from another site, or without it.
    let call = server.call("DELETE", "/api/session").header("cookie", &mine);
    call.header("sec-fetch-site", "cross-site").send().await.expect_error(403);
    assert_eq!(ask(&server, &copied).await, 200);
    sign_out(&server, &mine).await.expect(204);
    assert_eq!((ask(&server, &copied).await, ask(&server, &other).await), (401, 200));
    while !seen.ends_with(b"\r\n0\r\n\r\n") {
        let read = timeout(PATIENCE, watching.read_buf(&mut seen)).await.expect("the stream's end");
        assert_ne!(read.expect("the stream"), 0, "cut off: {seen:?}");
    }
    // What was answered is on disk.
    server.kill9();
    server.restart().await;
    assert_eq!((ask(&server, &copied).await, ask(&server, &other).await), (401, 200));
    sign_out(&server, &copied).await.expect_error(401);
    // A browser may show two; it signs out of both.
    let third = sign_in(&server).await;
    sign_out(&server, &format!("{other}; {third}; btk_session=1.ab")).await.expect(204);
    assert_eq!((ask(&server, &other).await, ask(&server, &third).await), (401, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_a_token_cannot_try_it_by_making_a_session() {
    let server = server().await;
    let now = i64::try_from(UNIX_EPOCH.elapsed().expect("a time").as_millis()).expect("a time");
    let until = now + 3_600_000;
    for words in [format!("session until {until}"), format!("session until {until} for {TOKEN}")] {
        for key in [TOKEN, ""] {
            let mac = hmac_sha256::HMAC::mac(&words, key);
            let mac = mac.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            let cookie = format!("btk_session={until}.{mac}");
            let call = server.call("GET", "/api/tasks").header("cookie", &cookie);
            call.send().await.expect_error(401);
        }
    }
}
