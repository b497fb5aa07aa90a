//! Addresses with letters and blanks in them, as they stand in a browser's address bar. What is stored
//! is what a browser would ask for, and what is judged is what is dialled.
//!
//! Seen with: names of files with blanks and umlauts (`requests` and browsers encode them, validators
//! refuse them), hosts such as `münchen.example`, digits in full width that resolvers take for digits.

use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Receiver, Server};

#[tokio::test(flavor = "multi_thread")]
async fn links_are_kept_as_a_browser_would_ask_for_them() {
    let server = Server::start(&[]).await;
    for (typed, kept) in [
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        (
            "https://files.example.com/Angebot für Müller.pdf",
            "https://files.example.com/Angebot%20f%C3%BCr%20M%C3%BCller.pdf",
        ),
        ("https://e.org/?q=ä ö#ü", "https://e.org/?q=%C3%A4%20%C3%B6#%C3%BC"),
        (" https://e.org/a ", "https://e.org/a"),
        ("https://e.org/a%20b|{c}", "https://e.org/a%20b|{c}"),
    ] {
        let file = json!({"id": "f", "name": "n", "url": typed});
        let task = server.create(&json!({"title": "a", "attachments": [file]})).await;
        assert_eq!(task["attachments"][0]["url"], kept);
        // To write it once more, either way, changes nothing.
        let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
        for url in [typed, kept] {
            let at = &task["attachments"][0]["uploadedAt"];
            let file = json!({"id": "f", "name": "n", "url": url, "uploadedAt": at});
            let same = server.put(&path, &json!({"attachments": [file]})).await.expect(200);
            assert_eq!(same.json(), task);
        }
    }
    for (typed, word) in [
        ("https://exa mple.org/", "host"),
        ("https://mün chen.example/", "host"),
        ("https://e.org/a\nb", "line break"),
        ("javascript:alert('ä')", "http://"),
        ("https://", "a host"),
        ("https:///x", "a host"),
        ("http://:80/", "a host"),
        ("http://user@/", "a host"),
        ("https://e.org:0/", "not a link"),
        ("https://e.org:99999/", "not a link"),
        ("https://e.org:https/", "not a link"),
    ] {
        let file = json!({"name": "n", "url": typed});
        let answer = server.post("/api/tasks", &json!({"title": "a", "attachments": [file]})).await;
        let said = answer.expect_fault(400, "attachments[0].url");
        assert!(said.contains(word), "{typed}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_goes_to_the_address_that_a_browser_would_ask_for() {
    let receiver = Receiver::ok().await;
    let address = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &address)]).await;
    let typed = format!("http://{address}/über uns?von=Zürich");
    let answer = server.post("/api/webhooks", &json!({"url": typed})).await;
    let id = answer.expect(201).json()["id"].clone();
    // Found again, and not made twice, however it is written.
    let encoded = format!("http://{address}/%C3%BCber%20uns?von=Z%C3%BCrich");
    for url in [&typed, &encoded] {
        let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let found = server.get(&format!("/api/webhooks?url={query}")).await.expect(200).json();
        assert_eq!(found[0]["id"], id, "{url}");
        server.post("/api/webhooks", &json!({"url": url})).await.expect(200);
    }
    server.create(&json!({"title": "a"})).await;
    let hits = receiver.wait_for(1).await;
    assert_eq!(hits[0].path, "/%C3%BCber%20uns?von=Z%C3%BCrich");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_stored_as_it_was_typed_is_found_however_it_is_asked_for() {
    let mut server = Server::start(&[]).await;
    let (typed, encoded) =
        ("https://münchen.example/für uns", "https://xn--mnchen-3ya.example/f%C3%BCr%20uns");
    let made = server.post("/api/webhooks", &json!({"url": encoded})).await.expect(201).json();
    assert!(server.stop().await.success());
    Connection::open(server.home().join("btk.db"))
        .expect("opened")
        .execute("UPDATE webhooks SET url = ?1 WHERE url = ?2", [typed, encoded])
        .expect("as an older version left it");
    server.restart().await;
    for url in [typed, encoded, "https://MÜNCHEN.example/für uns"] {
        let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let found = server.get(&format!("/api/webhooks?url={query}")).await.expect(200).json();
        assert_eq!(found[0]["id"], made["id"], "{url}");
        let same = server.post("/api/webhooks", &json!({"url": url})).await.expect(200).json();
        assert_eq!(same["id"], made["id"], "{url}");
    }
}

/// In a trial, `https://example.net./h` beside the same without the dot was a second webhook: each change came twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_dot_at_the_end_of_a_host_makes_no_second_webhook() {
    let server = Server::start(&[]).await;
    for (first, others) in [
        ("https://one.example/h", ["https://one.example./h", "https://ONE.example.:443/h"]),
        ("https://two.example./h", ["https://two.example/h", "https://two.example:443/h#a"]),
    ] {
        let made = server.post("/api/webhooks", &json!({"url": first})).await.expect(201).json();
        for url in others {
            let same = server.post("/api/webhooks", &json!({"url": url})).await.expect(200).json();
            assert_eq!(same["id"], made["id"], "{url}");
            let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
            let found = server.get(&format!("/api/webhooks?url={query}")).await.expect(200).json();
            assert_eq!(found[0]["id"], made["id"], "{url}");
        }
    }
    let all = server.get("/api/webhooks").await.expect(200).json();
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_an_address_that_was_cut_short_may_leave_it_out() {
    let server = Server::start(&[]).await;
    let body = json!({"url": "https://one.example/0123456789-x7qz"});
    let made = server.post("/api/webhooks", &body).await.expect(201).json();
    let path = format!("/api/webhooks/{}", made["id"].as_str().expect("an id"));
    let shown = server.get(&path).await.expect(200).json()["url"].clone();
    assert_eq!(shown, "https://one.example/…x7qz");
    let answer = server.call("PATCH", &path).json(&json!({"url": shown})).send().await;
    assert_eq!(
        answer.expect_fault(400, "url"),
        "url has … in it, where an address was cut short to be shown: give the whole address, or \
         leave it out to keep the one that is stored"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_host_is_dialled_as_another_one_than_was_judged() {
    let server = Server::start(&[]).await;
    for host in [
        "１２７.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "１０.0.0.5",
        "１６９.254.169.254",
    ] {
        let body = json!({"url": format!("http://{host}/s3cret")});
        let answer = server.post("/api/webhooks", &body).await;
        let said = answer.expect_fault(400, "url");
        assert!(
            said.contains("WEBHOOK_ALLOW_TARGETS") && !said.contains("s3cret"),
            "{host}: {said}"
        );
    }
    for host in ["mün chen.example", "a<b>.example", "ä%2f.example"] {
        let body = json!({"url": format!("http://{host}/s3cret")});
        let said = server.post("/api/webhooks", &body).await.expect_fault(400, "url");
        assert!(said.contains("host") && !said.contains("s3cret"), "{host}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_take_addresses_as_people_type_them() {
    let receiver = Receiver::ok().await;
    let url = format!("http://{}/für uns", receiver.address());
    let settings = [
        ("WEBHOOK_URL", &*url),
        ("PUBLIC_URL", "https://münchen.example"),
        ("WEBHOOK_ALLOW_TARGETS", "größe.lan:5678"),
    ];
    let server = Server::start(&settings).await;
    server.create(&json!({"title": "a"})).await;
    assert_eq!(receiver.wait_for(1).await[0].path, "/f%C3%BCr%20uns");
    // The browser says its name as the DNS knows it.
    let call = server.call("GET", "/api/setup").header("host", "xn--mnchen-3ya.example");
    let setup = call.send().await.expect(200).json();
    assert_eq!(setup["publicUrl"], "https://xn--mnchen-3ya.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_never_called_what_an_address_cannot_name() {
    let server = Server::start(&[("WEBHOOK_SECRET", "sixteen-characters")]).await;
    let here = "/api/incoming-webhook?secret=sixteen-characters";
    for id in [".", ".."] {
        for event in ["task_created", "task_updated", "task_deleted"] {
            let body = json!({"event": event, "task": {"id": id, "title": "a"}});
            let said = server.post(here, &body).await.expect_fault(400, "task.id");
            assert!(said.contains(". or .."), "{said}");
        }
    }
    for id in ["...", "a.", ".a", "-", ":"] {
        let body = json!({"event": "task_created", "task": {"id": id, "title": "a"}});
        server.post(here, &body).await.expect(200);
        server.get(&format!("/api/tasks/{id}")).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_change_of_a_task_that_was_deleted_here_is_ignored() {
    let server = Server::start(&[("WEBHOOK_SECRET", "sixteen-characters")]).await;
    let here = "/api/incoming-webhook?secret=sixteen-characters";
    let come_in = async |event: &str, task: serde_json::Value| {
        server.post(here, &json!({"event": event, "task": task})).await
    };
    come_in("task_created", json!({"id": "gone", "title": "a"})).await.expect(200);
    server.delete("/api/tasks/gone").await.expect(200);
    for (event, task) in [
        ("task_status_changed", json!({"id": "gone", "status": "DONE"})),
        ("task_updated", json!({"id": "gone", "tags": ["late"]})),
        ("task_deleted", json!({"id": "gone"})),
    ] {
        let answer = come_in(event, task).await.expect(200).json();
        assert_eq!((&answer["result"], &answer["taskId"]), (&json!("ignored"), &json!("gone")));
    }
    server.get("/api/tasks/gone").await.expect_error(404);
    // Where we said nothing of a deletion, somebody is to hear that the title is missing.
    let never = json!({"id": "never", "status": "DONE"});
    come_in("task_status_changed", never).await.expect_fault(422, "task.title");
    come_in("task_created", json!({"id": "gone"})).await.expect_fault(422, "task.title");
    // Ignored is also what says that it is older than the deletion, whatever else it says.
    for event in ["task_created", "task_updated", "task_status_changed"] {
        let late = json!({"id": "gone", "title": "b", "updatedAt": "2020-01-01T00:00:00Z"});
        assert_eq!(come_in(event, late).await.expect(200).json()["result"], "ignored", "{event}");
    }
    server.get("/api/tasks/gone").await.expect_error(404);
    // With a title it is a task again, whose versions go on.
    let again = json!({"id": "gone", "title": "b", "status": "DONE"});
    let answer = come_in("task_status_changed", again).await.expect(200).json();
    assert_eq!(answer["result"], "created");
    let change = json!({"id": "gone", "status": "OPEN"});
    let answer = come_in("task_status_changed", change).await.expect(200).json();
    assert_eq!(answer["result"], "updated");
}
