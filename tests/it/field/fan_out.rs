//! A hundred webhooks, or as many as there may be, and each change goes to all of them: what follows from a change never stands in the way of the next.
//!
//! Seen with: <https://github.com/superset-sh/superset/pull/7289> (an event that was fanned out while its request
//! waited).

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::harness::hooks::{LONG_AGO, id};
use crate::harness::load::many_files;
use crate::harness::{Receiver, Reply, Server, eventually, quiet::QUIET};

const WEBHOOKS: usize = 100;
const MOST: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn many_webhooks_refuse_no_write() {
    let _loud = QUIET.write().await;
    // All that is under way is answered at once, and so what became of it is to be written down at once.
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_millis(800))).await;
    let server = Server::open(&[]).await;
    let mut hooks = Vec::new();
    for n in 0..WEBHOOKS {
        let hook = server.hook(&json!({"url": format!("{}/{n}", receiver.url())})).await;
        hooks.push(id(&hook).to_owned());
    }
    for n in 0..60 {
        server.create(&json!({"title": n.to_string()})).await;
        if n % 10 == 0 {
            server.get("/readyz").await.expect(200);
        }
    }
    // What waits is in the database, and each webhook gets its turn.
    eventually("every webhook gets something", async || {
        let mut found = 0;
        for hook in &hooks {
            let query = format!("webhookId={hook}&status=delivered&since={LONG_AGO}&limit=1");
            found += server.deliveries(&query).await.len();
        }
        (found == WEBHOOKS).then_some(())
    })
    .await;
    let task = server.create(&json!({"title": "last"})).await;
    server.get(&format!("/api/tasks/{}", id(&task))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_webhooks_as_there_may_be_refuse_no_write() {
    let _loud = QUIET.write().await;
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_millis(800))).await;
    let server = Server::open(&[]).await;
    for n in 0..MOST {
        server.hook(&json!({"url": format!("{}/{n}", receiver.url())})).await;
    }
    for n in 0..8 {
        server.create(&json!({"title": n.to_string()})).await;
        server.get("/readyz").await.expect(200);
    }
    // A write comes through among all that is to be written down of those.
    eventually("every webhook gets something", async || {
        server.create(&json!({"title": "meanwhile"})).await;
        let paths: BTreeSet<_> = receiver.hits().into_iter().map(|hit| hit.path).collect();
        (paths.len() == MOST).then_some(())
    })
    .await;
}

/// What a thousand requests come to is there in one moment, and somebody else has the database: a change waits its turn with
/// all of that, and is not refused for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_has_room_beside_what_all_requests_come_to() {
    const HOOKS: usize = 50;
    const UNDER_WAY: usize = 1_200;
    many_files();
    let _loud = QUIET.write().await;
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    for n in 0..HOOKS {
        server.hook(&json!({"url": format!("{}/{n}", receiver.url())})).await;
    }
    // Who has answered once is sent many at a time.
    server.create(&json!({"title": "first"})).await;
    receiver.wait_for(HOOKS).await;
    receiver.answer(|_| Reply::ok().after(Duration::from_secs(25)));
    for n in 0..32 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    receiver.wait_for(HOOKS + UNDER_WAY).await;
    let other = Connection::open(server.home().join("btk.db")).expect("the database");
    other.busy_timeout(Duration::from_secs(5)).expect("an option");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    receiver.down();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let client = server.client();
    let write = tokio::spawn(async move {
        client.call("POST", "/api/tasks").json(&json!({"title": "meanwhile"})).send().await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!write.is_finished(), "it waits");
    other.execute_batch("ROLLBACK").expect("let go");
    write.await.expect("it ends well").expect(201);
}
