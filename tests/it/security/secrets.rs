//! What must never be seen: secrets and query strings, in whatever the program says.

use serde_json::json;

use crate::harness::{Answer, Receiver, Reply, Server};

/// Every secret of these tests holds this word, and nothing else does.
const MARK: &str = "seeded";
const TOKEN: &str = "Bearer seeded-token-0123456789";

/// Uses everything that a secret could come by, at this log level; returns all that was said.
async fn everything_said(level: &str) -> Vec<(String, String)> {
    let receiver = Receiver::start(|hit| match (&*hit.task("title"), hit.nth) {
        ("flaky", 1) => Reply::status(500).body("no"),
        ("refused", _) => Reply::status(403),
        ("moved", _) => Reply::status(302).header("location", "http://127.0.0.1:1/away"),
        ("cut", 1) => Reply::hang_up(),
        _ => Reply::ok().body("yes"),
    })
    .await;
    let url = format!("{}/seeded-path?key=seeded-query", receiver.url());
    let mut server = Server::start(&[
        ("HOST", "127.0.0.1"),
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_SECRET", "seeded-incoming-secret"),
        ("WEBHOOK_HEADERS", "x-make-apikey: seeded-header"),
        ("API_TOKEN", "seeded-token-0123456789"),
        ("RUST_LOG", level),
    ])
    .await;
    let call = |method: &str, path: &str| server.call(method, path).header("authorization", TOKEN);
    let mut said = Vec::new();

    for title in ["fine", "flaky", "refused", "moved", "cut"] {
        let body = json!({"title": title});
        call("POST", "/api/tasks").json(&body).send().await.expect(201);
    }
    let event = json!({"event": "task_created", "task": {"title": "in"}});
    let bad = json!({"event": "none", "task": {}});
    let in_event = json!({"event": "seeded-incoming-secret", "task": {}});
    let in_status = json!({"event": "task_created", "task": {"title": "a", "status": "seeded-incoming-secret"}});
    let in_id =
        json!({"event": "task_created", "task": {"id": "seeded-incoming-secret", "title": ""}});
    for (path, header, body) in [
        ("?secret=seeded-incoming-secret", "", &event),
        ("", "seeded-incoming-secret", &event),
        ("?secret=seeded-incoming-secret", "", &bad),
        ("?secret=seeded-incoming-secret", "", &in_event),
        ("?secret=seeded-incoming-secret", "", &in_status),
        ("?secret=seeded-incoming-secret", "", &in_id),
        ("&secret=seeded-incoming-secret", "", &event),
        ("?secret=seeded-wrong", "", &event),
        ("", "seeded-wrong", &event),
        ("?secret=seeded%2Dwrong&x=seeded", "", &event),
    ] {
        let mut incoming = server.call("POST", &format!("/api/incoming-webhook{path}"));
        if !header.is_empty() {
            incoming = incoming.header("x-webhook-secret", header);
        }
        said.push((format!("answer to {path} {header}"), incoming.json(body).send().await.text()));
    }
    for authorization in ["Bearer seeded-wrong-token", "seeded"] {
        let call = server.call("GET", "/api/tasks").header("authorization", authorization);
        said.push((authorization.to_owned(), call.send().await.expect(401).text()));
    }
    let sign_in = async |token: &str| {
        let call = server.call("POST", "/api/session").json(&json!({"token": token}));
        let answer = call.send().await;
        said_of(&answer)
    };
    for token in ["seeded-wrong", "seeded-token-0123456789"] {
        said.push((format!("sign-in with {token}"), sign_in(token).await));
    }
    let wrong = server.call("POST", "/api/session").text("application/json", "[\"seeded-token\"]");
    said.push(("a sign-in of another shape".into(), said_of(&wrong.send().await)));
    let page = server.call("GET", "/deliveries").header("cookie", "btk_session=seeded-session");
    said.push(("a page".into(), said_of(&page.header("accept", "text/html").send().await)));
    call("GET", "/api/tasks?q=seeded-search").send().await.expect(200);
    server.call("GET", "/nothing?x=seeded-query").send().await;

    for status in ["[WEBHOOK] Client error 403", "[WEBHOOK] Redirect 302"] {
        server.wait_for_log(status).await;
    }
    receiver
        .wait_until("the retries", |hits| hits.iter().filter(|hit| hit.nth == 2).count() == 2)
        .await;
    receiver.down();
    call("POST", "/api/tasks").json(&json!({"title": "lost"})).send().await.expect(201);
    server.wait_for_log("[WEBHOOK] All 3 attempts failed").await;

    let list = call("GET", "/api/deliveries").send().await.expect(200);
    for delivery in list.json().as_array().expect("an array") {
        let path = format!("/api/deliveries/{}", delivery["id"].as_str().expect("an id"));
        said.push((path.clone(), call("GET", &path).send().await.expect(200).text()));
        let path = format!("{path}/request");
        said.push((path.clone(), call("GET", &path).send().await.expect(200).text()));
    }
    said.push(("/api/deliveries".into(), list.text()));
    for path in [
        "/metrics",
        "/docs",
        "/api/openapi.json",
        "/healthz",
        "/readyz",
        "/api/incoming-webhook",
        "/api/events",
        "/api/session",
        "/api/setup",
        "/",
        "/deliveries",
        "/webhooks",
        "/setup",
        "/overview",
        "/sign-in",
    ] {
        said.push((path.to_owned(), call("GET", path).send().await.expect(200).text()));
    }
    assert!(server.stop().await.success());
    said.push(("output and log".into(), server.output()));
    said
}

/// An answer with its headers.
fn said_of(answer: &Answer) -> String {
    format!("{:?}\n{}", answer.headers, answer.text())
}

#[track_caller]
fn nothing_marked(said: &[(String, String)]) {
    for (place, text) in said {
        let lines: Vec<_> = text.lines().filter(|line| line.contains(MARK)).take(5).collect();
        assert!(lines.is_empty(), "in {place}: {lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_query_string_is_said_at_trace_level() {
    let said = everything_said("trace").await;
    nothing_marked(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_query_string_is_said_at_debug_or_the_usual_level() {
    let (debug, usual) = tokio::join!(everything_said("debug"), everything_said(""));
    nothing_marked(&debug);
    nothing_marked(&usual);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_in_no_log() {
    let settings =
        [("API_TOKEN", "tok-0123456789-abcdef"), ("HOST", "127.0.0.1"), ("RUST_LOG", "trace")];
    let mut server = Server::start(&settings).await;
    let body = json!({"token": "tok-0123456789-abcdef"});
    let answer = server.post("/api/session", &body).await.expect(204);
    let cookie = answer.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    server.call("GET", "/api/tasks").header("cookie", &cookie).send().await.expect(200);
    assert!(server.stop().await.success());
    let proof = cookie.rsplit('.').next().expect("a proof");
    assert!(proof.len() == 64 && !server.output().contains(proof), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_repeats_the_request_gives_no_secret_away() {
    let receiver = Receiver::start(|hit| {
        Reply::ok().body(format!("you sent {} to {}", hit.header("x-make-apikey"), hit.path))
    })
    .await;
    let url = format!("{}/seeded-path?key=seeded-query", receiver.url());
    let server = Server::start(&[
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_HEADERS", "x-make-apikey: seeded-header"),
        ("RUST_LOG", "debug"),
    ])
    .await;
    let task = server.create(&json!({"title": "a"})).await;
    server.settled(task["id"].as_str().expect("an id")).await;
    server.wait_for_log("[WEBHOOK] Successfully sent").await;
    nothing_marked(&[("the log".into(), server.output())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_the_settings_does_not_repeat_a_secret() {
    let refused = Server::refused(&[
        ("NODE_ENV", "production"),
        ("WEBHOOK_SECRET", "seeded-short"),
        ("WEBHOOK_URL", "htp://hook.example/seeded-path?key=seeded"),
        ("WEBHOOK_HEADERS", "x-make-apikey seeded-header"),
        ("API_TOKEN", "seeded token with spaces \u{e9}"),
    ])
    .await;
    assert!(!refused.status.success());
    nothing_marked(&[("the faults".into(), format!("{}\n{}", refused.out, refused.err))]);
}

/// What somebody may say who repeats a request in other words than it came in.
const REPEATED: [&str; 20] = [
    // Of the URL.
    "aB3%2FdEf9%2BgHiJkLmNoP%3D",
    "aB3/dEf9+gHiJkLmNoP=",
    "aB3/dEf9 gHiJkLmNoP=",
    "aB3%252FdEf9%252BgHiJkLmNoP%253D",
    "a long path",
    // Of `Authorization`.
    "dXNlcjpzM2NyZXRwYXNzOTk=",
    "dXNlcjpzM2NyZXRwYXNzOTk",
    "user:s3cretpass99",
    "s3cretpass99",
    // Of `Cookie`, the last one in base64.
    "sid=cookiesecret12345; b=22",
    "cookiesecret12345",
    "c2lkPWNvb2tpZXNlY3JldDEyMzQ1OyBiPTIy",
    // Of a header of their own.
    "quoted/s3cret+12==",
    "quoted/s3cret+12",
    r"quoted\/s3cret+12==",
    r"quoted\u002fs3cret\u002b12\u003d\u003d",
    "quoted%2Fs3cret%2B12%3D%3D",
    "quoted&#x2F;s3cret&#43;12&#61;&#61;",
    r#"token=\"quoted/s3cret+12==\""#,
    "token=&quot;quoted/s3cret+12==&quot;",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_repeats_the_request_in_other_words_gives_no_secret_away() {
    let said = REPEATED.map(|words| format!("<{words}>")).join("\n");
    let receiver = Receiver::start(move |_| Reply::ok().body(said.clone())).await;
    let target = receiver.address().to_string();
    let settings = [("WEBHOOK_ALLOW_TARGETS", target.as_str()), ("RUST_LOG", "debug")];
    let server = Server::start(&settings).await;
    let webhook = json!({
        "url": format!("{}/a%20long%20path?sig=aB3%2FdEf9%2BgHiJkLmNoP%3D", receiver.url()),
        "headers": {
            "authorization": "Basic dXNlcjpzM2NyZXRwYXNzOTk=",
            "cookie": "sid=cookiesecret12345; b=22",
            "x-auth": "token=\"quoted/s3cret+12==\"",
        },
    });
    let webhook = server.post("/api/webhooks", &webhook).await.expect(201).json();
    let masked = ["<…>"; REPEATED.len()].join("\n");

    let path = format!("/api/webhooks/{}/test", webhook["id"].as_str().expect("an id"));
    let tried = server.post(&path, &json!({})).await.expect(200).json();
    assert_eq!(tried["excerpt"], masked);

    let task = server.create(&json!({"title": "a"})).await;
    let delivery = &server.settled(task["id"].as_str().expect("an id")).await[0];
    let path = format!("/api/deliveries/{}", delivery["id"].as_str().expect("an id"));
    let delivery = server.get(&path).await.expect(200).json();
    assert_eq!(delivery["attempts"][0]["excerpt"], masked);

    server.wait_for_log("[WEBHOOK] Successfully sent").await;
    let log = server.output();
    for words in REPEATED {
        assert!(!log.contains(words), "{words} is in the log: {log}");
    }
}
