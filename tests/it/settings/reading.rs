//! Settings: where they come from, what is wrong with them, and what they decide.
//!
//! The token is in `token`, what must stay secret in `secrets`.

use serde_json::json;

use crate::harness::{Receiver, Server, home};

#[tokio::test(flavor = "multi_thread")]
async fn a_dotenv_file_is_read_and_the_environment_wins() {
    let (from_file, from_environment) = tokio::join!(Receiver::ok(), Receiver::ok());
    let home = home();
    let file = format!(
        "# a comment\n\nWEBHOOK_URL={}\nWEBHOOK_SECRET=\"quoted secret of the file\"\n\
         WEBHOOK_HEADERS='X-From: file'\n  WEBHOOK_ATTEMPTS=1  \n",
        from_file.url()
    );
    std::fs::write(home.path().join(".env"), file).expect("written");
    let server = Server::start_in(home.clone(), &[]).await;
    let task = server.create(&json!({"title": "a"})).await;
    assert_eq!(from_file.wait_for(1).await[0].header("x-from"), "file");
    server.settled(task["id"].as_str().expect("an id")).await;
    server.wait_for_log("(attempt 1/1)").await;
    let path = "/api/incoming-webhook?secret=quoted%20secret%20of%20the%20file";
    let body = json!({"event": "task_created", "task": {"title": "b"}});
    server.post(path, &body).await.expect(200);
    drop(server);

    let url = from_environment.url();
    let server = Server::start_in(home, &[("WEBHOOK_URL", &url)]).await;
    server.create(&json!({"title": "c"})).await;
    let hit = from_environment.wait_for(1).await.remove(0);
    assert_eq!((hit.task("title"), hit.header("x-from")), ("c".into(), "file"));
    assert_eq!(from_file.hits().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_value_counts_as_unset() {
    let empty: Vec<_> = [
        "WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "NODE_ENV",
        "HOST",
        "PUBLIC_URL",
        "DATABASE_URL",
        "API_TOKEN",
        "LOG_FORMAT",
        "RUST_LOG",
        "WEBHOOK_ATTEMPTS",
        "WEBHOOK_HEADERS",
        "WEBHOOK_IGNORE_ORIGIN",
        "INCOMING_RATE",
    ]
    .map(|name| (name, ""))
    .into();
    let server = Server::start(&empty).await;
    server.create(&json!({"title": "no token is needed"})).await;
    let answer = server.post("/api/incoming-webhook?secret=", &json!({})).await;
    assert_eq!(answer.expect(500).json()["error"], "Webhook secret not configured on server");
    assert!(server.home().join("btk.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_where_the_setting_says() {
    let home = home();
    let other = home.path().join("other.db");
    let url = format!("sqlite:{}", other.display());
    let server = Server::start_in(home.clone(), &[("DATABASE_URL", &url)]).await;
    assert!(other.exists() && !home.path().join("btk.db").exists());
    let task = server.create(&json!({"title": "kept"})).await;
    drop(server);
    // Nothing is moved or made anew by another start.
    let server = Server::start_in(home, &[("DATABASE_URL", "sqlite:other.db")]).await;
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([task]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_listed_at_once_before_a_port_is_opened() {
    let faults = [
        ("PORT", "99999"),
        ("WEBHOOK_URL", "ftp://example.com/hook"),
        ("WEBHOOK_ATTEMPTS", "0"),
        ("WEBHOOK_HEADERS", "no colon here"),
        ("WEBHOOK_IGNORE_ORIGIN", "Not An Origin!"),
        ("LOG_FORMAT", "xml"),
        ("INCOMING_RATE", "fast"),
        ("DATABASE_URL", "mysql://localhost/btk"),
        ("PUBLIC_URL", "not a url"),
    ];
    let refused = Server::refused(&faults).await;
    assert_eq!(refused.status.code(), Some(2));
    for (name, _) in faults {
        let line = refused.err.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not named in:\n{}", refused.err));
        assert!(line.len() > name.len() + 10, "says how to mend it: {line}");
    }
    assert!(!refused.out.contains("Listening") && !refused.err.contains("Listening"));

    for (name, value) in faults {
        let refused = Server::refused(&[(name, value)]).await;
        assert_eq!(refused.status.code(), Some(2), "{name} alone");
        assert!(refused.err.contains(name), "{}", refused.err);
        for (other, _) in faults.iter().filter(|(other, _)| !other.contains(name)) {
            assert!(!refused.err.contains(&format!("{other}=")), "{other} in {}", refused.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let taken = Receiver::ok().await;
    let port = taken.address().port().to_string();
    let refused = Server::refused(&[("PORT", &port)]).await;
    assert!(!refused.status.success());
    assert!(refused.err.contains(&port), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn production_refuses_a_short_or_sample_secret() {
    let production = ("NODE_ENV", "production");
    let weak = ["short", "fifteen_letters", "your-secret-key-here", "change-me-change-me-now"];
    for secret in weak {
        let refused = Server::refused(&[production, ("WEBHOOK_SECRET", secret)]).await;
        assert_eq!(refused.status.code(), Some(2), "{secret}");
        assert!(refused.err.contains("WEBHOOK_SECRET"), "{}", refused.err);
    }
    // Long enough and no sample; and where nobody says production, anything goes.
    let strong = "1f0c8be2-93b1-4a5e";
    Server::start(&[production, ("WEBHOOK_SECRET", strong)]).await;
    Server::start(&[("WEBHOOK_SECRET", "short")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn production_warns_about_plain_http_beyond_loopback() {
    let production = ("NODE_ENV", "production");
    // What it said is whole when it has stopped. Nothing is sent: no task is made.
    let warns = async |url: &str, host: &str| {
        let mut server = Server::start(&[production, ("WEBHOOK_URL", url)]).await;
        server.stop().await;
        let log = server.log();
        log.iter().any(|line| line.contains(host) && line.to_lowercase().contains("warn"))
    };
    assert!(warns("http://192.0.2.1/hook", "192.0.2.1").await);
    assert!(!warns("https://192.0.2.1/hook", "192.0.2.1").await);
    assert!(!warns("http://127.0.0.1:9/hook", "127.0.0.1:9").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_says_where_things_are_with_the_url_masked() {
    let receiver = Receiver::ok().await;
    let url = format!("{}/very-private-path?key=very-private-key", receiver.url());
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    let said = server.output();
    assert!(said.contains(&format!("http://{}", server.address())), "{said}");
    assert!(said.contains("btk.db"), "where the data is: {said}");
    assert!(said.contains(&receiver.address().to_string()), "where webhooks go: {said}");
    assert!(said.contains("curl"), "a line to try: {said}");
    assert!(!said.contains("very-private"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_logs_are_json_line_by_line() {
    let settings = [("LOG_FORMAT", "json"), ("RUST_LOG", "debug"), ("WEBHOOK_SECRET", "s")];
    let mut server = Server::start(&settings).await;
    server.create(&json!({"title": "line one\nline two"})).await;
    server.post("/api/incoming-webhook?secret=x", &json!({})).await.expect(401);
    assert!(server.stop().await.success());
    let log = server.log();
    assert!(!log.is_empty());
    for line in log {
        let entry: Result<serde_json::Value, _> = serde_json::from_str(&line);
        assert!(entry.is_ok_and(|entry| entry.is_object()), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_loopback_is_listened_on_unless_host_says_otherwise() {
    let server = Server::start(&[]).await;
    assert!(server.output().contains("http://127.0.0.1:"), "{}", server.output());
    drop(server);
    let server = Server::start(&[("HOST", "0.0.0.0")]).await;
    let line = server.wait_for_log("WARN").await;
    assert!(line.to_lowercase().contains("token"), "{line}");
    server.get("/healthz").await.expect(200);
    drop(server);
    let server = Server::start(&[("API_TOKEN", "a-token-of-more-than-sixteen")]).await;
    assert!(server.output().contains("0.0.0.0"), "{}", server.output());
    server.get("/healthz").await.expect(200);
}
