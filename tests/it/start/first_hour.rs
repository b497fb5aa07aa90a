//! What a newcomer stumbles over: an empty folder, a webhook that is set up after the first tasks, a
//! receiver on the same machine that is refused.

use serde_json::{Value, json};

use crate::harness::hooks::{LOCAL, text};
use crate::harness::{Receiver, Server, home};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_not_there_is_told_of() {
    let mut server = Server::start(&[]).await;
    let banner = server.output();
    let line = banner.lines().find(|line| line.contains("  Data  ")).expect("a line");
    assert!(line.ends_with("btk.db  (made anew: there was none)"), "{line}");
    server.stop().await;
    server.restart().await;
    assert!(!server.output().contains("made anew"), "{}", server.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_for_its_port_leaves_nothing_behind() {
    let other = Server::start(&[]).await;
    let (home, port) = (home(), other.address().rsplit(':').next().expect("a port").to_owned());
    let refused = Server::refused_in(home.clone(), &[("PORT", &port)]).await;
    assert!(refused.err.contains("cannot listen on"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 0);
    let server = Server::start_in(home, &[]).await;
    assert!(server.output().contains("made anew"), "{}", server.output());
}

/// After a start with a new `WEBHOOK_URL` the banner says what was never sent there, and the line that
/// sends it works as it is printed.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_recovered_is_told_of_with_the_line_that_does_it() {
    let receiver = Receiver::ok().await;
    let mut server = Server::start(&[]).await;
    assert!(!server.output().contains("Earlier"));
    for n in 0..3 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    // Such a change is not sent to WEBHOOK_URL in any case.
    let echo = json!({"event": "task_created", "task": {"title": "echo"}});
    server.stop().await;
    server.set("WEBHOOK_SECRET", "0123456789abcdef");
    server.restart().await;
    let incoming = server.call("POST", "/api/incoming-webhook?secret=0123456789abcdef");
    incoming.json(&echo).send().await.expect(200);
    server.stop().await;
    server.set("WEBHOOK_URL", &receiver.url());
    server.restart().await;
    let banner = server.output();
    let line = banner.lines().find(|line| line.contains("  Earlier  ")).expect("a line");
    assert!(line.contains("3 changes from before were never sent there"), "{line}");
    let url = line.split(" http://").nth(1).and_then(|rest| rest.split(' ').next());
    let (_, path) = url.expect("an address").split_once('/').expect("a path");
    let body = line.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    server.post(&format!("/{path}"), &body).await.expect(202);
    receiver.wait_for(3).await;
    server.total_is("status=delivered", 3).await;
    assert_eq!(receiver.hits().len(), 3);

    server.stop().await;
    server.restart().await;
    assert!(!server.output().contains("Earlier"), "nothing is new: {}", server.output());
}

/// The refusal says what to write where, and that works.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_on_this_machine_is_refused_with_the_line_that_allows_it() {
    let receiver = Receiver::ok().await;
    let url = format!("http://127.0.0.1:{}/hook", receiver.address().port());
    let mut server = Server::start(&[]).await;
    let refused = server.post("/api/webhooks", &json!({"url": url})).await;
    let said = refused.expect(400).json();
    let said = text(&said, "error");
    let setting = said.split("WEBHOOK_ALLOW_TARGETS=").nth(1).expect("the setting");
    let setting = setting.split(' ').next().expect("a value");
    assert!(said.contains(".env") && said.contains("start the server again"), "{said}");
    server.stop().await;
    server.set(LOCAL.0, setting);
    server.restart().await;
    server.post("/api/webhooks", &json!({"url": url})).await.expect(201);
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
}
