//! What `onReject: hold` holds. Elsewhere a refused message under a strict order policy stands in its
//! queue until somebody edits the database; here a person lets it go: one by one, all of a webhook, by a
//! recovery, with a resume, another URL or a change to `skip`.
//!
//! Seen with: <https://github.com/azure-contrib/socket.io-servicebus/issues/28> (a strict order that waits for ever for
//! the one that is missing).

use serde_json::{Value, json};

use crate::harness::hooks::{LONG_AGO, id};
use crate::harness::load::versions;
use crate::harness::{Receiver, Reply, Server};

const TASKS: usize = 3;

/// A webhook that holds the first change of each task, with the second one behind it.
async fn holding(receiver: &Receiver, settings: &[(&str, &str)]) -> (Server, String, Vec<Value>) {
    let server = Server::open(settings).await;
    let hook = server.hook_to(receiver, &json!({"onReject": "hold"})).await;
    let mut tasks = Vec::new();
    for n in 0..TASKS {
        let task = server.create(&json!({"title": format!("task {n}")})).await;
        server.change(&task, &json!({"title": format!("task {n}, changed")})).await;
        tasks.push(task);
    }
    server.total_is(&format!("webhookId={hook}&status=held"), TASKS).await;
    let shown = server.webhook(&hook).await;
    assert_eq!((&shown["held"], &shown["waiting"]), (&json!(TASKS), &json!(2 * TASKS)));
    (server, hook, tasks)
}

/// All has arrived, each task's in order, the refused ones for the second time.
async fn all_arrived(server: &Server, receiver: &Receiver, hook: &str, tasks: &[Value]) {
    server.total_is(&format!("webhookId={hook}&status=delivered"), 2 * TASKS).await;
    for task in tasks {
        let hits = receiver.of_task(id(task));
        assert_eq!(versions(&hits), [1, 1, 2], "{hits:?}");
        assert_eq!(hits[0].header("webhook-id"), hits[1].header("webhook-id"));
        assert_eq!(hits[0].body, hits[1].body);
    }
    assert_eq!(server.webhook(hook).await["held"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_let_go_for_the_whole_webhook() {
    for way in ["release", "resume", "skip", "redeliver"] {
        let receiver = Receiver::start(|_| Reply::status(422)).await;
        let (server, hook, tasks) = holding(&receiver, &[]).await;
        receiver.answer(|_| Reply::ok());
        let path = format!("/api/webhooks/{hook}");
        match way {
            "skip" => {
                let body = json!({"onReject": "skip"});
                server.call("PATCH", &path).json(&body).send().await.expect(200);
            }
            "redeliver" => {
                let path = format!("/api/deliveries/redeliver?status=held&webhookId={hook}");
                server.call("POST", &path).send().await.expect(202);
            }
            "release" => {
                let job = server.tell(&hook, "release").await.expect(202).json();
                assert_eq!(
                    (&job["action"], &job["expected"]),
                    (&json!("redeliver"), &json!(TASKS))
                );
            }
            _ => drop(server.tell(&hook, way).await.expect(200)),
        }
        all_arrived(&server, &receiver, &hook, &tasks).await;
        assert_eq!(receiver.hits().len(), 3 * TASKS, "{way}: once each");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_to_another_url() {
    let (old, new) = tokio::join!(Receiver::start(|_| Reply::status(422)), Receiver::ok());
    let (server, hook, tasks) = holding(&old, &[]).await;
    let path = format!("/api/webhooks/{hook}");
    server.call("PATCH", &path).json(&json!({"url": new.url()})).send().await.expect(200);
    server.total_is(&format!("webhookId={hook}&status=delivered"), 2 * TASKS).await;
    for task in &tasks {
        assert_eq!(versions(&new.of_task(id(task))), [1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_takes_it_where_it_is_asked_to() {
    let receiver = Receiver::start(|_| Reply::status(422)).await;
    let (server, hook, tasks) = holding(&receiver, &[]).await;
    receiver.answer(|_| Reply::ok());
    let counted = async |states: Value| {
        let body = json!({"since": LONG_AGO, "states": states, "dryRun": true});
        server.recover(&hook, &body).await.expect(200).json()["wouldSend"].clone()
    };
    assert_eq!(counted(json!(["failed", "unsent", "cancelled", "delivered"])).await, 0);
    assert_eq!(counted(json!(["held"])).await, TASKS);
    let body = json!({"since": LONG_AGO, "states": ["held"]});
    let begun = server.recover(&hook, &body).await.expect(202).json();
    assert_eq!(begun["states"], json!(["held"]));
    all_arrived(&server, &receiver, &hook, &tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_changed_to_skip_lets_it_go_at_the_start() {
    let receiver = Receiver::start(|_| Reply::status(422)).await;
    let url = receiver.url();
    let mut server = Server::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_ON_REJECT", "hold")]).await;
    let task = server.create(&json!({"title": "1"})).await;
    server.change(&task, &json!({"title": "2"})).await;
    server.delivery_is("status=held", "held", "rejected").await;
    server.kill9();
    server.restart().await;
    assert_eq!(receiver.hits().len(), 1, "a start alone changes nothing");
    server.stop().await;
    receiver.answer(|_| Reply::ok());
    server.set("WEBHOOK_ON_REJECT", "skip");
    server.restart().await;
    server.total_is("webhookId=default&status=delivered", 2).await;
    assert_eq!(versions(&receiver.hits()), [1, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_again_is_held_again() {
    let receiver = Receiver::start(|_| Reply::status(422)).await;
    let (server, hook, _) = holding(&receiver, &[]).await;
    server.tell(&hook, "resume").await.expect(200);
    receiver.wait_for(2 * TASKS).await;
    server.total_is(&format!("webhookId={hook}&status=held"), TASKS).await;
    assert_eq!(receiver.hits().len(), 2 * TASKS, "once each");
    server.tell("wh_unknown", "release").await.expect_error(404);
}
