//! Lists and searches as people narrow them: more than one value, words in any order, letters that one
//! machine writes as one character and another as two.
//!
//! Seen with: no-code tools whose query builders repeat a parameter or put commas between its values
//! (and got "stands twice in the address"), and macOS, which decomposes letters (`é` = `e` + accent) in
//! all that comes from names of files.
//! <https://github.com/open-webui/open-webui/issues/29210>,
//! <https://github.com/zim-desktop-wiki/zim-desktop-wiki/issues/2728>.

use serde_json::{Value, json};

use crate::harness::{Receiver, Server};

/// `Größe`, with its letters decomposed.
const APART: &str = "Gro\u{308}\u{df}e";

async fn titles(server: &Server, path: &str) -> String {
    let list = server.get(path).await.expect(200).json();
    let titles = list.as_array().expect("a list").iter().map(|task| task["title"].as_str());
    titles.map(|title| title.expect("a title")).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tasks_takes_several_values_of_what_narrows_it() {
    let server = Server::start(&[]).await;
    for task in [
        json!({"title": "a", "status": "OPEN", "priority": "LOW", "type": "TECH", "tags": ["x"]}),
        json!({"title": "b", "status": "IN_PROGRESS", "priority": "HIGH", "type": "WRITING",
               "category": "WORK", "tags": ["y", "x,y"]}),
        json!({"title": "c", "status": "DONE", "priority": "URGENT", "category": "STUDY",
               "tags": ["z"]}),
    ] {
        server.create(&task).await;
    }
    for (query, found) in [
        ("status=OPEN&status=IN_PROGRESS", "a b"),
        ("status=OPEN,IN_PROGRESS", "a b"),
        ("status=OPEN%2CIN_PROGRESS,&status=DONE&status=", "a b c"),
        ("status=IN_PROGRESS,+DONE&priority=URGENT,LOW", "c"),
        ("priority=LOW&priority=HIGH", "a b"),
        ("type=TECH,WRITING", "a b"),
        ("type=TECH&type=NOTHING", "a"),
        ("category=WORK,STUDY", "b c"),
        ("tag=x&tag=z", "a c"),
        ("tag=x,z", "a c"),
        ("tag=x,y", "a b"),
        ("tag=y&status=OPEN,IN_PROGRESS", "b"),
        ("status=OPEN,OPEN,OPEN", "a"),
    ] {
        for sort in ["createdAt", "title", "updatedAt", "priority"] {
            let path = format!("/api/tasks?{query}&sort={sort}");
            let mut all: Vec<_> =
                titles(&server, &path).await.split(' ').map(str::to_owned).collect();
            all.sort_unstable();
            assert_eq!(all.join(" "), found, "{path}");
        }
        // Page by page it is the same list.
        let first = server.get(&format!("/api/tasks?{query}&limit=1")).await.expect(200);
        assert_eq!(first.header("x-total-count"), found.split(' ').count().to_string(), "{query}");
        let mut next = first.header("link").to_owned();
        let mut walked = first.json()[0]["title"].as_str().expect("a title").to_owned();
        while let Some(path) = next.strip_prefix('<').and_then(|link| link.split('>').next()) {
            let page = server.get(path).await.expect(200);
            walked = format!("{walked} {}", page.json()[0]["title"].as_str().expect("a title"));
            next = page.header("link").to_owned();
        }
        assert_eq!(walked, found, "{query}");
    }
    let said = server.get("/api/tasks?status=OPEN,CLOSED").await.expect_fault(400, "status");
    assert!(said.contains("\"CLOSED\"") && said.contains("IN_PROGRESS"), "{said}");
    server.get("/api/tasks?sort=title&sort=title").await.expect_fault(400, "sort");
    let many = |name: &str| (0..60).fold(String::new(), |text, n| text + &format!("{name}=A{n},&"));
    for name in ["type", "tag"] {
        let said = server.get(&format!("/api/tasks?{}", many(name))).await.expect_fault(400, name);
        assert!(said.contains("50"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_deliveries_and_events_take_several_values_too() {
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let id = task["id"].as_str().expect("an id");
    server.put(&format!("/api/tasks/{id}"), &json!({"title": "b"})).await.expect(200);
    server.put(&format!("/api/tasks/{id}"), &json!({"status": "DONE"})).await.expect(200);
    server.settled(id).await;
    for (query, count) in [
        ("event=task_created&event=task_updated", 2),
        ("event=task_created,task_status_changed", 2),
        ("event=task_created,task_updated,task_status_changed,task_deleted", 3),
    ] {
        for list in ["/api/deliveries", "/api/events"] {
            let found = server.get(&format!("{list}?{query}")).await.expect(200).json();
            assert_eq!(found.as_array().map(Vec::len), Some(count), "{list}?{query}: {found}");
        }
    }
    for (query, count) in [
        ("status=delivered,failed", 3),
        ("status=failed&status=held", 0),
        ("status=failed&status=delivered&event=task_created,task_deleted", 1),
    ] {
        let found = server.get(&format!("/api/deliveries?{query}")).await.expect(200).json();
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{query}: {found}");
    }
    let event = server.get("/api/events?limit=1").await.expect(200).json()[0]["id"].clone();
    let event = event.as_str().expect("an id");
    let found = server.get(&format!("/api/deliveries?event={event}")).await.expect(200).json();
    assert_eq!(found[0]["eventId"], event);
    for wrong in ["event=task_created,sent", "status=delivered,gone"] {
        server.get(&format!("/api/deliveries?{wrong}")).await.expect_error(400);
    }
    let mixed = format!("/api/deliveries?event={event},task_created");
    let said = server.get(&mixed).await.expect_fault(400, "event");
    assert!(said.contains("alone"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_meet_however_they_are_composed_and_every_word_must() {
    let receiver = Receiver::ok().await;
    let url = receiver.url();
    let server = Server::start(&[("WEBHOOK_URL", &url)]).await;
    let apart = format!("{APART} Extralarge");
    let one = server.create(&json!({"title": apart, "description": "Offer for Zürich"})).await;
    let two = server.create(&json!({"title": "GRÖßE S", "tags": [APART]})).await;
    assert_eq!(one["title"], apart, "what is kept is what came");
    for task in [&one, &two] {
        server.settled(task["id"].as_str().expect("an id")).await;
    }
    for (q, of_tasks, of_deliveries) in [
        ("größe", 2, 2),
        (APART, 2, 2),
        ("GRÖSSE", 0, 0),
        ("extralarge größe", 1, 1),
        ("für offer", 0, 0),
        ("zu\u{308}rich  EXTRALARGE\toffer", 1, 1),
        ("größe größe zürich", 1, 1),
        ("größe zürich never", 0, 0),
        (" ", 2, 2),
    ] {
        let query: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        for (list, count) in [("/api/tasks", of_tasks), ("/api/deliveries", of_deliveries)] {
            let found = server.get(&format!("{list}?q={query}")).await.expect(200).json();
            assert_eq!(found.as_array().map(Vec::len), Some(count), "{list} {q}: {found}");
        }
    }
    let pasted = vec!["word"; 51].join("+");
    for list in ["/api/tasks", "/api/deliveries"] {
        server.get(&format!("{list}?q={pasted}")).await.expect_fault(400, "q");
    }
    for tag in ["Größe", APART, "größe"] {
        let query: String = form_urlencoded::byte_serialize(tag.as_bytes()).collect();
        let found = server.get(&format!("/api/tasks?tag={query}")).await.expect(200).json();
        let expected = if tag == "größe" { json!([]) } else { json!([two]) };
        assert_eq!(found, expected, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_found_whatever_blanks_stood_around_it() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let settings = [("WEBHOOK_ALLOW_TARGETS", &*target), ("WEBHOOK_SECRET", "sixteen-characters")];
    let server = Server::start(&settings).await;
    let body = json!({"url": receiver.url(), "filter": {"tag": " so far "}});
    let hook = server.post("/api/webhooks", &body).await.expect(201).json();
    assert_eq!(hook["filter"]["tag"], json!(["so far"]));
    let tags = json!([" so far ", "so far", "b\n"]);
    let task = server.create(&json!({"title": "a", "tags": tags})).await;
    assert_eq!(task["tags"], json!(["so far", "b"]));
    let here = "/api/incoming-webhook?secret=sixteen-characters";
    let body = json!({"event": "task_created", "task": {"id": "b", "title": "b", "tags": tags}});
    server.post(here, &body).await.expect(200);
    let form = "event=task_created&id=c&title=c&tags[]=+so+far+&tags[]=b";
    let call = server.call("POST", here).text("application/x-www-form-urlencoded", form);
    call.send().await.expect(200);
    for query in ["tag=so+far", "tag=%20so%20far%20", "tag=x,+so+far", "tag=b"] {
        assert_eq!(titles(&server, &format!("/api/tasks?{query}")).await, "a b c", "{query}");
    }
    receiver.wait_for(3).await;
    let body = json!({"title": "a", "tags": [" \u{a0}"]});
    server.post("/api/tasks", &body).await.expect_fault(400, "tags[0]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_wants_a_tag_however_it_is_composed() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    let body = json!({"url": receiver.url(), "filter": {"tag": ["Größe"]}});
    server.post("/api/webhooks", &body).await.expect(201);
    for tag in ["größe", APART, "Grosse", "Größe"] {
        server.create(&json!({"title": tag, "tags": [tag]})).await;
    }
    let hits = receiver.wait_for(2).await;
    let titles: Vec<Value> = hits.iter().map(|hit| hit.task("title").into()).collect();
    assert!(titles.contains(&json!(APART)) && titles.contains(&json!("Größe")), "{titles:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_has_a_tag_once_however_it_is_composed() {
    let server = Server::start(&[]).await;
    let tags = json!([APART, "x", "Größe", "größe"]);
    let task = server.create(&json!({"title": "a", "tags": tags})).await;
    assert_eq!(task["tags"], json!([APART, "x", "größe"]), "the first stays as it came");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_where_one_is_taken_and_no_silence_for_two() {
    let server = Server::start(&[]).await;
    for (path, name) in [
        ("/api/deliveries?webhookId=a,b", "webhookId"),
        ("/api/deliveries?taskId=a,b", "taskId"),
        ("/api/events?taskId=a,b", "taskId"),
    ] {
        let sentence = server.get(path).await.expect_fault(400, name);
        assert!(sentence.contains("takes one id"), "{path}: {sentence}");
    }
    let path = "/api/deliveries/cancel?webhookId=a,b&dryRun=true";
    server.post(path, &json!({})).await.expect_fault(400, "webhookId");
}
