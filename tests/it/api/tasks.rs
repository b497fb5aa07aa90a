//! What a task is: its fields, what fills them, and how each value comes back.
//!
//! Refused values are in `values`, routes in `routes`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::Server;

pub(crate) const FIELDS: [&str; 12] = [
    "id",
    "title",
    "description",
    "type",
    "category",
    "status",
    "priority",
    "dueDate",
    "tags",
    "attachments",
    "createdAt",
    "updatedAt",
];

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> =
        value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// `2026-01-02T03:04:05.678Z`, and nothing else.
#[track_caller]
fn moment(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a time");
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{text}");
    text.parse().expect("RFC 3339")
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_is_always_present_and_null_where_empty() {
    let server = Server::start(&[]).await;
    let before = now();
    let task = server.create(&json!({"title": "Buy milk"})).await;
    let after = now();

    let mut fields = FIELDS;
    fields.sort_unstable();
    assert_eq!(keys(&task), fields);
    assert_eq!(task["title"], "Buy milk");
    for empty in ["description", "type", "category", "dueDate"] {
        assert_eq!(task[empty], Value::Null, "{empty}");
    }
    assert_eq!(task["status"], "OPEN");
    assert_eq!(task["priority"], "NORMAL");
    assert_eq!(task["tags"], json!([]));
    assert_eq!(task["attachments"], json!([]));
    assert_eq!(task["createdAt"], task["updatedAt"]);
    let created = moment(&task["createdAt"]).as_millisecond();
    assert!((before..=after).contains(&created), "{before} <= {created} <= {after}");
    assert_eq!(server.get(&path(&task)).await.expect(200).json(), task);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_task_milliseconds_and_seven_characters() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "a"})).await;
    let id = task["id"].as_str().expect("an id");
    let parts: Vec<_> = id.split('_').collect();
    let [word, millis, random] = parts[..] else { panic!("{id}") };
    assert_eq!(word, "task");
    assert_eq!(millis.parse::<i64>().ok(), Some(moment(&task["createdAt"]).as_millisecond()));
    assert_eq!(random.len(), 7, "{id}");
    assert!(random.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()), "{id}");
    let other = server.create(&json!({"title": "a"})).await;
    assert_ne!(task["id"], other["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_comes_back_as_it_was_given() {
    let server = Server::start(&[]).await;
    let given = json!({
        "title": "Crabs 🦀 \"quoted\" \\ and <b>marked</b>",
        "description": "line one\nline two\ttab \u{7f} \u{2028} é",
        "type": "TECH_2",
        "category": "WORK",
        "status": "IN_PROGRESS",
        "priority": "URGENT",
        "dueDate": "2026-01-02T03:04:05.678Z",
        "tags": ["b", "a", "ä 🦀"],
        "attachments": [{
            "id": "file-1",
            "name": "plan.pdf",
            "url": "https://example.com/plan.pdf?x=1#y",
            "type": "application/pdf",
            "size": 12345,
            "uploadedAt": "2025-12-31T23:59:59.999Z",
        }],
    });
    let task = server.create(&given).await;
    for (field, value) in given.as_object().expect("an object") {
        assert_eq!(&task[field], value, "{field}");
    }
    assert_eq!(server.get(&path(&task)).await.expect(200).json(), task);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_priority_type_and_category_of_the_contract_is_taken() {
    let server = Server::start(&[]).await;
    let allowed = [
        ("status", vec!["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"]),
        ("priority", vec!["LOW", "NORMAL", "HIGH", "URGENT"]),
        ("type", vec!["TECH", "WRITING", "TRANSLATION", "LEARNING", "A", "0_9"]),
        ("category", vec!["WORK", "PERSONAL", "STUDY", "PROJECT", "MEETING", "OTHER", "Z_1"]),
    ];
    for (field, values) in allowed {
        for value in values {
            let task = server.create(&json!({"title": "a", field: value})).await;
            assert_eq!(task[field], value);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn due_dates_are_read_in_any_offset_and_written_as_utc() {
    let server = Server::start(&[]).await;
    let cases = [
        ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05.000Z"),
        ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-02-03", "2026-02-03T00:00:00.000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        // Finer than milliseconds is cut, not rounded; before 1970 too.
        ("2026-01-02T03:04:05.678999Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:59.999999999Z", "2026-01-02T03:04:59.999Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100Z"),
    ];
    for (given, written) in cases {
        let task = server.create(&json!({"title": "a", "dueDate": given})).await;
        assert_eq!(task["dueDate"], written, "{given}");
        // The same moment in other words is no change.
        let again = server.put(&path(&task), &json!({"dueDate": given})).await.expect(200).json();
        assert_eq!(again["updatedAt"], task["updatedAt"], "{given}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn titles_are_trimmed_and_tags_lose_duplicates_but_keep_their_order() {
    let server = Server::start(&[]).await;
    let task = server
        .create(&json!({"title": " \t\n Buy milk \n", "tags": ["b", "a", "b", "B", "a"]}))
        .await;
    assert_eq!(task["title"], "Buy milk");
    assert_eq!(task["tags"], json!(["b", "a", "B"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_text_means_null_where_null_may_be() {
    let server = Server::start(&[]).await;
    let full = json!({"title": "a", "description": "d", "type": "T", "category": "C",
        "dueDate": "2026-01-01"});
    let task = server.create(&full).await;
    for field in ["description", "type", "category", "dueDate"] {
        let made = server.create(&json!({"title": "a", field: ""})).await;
        assert_eq!(made[field], Value::Null, "POST {field}");
        let cleared = server.put(&path(&task), &json!({field: ""})).await.expect(200).json();
        assert_eq!(cleared[field], Value::Null, "PUT {field}");
    }
    let attachment = json!({"name": "n", "url": "http://a.example", "type": ""});
    let made = server.create(&json!({"title": "a", "attachments": [attachment]})).await;
    assert_eq!(made["attachments"][0]["type"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_is_filled_with_what_is_missing() {
    let server = Server::start(&[]).await;
    let task = server
        .create(&json!({"title": "a", "attachments": [
            {"name": "one", "url": "http://example.com/1"},
            {"name": "two", "url": "HTTPS://example.com/2", "uploadedAt": "2026-01-01T01:00:00.5+01:00"},
        ]}))
        .await;
    let attachments = task["attachments"].as_array().expect("an array");
    for attachment in attachments {
        assert_eq!(keys(attachment), ["id", "name", "size", "type", "uploadedAt", "url"]);
        assert!(!attachment["id"].as_str().expect("an id").is_empty());
        assert_eq!(attachment["type"], Value::Null);
        assert_eq!(attachment["size"], Value::Null);
        moment(&attachment["uploadedAt"]);
    }
    assert_ne!(attachments[0]["id"], attachments[1]["id"]);
    assert_eq!(attachments[1]["uploadedAt"], "2026-01-01T00:00:00.500Z");

    let written_back = server.put(&path(&task), &task).await.expect(200).json();
    assert_eq!(written_back, task, "a task that was read can be written back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_allowed_values_are_taken_counted_in_unicode_scalar_values() {
    let server = Server::start(&[]).await;
    let crab = |n: usize| "🦀".repeat(n);
    let attachment = |n: usize| json!({"name": format!("n{n}"), "url": "http://a.example"});
    let cases = [
        ("title", json!(crab(500))),
        ("title", json!(format!("  {}  ", crab(500)))),
        ("description", json!("d".repeat(64 * 1024))),
        ("type", json!("T".repeat(40))),
        ("category", json!("C".repeat(40))),
        ("tags", json!([crab(64)])),
        ("tags", (0..50).map(|n| json!(n.to_string())).collect()),
        ("attachments", (0..50).map(attachment).collect()),
    ];
    for (field, value) in cases {
        let mut body = json!({"title": "a"});
        body[field] = value.clone();
        let task = server.create(&body).await;
        assert!(!task[field].is_null(), "{field}");
        assert_eq!(server.get(&path(&task)).await.expect(200).json(), task);
    }
}

fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"].as_str().expect("an id"))
}
