//! Settings as people and their tools write them: quotes that `docker run --env-file` leaves in, secrets in files, addresses in
//! the manner of other programs, a `.env` of another editor. Each works, or is said at the start.
//!
//! Seen with: <https://github.com/docker/cli/issues/3630> (the quotes).

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{PATIENCE, Receiver, Server, home};

#[tokio::test(flavor = "multi_thread")]
async fn quotes_that_docker_leaves_in_are_taken_away() {
    let receiver = Receiver::ok().await;
    let (url, secret) = (format!("\"{}\"", receiver.url()), "'in quotes'");
    let settings =
        [("WEBHOOK_URL", url.as_str()), ("WEBHOOK_SECRET", secret), ("PORT", "\"0\" # any")];
    let server = Server::start(&settings).await;
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    let body = json!({"event": "task_created", "task": {"title": "b"}});
    server.post("/api/incoming-webhook?secret=in%20quotes", &body).await.expect(200);
    for name in ["WEBHOOK_URL", "WEBHOOK_SECRET", "PORT"] {
        server.wait_for_log(&format!("{name} stands in quotes")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_secret_may_stand_in_a_file_of_its_own() {
    let (receiver, alerts) = tokio::join!(Receiver::ok(), Receiver::ok());
    let home = home();
    let signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let url = receiver.url();
    let alert_url = alerts.url();
    let values = [
        ("WEBHOOK_URL", url.as_str()),
        ("WEBHOOK_SECRET", "of-the-file"),
        ("WEBHOOK_HEADERS", "x-one: 1\nx-two: 2"),
        ("WEBHOOK_SIGNING_SECRET", signing),
        ("ALERT_URL", alert_url.as_str()),
        ("API_TOKEN", "token-of-the-file"),
    ];
    let names: Vec<String> = values.iter().map(|(name, _)| format!("{name}_FILE")).collect();
    for (name, value) in values {
        fs::write(home.path().join(name), format!("{value}\n")).expect("written");
    }
    let mut settings: Vec<(&str, &str)> =
        names.iter().zip(values).map(|(name, (file, _))| (name.as_str(), file)).collect();
    settings.push(("HOST", "127.0.0.1"));
    let server = Server::start_in(home.clone(), &settings).await;
    server.post("/api/tasks", &json!({"title": "a"})).await.expect(401);
    let call = server.call("POST", "/api/tasks").json(&json!({"title": "a"}));
    call.header("authorization", "Bearer token-of-the-file").send().await.expect(201);
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!((hit.header("x-one"), hit.header("x-two")), ("1", "2"));
    assert!(hit.header("webhook-signature").starts_with("v1,"));
    let body = json!({"event": "task_created", "task": {"title": "b"}});
    server.post("/api/incoming-webhook?secret=of-the-file", &body).await.expect(200);
    drop(server);

    settings.push(("API_TOKEN", "and-here"));
    let refused = Server::refused_in(home.clone(), &settings).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.err.contains("API_TOKEN and API_TOKEN_FILE are both set"), "{}", refused.err);
    for (name, _) in values {
        let file = format!("{name}_FILE");
        let refused = Server::refused(&[(&file, "/run/secrets/not-there")]).await;
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(
            refused.err.contains(&format!("{file} names a file that cannot be read")),
            "{}",
            refused.err
        );
    }
    fs::write(home.path().join("API_TOKEN"), "two\nlines\n").expect("written");
    let refused = Server::refused_in(home, &[("API_TOKEN_FILE", "API_TOKEN")]).await;
    assert!(refused.err.contains("API_TOKEN has more than one line"), "{}", refused.err);
    assert!(!refused.err.contains("lines\n"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_nobody_writes_into_does_not_hold_up_the_start() {
    let home = home();
    let made = Command::new("mkfifo").arg(home.path().join("pipe")).status().expect("mkfifo");
    assert!(made.success());
    for name in ["WEBHOOK_SECRET_FILE", "API_TOKEN_FILE"] {
        let refused = Server::refused_in(home.clone(), &[(name, "pipe")]).await;
        assert_eq!(refused.status.code(), Some(2), "{name}: {}", refused.err);
        assert!(refused.err.contains(&format!("{name} names a pipe")), "{}", refused.err);
    }
}

/// Some password managers put a pipe there, and write into it when somebody reads it.
#[tokio::test(flavor = "multi_thread")]
async fn a_dotenv_may_be_a_pipe_if_somebody_writes_into_it() {
    let home = home();
    let pipe = home.path().join(".env");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let refused = Server::refused_in(home.clone(), &[]).await;
    assert_eq!(refused.status.code(), Some(2), "{}", refused.err);
    assert!(refused.err.contains(".env is a pipe that nobody writes into"), "{}", refused.err);
    // It waits for a reader, as those programs do.
    let writer = std::thread::spawn(move || fs::write(pipe, "WEBHOOK_SECRET=of-a-pipe\n"));
    let server = Server::start_in(home, &[]).await;
    writer.join().expect("it ends well").expect("written");
    let body = json!({"event": "task_created", "task": {"title": "a"}});
    server.post("/api/incoming-webhook?secret=of-a-pipe", &body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_digits_and_a_secret_is_a_value() {
    for (name, value, words) in [
        ("PORT", "+0", "PORT is \"+0\": use a number from 0 to 65535"),
        ("WEBHOOK_ATTEMPTS", "+3", "WEBHOOK_ATTEMPTS is \"+3\": use a number from 1 to 20"),
        ("INCOMING_RATE", "+5/s", "INCOMING_RATE is \"+5/s\""),
        ("PUBLIC_URL", "https://tasks.example.org:+443", "PUBLIC_URL has a port that is none"),
        ("WEBHOOK_URL", "https://hook.example:+443/x", "WEBHOOK_URL names no port from 1 to 65535"),
        ("WEBHOOK_ALLOW_TARGETS", "n8n.lan:+443", "use a port from 1 to 65535"),
        ("WEBHOOK_SECRET", "${BTK_GEHEIM_SECRET}", "WEBHOOK_SECRET is a placeholder"),
        ("API_TOKEN", "<your-geheim-token>", "API_TOKEN is a placeholder"),
        ("WEBHOOK_SECRET", "WEBHOOK_SECRET=geheim-0123456789", "so the name stands twice"),
    ] {
        let refused = Server::refused(&[("NODE_ENV", "production"), (name, value)]).await;
        assert_eq!(refused.status.code(), Some(2), "{value}: {}", refused.err);
        assert!(refused.err.contains(words), "{value}: {}", refused.err);
        assert!(!refused.err.to_lowercase().contains("geheim"), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_machine_does_not_have_is_said() {
    // One that is kept for documents, and no machine has.
    let refused = Server::refused(&[("HOST", "192.0.2.1")]).await;
    assert_eq!(refused.status.code(), Some(1), "{}", refused.err);
    for words in ["no interface of this machine has the address 192.0.2.1", "127.0.0.1", "0.0.0.0"]
    {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    let server = Server::start(&[("HOST", "LocalHost")]).await;
    server.get("/healthz").await.expect(200);
}

/// As a shell gives `<(…)`: what it is given open has its writer.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_come_through_a_pipe_of_the_shell() {
    let script = "exec \"$0\" 3<<end\nof-a-pipe\nend\n";
    for path in ["/dev/fd/3", "/proc/self/fd/3"] {
        let settings = [("WEBHOOK_SECRET_FILE", path)];
        let server = Server::start_by(&["sh", "-c", script], home(), &settings).await;
        let body = json!({"event": "task_created", "task": {"title": path}});
        server.post("/api/incoming-webhook?secret=of-a-pipe", &body).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_named_as_other_programs_name_it() {
    let home = home();
    for (url, file) in [
        ("sqlite:a.db?mode=rwc", "a.db"),
        ("sqlite://b.db", "b.db"),
        ("file:./c.db", "c.db"),
        ("sqlite3:d.db?mode=rwc&cache=private", "d.db"),
    ] {
        let server = Server::start_in(home.clone(), &[("DATABASE_URL", url)]).await;
        assert!(home.path().join(file).is_file(), "{url}");
        server.create(&json!({"title": url})).await;
    }
    for (url, words) in [
        ("sqlite:e.db?mode=ro", "parameter mode"),
        ("sqlite:e.db?_journal=wal", "parameter _journal"),
        ("sqlite:~/e.db", "only a shell"),
        ("sqlite:e%20f.db", "write the path as it is"),
    ] {
        let refused = Server::refused_in(home.clone(), &[("DATABASE_URL", url)]).await;
        assert_eq!(refused.status.code(), Some(2), "{url}");
        assert!(refused.err.contains(words), "{url}: {}", refused.err);
    }
    let made = fs::read_dir(home.path()).expect("a folder").filter_map(Result::ok);
    let strange = made.map(|entry| entry.file_name().into_string().expect("text"));
    assert_eq!(strange.filter(|name| name.contains(['?', '%', '~', 'e'])).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dotenv_of_another_editor_is_read_or_its_line_is_named() {
    let home = home();
    let put = |bytes: &[u8]| fs::write(home.path().join(".env"), bytes).expect("written");
    put(b"\xef\xbb\xbfexport WEBHOOK_SECRET=\"say \\\"please\\\"\" # why\r\n# gr\xfc\xdfe\r\nPORT=1\r\nPORT=0\r\nwebhook_url=x\r\n");
    let server = Server::start_in(home.clone(), &[]).await;
    let body = json!({"event": "task_created", "task": {"title": "b"}});
    server.post("/api/incoming-webhook?secret=say%20%22please%22", &body).await.expect(200);
    server.wait_for_log(".env sets PORT twice, in lines 3 and 4: the last one counts").await;
    server.wait_for_log("write WEBHOOK_URL in capitals").await;
    drop(server);
    for (bytes, words) in [
        (b"PORT=0\nWEBHOOK_SECRET=gr\xfc\xdfe-geheim\n".as_slice(), ".env, line 2: is not UTF-8"),
        (b"PORT=0\nWEBHOOK_SECRET=\"geheim\\\"\n", ".env, line 2: write NAME=value"),
        (b"\xff\xfeP\0O\0R\0T\0=\x000\0", "UTF-16"),
        (b"PORT=0\n\nPORT: 0\n", ".env, line 3: write NAME=value"),
        (
            b"WEBHOOK_SECRET=\xe2\x80\x9cgeheim\xe2\x80\x9d\n",
            "WEBHOOK_SECRET begins with a typographic quote",
        ),
    ] {
        put(bytes);
        let refused = Server::refused_in(home.clone(), &[]).await;
        assert_eq!(refused.status.code(), Some(2), "{words}: {}", refused.err);
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
        assert!(!refused.err.contains("geheim"), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_do_what_was_meant_is_said_at_the_start() {
    let several = [("WEBHOOK_URL", "https://a.example/x,https://b.example/y")];
    let refused = Server::refused(&several).await;
    assert!(refused.err.contains("WEBHOOK_URL holds several addresses"), "{}", refused.err);
    for (name, value, words) in [
        ("PUBLIC_URL", "https://a.example,https://b.example", "PUBLIC_URL holds several addresses"),
        ("PUBLIC_URL", "https://*.example.org", "PUBLIC_URL names any host"),
        ("RUST_LOG", "verbose", "RUST_LOG is \"verbose\": use off, error, warn"),
    ] {
        let refused = Server::refused(&[(name, value)]).await;
        assert_eq!(refused.status.code(), Some(2), "{value}");
        assert!(refused.err.contains(words), "{value}: {}", refused.err);
    }
    let settings = [
        ("PUBLIC_URL", "https://example.org/tasks"),
        ("HTTPS_PROXY", "http://user:geheim@proxy.example:3128"),
    ];
    let server = Server::start(&settings).await;
    server.wait_for_log("PUBLIC_URL has a path").await;
    server.wait_for_log("HTTPS_PROXY is set, and btk uses no proxy").await;
    assert!(!server.output().contains("geheim"), "{}", server.output());
}

/// In a trial, `x-make-apikey: "abc", x-two: d` started without a word, and the receiver got one header.
#[tokio::test(flavor = "multi_thread")]
async fn headers_that_would_be_sent_as_one_are_said_at_the_start() {
    let home = home();
    let url = "WEBHOOK_URL=http://127.0.0.1:9/\n";
    for (headers, words) in [
        ("x-make-apikey: \"geheim\", x-two: d", "written Name: value; Other-Name: value"),
        ("x-make-apikey: geheim,x-two: d", "where another header seems to begin"),
        ("x-make-apikey: 'geheim'; x-two: d", "quotes around the value of x-make-apikey"),
    ] {
        let text = format!("{url}WEBHOOK_HEADERS={headers}\n");
        fs::write(home.path().join(".env"), text).expect("written");
        let refused = Server::refused_in(home.clone(), &[]).await;
        assert_eq!(refused.status.code(), Some(2), "{headers}: {}", refused.err);
        assert!(refused.err.contains("WEBHOOK_HEADERS has "), "{headers}: {}", refused.err);
        assert!(refused.err.contains(words), "{headers}: {}", refused.err);
        assert!(!refused.err.contains("geheim"), "{}", refused.err);
    }
    let receiver = Receiver::ok().await;
    let headers =
        "x-date: Mon, 01 Jan 2024 10:00:00 GMT; x-list: a, https://e.org; x-pairs: a:1,b:2";
    let text = format!("WEBHOOK_URL={}\nWEBHOOK_HEADERS={headers}\n", receiver.url());
    fs::write(home.path().join(".env"), text).expect("written");
    let server = Server::start_in(home, &[]).await;
    server.create(&json!({"title": "a"})).await;
    let hit = receiver.wait_for(1).await.remove(0);
    assert_eq!(hit.header("x-date"), "Mon, 01 Jan 2024 10:00:00 GMT");
    assert_eq!((hit.header("x-list"), hit.header("x-pairs")), ("a, https://e.org", "a:1,b:2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_a_setting_is_told_what_can_be_done_about_that_setting() {
    for (name, value, words, never) in [
        (
            "WEBHOOK_URL",
            "https://hook.eu1.make.com/…geheim",
            "cut short to be shown: give the whole address, as the receiver itself shows it",
            "leave it out",
        ),
        (
            "ALERT_URL",
            "https://hooks.slack.com/…geheim",
            "cut short to be shown: give the whole address, as the receiver itself shows it",
            "leave it out",
        ),
        (
            "ALERT_URL",
            "https://a.example/geheim,https://b.example/geheim",
            "ALERT_URL holds several addresses and takes one: write one, and have that receiver",
            "/api/webhooks",
        ),
        (
            "ALERT_URL",
            "hooks.slack.com/services/geheim",
            "ALERT_URL is not a URL: paste the whole address at which alerts are taken",
            "Make",
        ),
        (
            "ALERT_URL",
            "https://user:geheim@alerts.example/",
            "which is not sent, and alerts bring no headers of yours",
            "Authorization",
        ),
    ] {
        let refused = Server::refused(&[(name, value)]).await;
        assert_eq!(refused.status.code(), Some(2), "{value}: {}", refused.err);
        assert!(refused.err.contains(words), "{value}: {}", refused.err);
        assert!(!refused.err.contains(never), "{never}: {}", refused.err);
        assert!(!refused.err.contains("geheim"), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_secret_of_one_letter_is_refused_in_production() {
    let weak = format!("whsec_{}=", "A".repeat(43));
    let settings = [("WEBHOOK_SIGNING_SECRET", weak.as_str()), ("NODE_ENV", "production")];
    let refused = Server::refused(&settings).await;
    assert_eq!(refused.status.code(), Some(2), "{}", refused.err);
    for words in ["WEBHOOK_SIGNING_SECRET is a sample, which NODE_ENV=production", "-base64 32"] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    assert!(!refused.err.contains("AAAA"), "{}", refused.err);
    Server::start(&settings[..1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_closed_ends_it_as_a_stop_does() {
    // Who starts the tests in the background of a script has it ignore SIGQUIT, and so do all programs that they start.
    let state = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = state.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let is_ignored = |signal: &Signal| ignored >> (signal.as_raw() - 1) & 1 == 1;
    for signal in [Signal::HUP, Signal::QUIT].into_iter().filter(|signal| !is_ignored(signal)) {
        let mut server = Server::start(&[]).await;
        server.create(&json!({"title": "a"})).await;
        server.signal(signal);
        assert!(server.ended(PATIENCE).await.success(), "{signal:?}");
        assert!(server.output().contains("Stopped"), "{signal:?}: {}", server.output());
        let log = server.home().join("btk.db-wal");
        assert!(!log.exists(), "{signal:?}: its log was copied into the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dot_at_the_end_of_a_host_is_the_same_host() {
    let server = Server::start(&[("PUBLIC_URL", "https://tasks.example.org.")]).await;
    for (host, status) in [
        ("tasks.example.org", 200),
        ("tasks.example.org.", 200),
        ("tasks.example.org.:443", 200),
        ("localhost.", 200),
        ("other.example.org.", 421),
    ] {
        server.call("GET", "/api/tasks").header("host", host).send().await.expect(status);
    }
    let origin = "https://tasks.example.org";
    let call = server.call("POST", "/api/tasks").header("host", "tasks.example.org.");
    let call = call.header("origin", origin).json(&json!({"title": "a"}));
    call.send().await.expect(201);
    let setup = server.get("/api/setup").await.json();
    assert_eq!(setup["publicUrl"], origin, "{setup}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_of_the_log_that_is_meant_is_not_silence() {
    let server = Server::start(&[("RUST_LOG", "warning"), ("HTTPS_PROXY", "http://proxy")]).await;
    server.wait_for_log("HTTPS_PROXY is set").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_for_one_part_of_the_program_does_not_silence_the_others() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for filter in ["btk::store=debug", "hyper=debug", "btk::store=debug,hyper=off"] {
        let settings =
            [("RUST_LOG", filter), ("PORT", port.as_str()), ("HTTPS_PROXY", "http://proxy")];
        let refused = Server::refused(&settings).await;
        assert_eq!(refused.status.code(), Some(1), "{filter}: {}", refused.err);
        for words in ["cannot listen on", "HTTPS_PROXY is set"] {
            assert!(refused.err.contains(words), "{filter}, {words}: {}", refused.err);
        }
    }
}
