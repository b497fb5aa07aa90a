//! Webhooks that come in as forms, how many may come, and where their changes go on to.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Hit, Receiver, Server, eventually};

const HERE: &str = "/api/incoming-webhook?secret=sixteen-characters-and-more";
const SECRET: (&str, &str) = ("WEBHOOK_SECRET", "sixteen-characters-and-more");
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_has_the_fields_of_the_task_beside_the_event() {
    let server = Server::start(&[SECRET]).await;
    let body = "event=task_created&id=form1&title=Say+%22hi%22+%26+go%0Aon+%F0%9F%A6%80&status=DONE\
                &priority=HIGH&type=TECH&category=WORK&dueDate=2026-01-02&tags=a,b,a\
                &description=&extra=ignored";
    let answer = server.call("POST", HERE).text(FORM, body).send().await.expect(200).json();
    assert_eq!((&answer["result"], &answer["taskId"]), (&json!("created"), &json!("form1")));
    let task = server.get("/api/tasks/form1").await.expect(200).json();
    for (field, value) in [
        ("title", json!("Say \"hi\" & go\non 🦀")),
        ("status", json!("DONE")),
        ("priority", json!("HIGH")),
        ("type", json!("TECH")),
        ("category", json!("WORK")),
        ("dueDate", json!("2026-01-02T00:00:00.000Z")),
        ("tags", json!(["a", "b"])),
        ("description", Value::Null),
    ] {
        assert_eq!(task[field], value, "{field}");
    }
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    let change = "event=task_updated&id=form1&title=b";
    server.call("POST", HERE).text(kind, change).send().await.expect(200);
    let changed = server.get("/api/tasks/form1").await.expect(200).json();
    assert_eq!((&changed["title"], &changed["tags"]), (&json!("b"), &task["tags"]));
    let gone = "event=task_deleted&id=form1";
    let answer = server.call("POST", HERE).text(FORM, gone).send().await.expect(200).json();
    assert_eq!(answer["result"], "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_form_is_told_what_is_wrong_with_it() {
    let server = Server::start(&[SECRET]).await;
    for (body, word) in [
        ("", "event"),
        ("title=a", "event"),
        ("event=task_exploded&title=a", "task_exploded"),
        ("event=task_created&title=", "title"),
        ("event=task_created&title=a&status=open", "status"),
        ("event=task_updated&title=a", "id"),
        ("event=task_created&title=%00", "title"),
    ] {
        let answer = server.call("POST", HERE).text(FORM, body).send().await;
        let sentence = answer.expect_error_of(&[400, 422]);
        assert!(sentence.contains(word), "{body}: no {word:?} in {sentence:?}");
    }
    let answer =
        server.call("POST", HERE).text(FORM, "event=task_created&title=%ff%fe").send().await;
    let said = answer.expect_fault(400, "title");
    assert!(said.starts_with("title is not UTF-8: its byte 1 is 0xFF"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_however_tools_nest_its_fields() {
    let server = Server::start(&[SECRET]).await;
    let send =
        async |form: &str| server.call("POST", HERE).text(FORM, form.to_owned()).send().await;
    let file = "task%5Battachments%5D%5B0%5D%5Burl%5D=https://e.org/a&attachments[0][name]=a\
                &attachments[4][name]=b&attachments[4][url]=https://e.org/b&attachments[4][size]=12\
                &attachments[4][kind]=x";
    let form =
        format!("event[]=task_created&task.id=nested&title[]=A&status[0]=DONE&other[]=1&{file}");
    assert_eq!(send(&form).await.expect(200).json()["result"], "created");
    let task = server.get("/api/tasks/nested").await.expect(200).json();
    assert_eq!((&task["title"], &task["status"]), (&json!("A"), &json!("DONE")));
    let attachments = task["attachments"].as_array().expect("a list");
    let found: Vec<_> = attachments.iter().map(|one| (&one["name"], &one["url"])).collect();
    let (a, b) = (json!("https://e.org/a"), json!("https://e.org/b"));
    assert_eq!(found, [(&json!("a"), &a), (&json!("b"), &b)]);
    assert_eq!((&attachments[0]["size"], &attachments[1]["size"]), (&Value::Null, &json!(12)));

    let change = "event=task_updated&id=nested&task=%7B%22status%22%3A%22OPEN%22%2C%22tags%22%3A%5B%22x,y%22%5D%7D";
    assert_eq!(send(change).await.expect(200).json()["result"], "updated");
    let task = server.get("/api/tasks/nested").await.expect(200).json();
    assert_eq!((&task["status"], &task["tags"]), (&json!("OPEN"), &json!(["x,y"])));
    let none = "event=task_updated&id=nested&attachments[]=";
    assert_eq!(send(none).await.expect(200).json()["result"], "updated");
    let before = server.get("/api/tasks/nested").await.expect(200).json();
    assert_eq!(before["attachments"], json!([]));

    for (fields, key) in [
        ("attachments[]=https://e.org/", "attachments[]"),
        ("attachments[name]=n&attachments[url]=https://e.org/", "attachments[name]"),
        ("attachments[1000000000000000][name]=n", "attachments[1000000000000000][name]"),
        ("attachments[0][name]=n", "task.attachments[0].url"),
        ("status[]=OPEN&status[]=DONE", "status[]"),
        ("status[label]=DONE", "status[label]"),
        ("task=DONE", "task"),
        ("task=%7B%22status%22", "task"),
        ("task%5B1%5D%5Bstatus%5D=DONE", "task[1][status]"),
        ("tags[first]=a", "tags[first]"),
    ] {
        let answer = send(&format!("event=task_updated&id=nested&{fields}")).await;
        let said = answer.expect_fault(400, key);
        assert!(said.starts_with(key), "{fields}: {said}");
    }
    assert_eq!(server.get("/api/tasks/nested").await.expect(200).json(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_secrets_a_minute_are_enough_but_the_right_one_passes() {
    let server = Server::start(&[SECRET]).await;
    let body = json!({"event": "task_created", "task": {"title": "a"}});
    for n in 0..10 {
        let path = format!("/api/incoming-webhook?secret=wrong{n}");
        server.post(&path, &body).await.expect(401);
    }
    for n in 0..3 {
        let path = format!("/api/incoming-webhook?secret=wrong-again{n}");
        let refused = server.post(&path, &body).await;
        refused.expect_error(429);
        assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{:?}", refused.headers);
        server.post(HERE, &body).await.expect(200);
    }
    let tasks = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(tasks.as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_come_in_than_the_rate_allows() {
    let server = Server::start(&[SECRET, ("INCOMING_RATE", "5/s")]).await;
    let mut calls = JoinSet::new();
    for n in 0..60 {
        let task = json!({"id": format!("rate-{n}"), "title": "a"});
        let body = json!({"event": "task_created", "task": task});
        calls.spawn(server.call("POST", HERE).json(&body).send());
    }
    let mut statuses = HashMap::<u16, usize>::new();
    for answer in calls.join_all().await {
        *statuses.entry(answer.status).or_default() += 1;
        if answer.status != 200 {
            answer.expect_error(429);
            assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{:?}", answer.headers);
        }
    }
    assert!((5..=20).contains(&statuses[&200]), "{statuses:?}");
    let stored = server.get("/api/tasks").await.expect(200).json();
    assert_eq!(
        stored.as_array().map(Vec::len),
        Some(statuses[&200]),
        "what was refused was not done"
    );
    // The tasks' own API has no such limit, and room comes back with time.
    server.create(&json!({"title": "a"})).await;
    eventually("room for another", async || {
        let task = json!({"id": "rate-late", "title": "a"});
        let body = json!({"event": "task_created", "task": task});
        (server.post(HERE, &body).await.status == 200).then_some(())
    })
    .await;
}

/// Comes in with a change, then makes one by the API; returns the titles that the receiver got.
async fn titles_sent(settings: &[(&str, &str)], origin: Option<&str>) -> Vec<String> {
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let server = Server::start(&[settings, &[SECRET, ("WEBHOOK_URL", &url)]].concat()).await;
    let task = json!({"id": "t", "title": "came in"});
    server.post(HERE, &json!({"event": "task_created", "task": task})).await.expect(200);
    let mut call = server.call("PUT", "/api/tasks/t");
    if let Some(origin) = origin {
        call = call.header("x-btk-origin", origin);
    }
    call.json(&json!({"title": "by origin"})).send().await.expect(200);
    server.put("/api/tasks/t", &json!({"title": "by api"})).await.expect(200);
    let hits = receiver
        .wait_until("the last change", |hits| hits.iter().any(|hit| hit.task("title") == "by api"))
        .await;
    hits.iter().map(|hit| hit.task("title")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_is_not_sent_back_unless_wished() {
    let ignore = |origins| [("WEBHOOK_IGNORE_ORIGIN", origins)];
    assert_eq!(titles_sent(&[], None).await, ["by origin", "by api"]);
    let all = titles_sent(&ignore("none"), None).await;
    assert_eq!(all, ["came in", "by origin", "by api"]);
    assert_eq!(titles_sent(&ignore("incoming, make"), Some("make")).await, ["by api"]);
    let other = titles_sent(&ignore("make"), Some("zapier_2")).await;
    assert_eq!(other, ["came in", "by origin", "by api"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_is_named_after_what_changed_not_after_what_was_claimed() {
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let settings = [SECRET, ("WEBHOOK_URL", &*url), ("WEBHOOK_IGNORE_ORIGIN", "none")];
    let server = Server::start(&settings).await;
    for (claimed, task) in [
        ("task_status_changed", json!({"id": "t", "title": "a"})),
        ("task_created", json!({"id": "t", "status": "DONE"})),
        ("task_status_changed", json!({"id": "t", "title": "b"})),
        ("task_updated", json!({"id": "t", "title": "b"})),
        ("task_deleted", json!({"id": "t"})),
        ("task_deleted", json!({"id": "t"})),
    ] {
        server.post(HERE, &json!({"event": claimed, "task": task})).await.expect(200);
    }
    server.create(&json!({"title": "the last"})).await;
    let hits = receiver
        .wait_until("the last", |hits| hits.iter().any(|hit| hit.task("title") == "the last"))
        .await;
    server.settled("t").await;
    let events: Vec<_> = receiver.of_task("t").iter().map(Hit::event).collect();
    assert_eq!(events, ["task_created", "task_status_changed", "task_updated", "task_deleted"]);
    assert!(hits.len() <= 5);
}
