//! Thousands of failed deliveries after a bad weekend. Elsewhere they are sent again one click at a time,
//! or by a script against the API that stops in the middle; here all that a list's filter finds is sent
//! again or cancelled by one durable job.
//!
//! Seen with: <https://github.com/apache/rocketmq-dashboard/pull/4384> (hundreds have failed, twenty stand on a page).

use serde_json::{Value, json};

use crate::harness::hooks::{id, text, within};
use crate::harness::load::versions;
use crate::harness::{Answer, PATIENCE, Receiver, Reply, Server, eventually};

impl Server {
    async fn many(&self, verb: &str, query: &str) -> Answer {
        self.call("POST", &format!("/api/deliveries/{verb}?{query}")).send().await
    }

    async fn would_change(&self, verb: &str, query: &str) -> Value {
        let seen = self.many(verb, &format!("{query}&dryRun=true")).await.expect(200).json();
        assert_eq!(seen["dryRun"], true);
        seen["wouldChange"].clone()
    }

    async fn job_is(&self, job: &Value, state: &str) -> Value {
        let path = format!("/api/jobs/{}", id(job));
        within(PATIENCE * 3, &format!("{path} is {state}"), async || {
            let job = self.get(&path).await.expect(200).json();
            (job["state"] == state).then_some(job)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_failed_is_sent_again_in_order_and_the_rest_is_left_alone() {
    let receiver =
        Receiver::start(|hit| Reply::status(if hit.task("title") == "ok" { 200 } else { 400 }))
            .await;
    let other = Receiver::start(|_| Reply::status(400)).await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    let hook = server.hook_to(&other, &json!({})).await;
    let mut tasks = Vec::new();
    for n in 0..4 {
        let task = server.create(&json!({"title": format!("first {n}")})).await;
        server.change(&task, &json!({"title": format!("second {n}")})).await;
        server.change(&task, &json!({"title": "ok"})).await;
        tasks.push(task);
    }
    server.total_is("webhookId=default&status=failed", 8).await;
    server.total_is("webhookId=default&status=delivered", 4).await;
    server.total_is(&format!("webhookId={hook}&status=failed"), 12).await;
    let query = "webhookId=default&status=failed";
    assert_eq!(server.would_change("redeliver", query).await, 8);
    assert_eq!(server.would_change("redeliver", &format!("{query}&q=SECOND")).await, 4);
    assert_eq!(server.would_change("redeliver", "status=failed").await, 20);
    assert_eq!(server.would_change("cancel", query).await, 0, "none of these waits");

    receiver.answer(|_| Reply::ok());
    let begun = server.many("redeliver", query).await.expect(202).json();
    assert_eq!((&begun["action"], &begun["expected"]), (&json!("redeliver"), &json!(8)));
    assert_eq!(begun["filter"], "status=failed&webhookId=default");
    let job = server.job_is(&begun, "done").await;
    assert_eq!((&job["changed"], &job["progress"]), (&json!(8), &json!(1.0)));
    assert!(text(&job, "finishedAt") >= text(&job, "createdAt"), "{job}");
    server.total_is("webhookId=default&status=delivered", 12).await;
    for task in &tasks {
        assert_eq!(versions(&receiver.of_task(id(task))), [1, 2, 3, 1, 2]);
    }
    assert_eq!(other.hits().len(), 12, "nothing of another webhook");
    let listed = server.get("/api/jobs").await.expect(200).json();
    assert_eq!(listed, json!([job]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_waits_is_cancelled_and_what_comes_later_is_not() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.tell("default", "pause").await.expect(200);
    let task = server.create(&json!({"title": "one"})).await;
    for n in 0..5 {
        server.change(&task, &json!({"title": n.to_string()})).await;
    }
    server.create(&json!({"title": "two"})).await;
    // As it is shown, so it is asked for.
    assert_eq!(server.would_change("cancel", "status=held").await, 7);
    assert_eq!(server.would_change("cancel", "status=pending").await, 0);
    let query = format!("status=held&taskId={}", id(&task));
    let job = server.many("cancel", &query).await.expect(202).json();
    assert_eq!(server.job_is(&job, "done").await["changed"], 6);
    server.change(&task, &json!({"title": "later"})).await;
    server.tell("default", "resume").await.expect(200);
    let hits = receiver.wait_for(2).await;
    let mut titles: Vec<String> = hits.iter().map(|hit| hit.task("title")).collect();
    titles.sort();
    assert_eq!(titles, ["later", "two"]);
    server.total_is("status=cancelled", 6).await;
    // And taken back.
    let job = server.many("redeliver", "status=cancelled").await.expect(202).json();
    assert_eq!(server.job_is(&job, "done").await["changed"], 6);
    server.total_is("status=delivered", 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_after_a_crash_and_changes_each_once() {
    const MANY: usize = 3_000;
    let receiver = Receiver::ok().await;
    let mut server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    server.tell("default", "pause").await.expect(200);
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let client = server.client();
        writers.spawn(async move {
            for at in 0..MANY / 8 {
                let body = json!({"title": format!("{n}.{at}")});
                client.call("POST", "/api/tasks").json(&body).send().await.expect(201);
            }
        });
    }
    writers.join_all().await;
    let job = server.many("cancel", "status=held").await.expect(202).json();
    let path = format!("/api/jobs/{}", id(&job));
    eventually("it has begun", async || {
        let seen = server.get(&path).await.expect(200).json();
        (seen["changed"].as_u64() > Some(0)).then_some(())
    })
    .await;
    server.kill9();
    server.restart().await;
    let done = server.job_is(&job, "done").await;
    assert_eq!((&done["expected"], &done["changed"]), (&json!(MANY), &json!(MANY)));
    server.total_is("status=cancelled", MANY).await;
    assert_eq!(server.webhook("default").await["waiting"], 0);
    server.tell("default", "resume").await.expect(200);
    server.create(&json!({"title": "the next"})).await;
    assert_eq!(receiver.wait_for(1).await[0].task("title"), "the next");
}

/// An automation writes `taskId=` where it has no task, and `dryRun` where it should: neither may mean more than was meant.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_empty_or_stands_in_a_body_does_not_mean_all() {
    let server = Server::start(&[("WEBHOOK_URL", &Receiver::ok().await.url())]).await;
    server.tell("default", "pause").await.expect(200);
    for n in 0..3 {
        server.create(&json!({"title": n.to_string()})).await;
    }
    for verb in ["redeliver", "cancel"] {
        for (query, field) in [
            ("status=held&taskId=", "taskId"),
            ("status=held&webhookId", "webhookId"),
            ("webhookId=default&status=", "status"),
            ("webhookId=default&status=%20,", "status"),
            ("q=%20", "q"),
            ("since=&until=2040-01-01", "since"),
            ("status=held&taskId=&dryRun=true", "taskId"),
            ("status=held&dryRun", "dryRun"),
            ("status=held&dryRun=", "dryRun"),
        ] {
            let refused = server.many(verb, query).await;
            assert!(refused.expect_error(409).contains("is empty"), "{query}: {refused:?}");
            assert_eq!(refused.json()["field"], field, "{query}");
        }
        let path = format!("/api/deliveries/{verb}?status=held");
        let refused = server.post(&path, &json!({"dryRun": true})).await;
        assert!(refused.expect_error(400).contains("takes no body"), "{refused:?}");
    }
    let refused = server.post("/api/webhooks/default/release", &json!({"dryRun": true})).await;
    assert!(refused.expect_error(400).contains("takes no body"), "{refused:?}");
    assert_eq!(server.total("status=held").await, 3);
    let job =
        server.post("/api/deliveries/cancel?status=held", &json!({})).await.expect(202).json();
    server.job_is(&job, "done").await;
    server.total_is("status=cancelled", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_must_be_named_and_is_that_of_the_list() {
    let server = Server::start(&[]).await;
    for verb in ["redeliver", "cancel"] {
        let none = server.many(verb, "").await;
        assert!(none.expect_error(409).contains("webhookId"), "{none:?}");
        assert_eq!(none.json()["code"], "no_filter");
        for (query, field) in [
            ("status=lost", "status"),
            ("colour=red", "colour"),
            ("since=soon", "since"),
            ("status=failed&dryRun=maybe", "dryRun"),
        ] {
            server.many(verb, query).await.expect_fault(400, field);
        }
        assert_eq!(server.would_change(verb, "until=2040-01-01").await, 0);
        let job = server.many(verb, "until=2040-01-01").await.expect(202).json();
        server.job_is(&job, "done").await;
        let path = format!("/api/jobs/{}", id(&job));
        server.delete(&path).await.expect(204);
        server.get(&path).await.expect_error(404);
    }
    for unknown in ["job_0", "job_x", "7"] {
        server.get(&format!("/api/jobs/{unknown}")).await.expect_error(404);
        server.delete(&format!("/api/jobs/{unknown}")).await.expect(204);
    }
}
