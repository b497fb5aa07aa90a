//! Times as programs write them. A time that is taken for another one is worse than one that is
//! refused: `…+05:00Z` was once stored as if the offset were not there.
//!
//! Seen with: Python (`isoformat()` without a zone, `str()` with a blank), Ruby and Git (a blank
//! before the offset), PostgreSQL (`+01`), PHP (`+0100`), Java (`ZonedDateTime`, no seconds, a zone in
//! brackets), logging (a comma before the fraction), spreadsheets (no zone at all).
//! <https://github.com/znick/anytask/pull/313> (`+00:00Z`), <https://github.com/Yelp/bravado-core/issues/133> (no zone).

use serde_json::json;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn one_moment_is_understood_in_all_its_spellings() {
    let server = Server::start(&[("WEBHOOK_SECRET", "sixteen-characters")]).await;
    for written in [
        "2026-12-01T10:00:00+02:00",
        "2026-12-01T10:00:00+0200",
        "2026-12-01T10:00:00+02",
        "2026-12-01T10:00+02:00",
        "2026-12-01 10:00:00+02:00",
        "2026-12-01 10:00:00 +0200",
        "2026-12-01T10:00:00.000000+02:00",
        "2026-12-01T08:00:00,000Z",
        "2026-12-01t08:00:00z",
        "2026-12-01T08:00Z",
    ] {
        let task = server.create(&json!({"title": "a", "dueDate": written})).await;
        assert_eq!(task["dueDate"], "2026-12-01T08:00:00.000Z", "{written}");
        let at = written.replace('+', "%2B").replace(' ', "%20");
        let list = server.get(&format!("/api/tasks?dueAfter={at}&dueBefore=2026-12-02")).await;
        assert_ne!(list.expect(200).json(), json!([]), "{written}");
        // In a query, a plus is as often not encoded.
        let list =
            server.get(&format!("/api/tasks?dueBefore={}", written.replace(' ', "%20"))).await;
        assert_eq!(list.expect(200).json(), json!([]), "{written}");
    }
    // In a form as well, as curl -d sends it.
    for written in ["2026-12-01T10:00:00+02:00", "2026-12-01 10:00:00 +0200"] {
        let form = format!("event=task_created&title=a&dueDate={written}");
        let call = server.call("POST", "/api/incoming-webhook?secret=sixteen-characters");
        let call = call.text("application/x-www-form-urlencoded", form);
        let id = call.send().await.expect(200).json()["taskId"].as_str().expect("an id").to_owned();
        let task = server.get(&format!("/api/tasks/{id}")).await.expect(200).json();
        assert_eq!(task["dueDate"], "2026-12-01T08:00:00.000Z", "{written}");
    }
    let task = server.create(&json!({"title": "a", "dueDate": "2026-12-01T24:00:00Z"})).await;
    assert_eq!(task["dueDate"], "2026-12-02T00:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_time_is_said() {
    let server = Server::start(&[("WEBHOOK_SECRET", "sixteen-characters")]).await;
    for (written, word) in [
        ("2026-12-01T10:00:00", "no time zone"),
        ("2026-12-01 10:00", "no time zone"),
        ("2026-12-01T10:00:00.123456", "no time zone"),
        ("2026-12-01T10:00:00+05:00Z", "twice"),
        ("2026-12-01T10:00:00Z[Europe/Berlin]", "by a word"),
        ("2026-12-01T10:00:00+01:00[Europe/Berlin]", "by a word"),
        ("2026-12-01 10:00:00 UTC", "by a word"),
        ("Tue Dec 01 2026 10:00:00 GMT+0100", "RFC 3339"),
        ("01.12.2026", "RFC 3339"),
        ("2026-12-01T10:00:00+25:00", "RFC 3339"),
        ("20261201T100000Z", "RFC 3339"),
    ] {
        let body = json!({"title": "a", "dueDate": written});
        let said = server.post("/api/tasks", &body).await.expect_fault(400, "dueDate");
        assert!(said.contains(word) && said.contains("2026-"), "{written}: {said}");
        let query: String = form_urlencoded::byte_serialize(written.as_bytes()).collect();
        for list in ["/api/tasks?updatedSince=", "/api/deliveries?since="] {
            let said = server.get(&format!("{list}{query}")).await.expect_error(400);
            assert!(said.contains(word), "{written}: {said}");
        }
        let body = json!({"event": "task_updated", "task": {"id": "a", "updatedAt": written}});
        let path = "/api/incoming-webhook?secret=sixteen-characters";
        let said = server.post(path, &body).await.expect_fault(400, "task.updatedAt");
        assert!(said.contains(word), "{written}: {said}");
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_number_is_whole_however_json_writes_it() {
    let server = Server::start(&[]).await;
    let send = async |path: &str, body: String| {
        server.call("POST", path).text("application/json", body).send().await
    };
    let numbers = [("12", 12), ("12.0", 12), ("1e3", 1_000), ("1.5E1", 15)];
    // Of a number with a point, a quick reader loses the last digit.
    let most = 9_007_199_254_740_991_i64;
    let large = [("9007199254740991.0", most), ("9.007199254740991e15", most)];
    for (written, size) in numbers.into_iter().chain(large) {
        let file = format!(r#"{{"name":"n","url":"https://e.org/a","size":{written}}}"#);
        let body = format!(r#"{{"title":"a","attachments":[{file}]}}"#);
        let task = send("/api/tasks", body).await.expect(201).json();
        assert_eq!(task["attachments"][0]["size"], json!(size), "{written}");
    }
    for (written, size) in numbers {
        let body = format!(r#"{{"url":"https://e.org/{written}","ratePerSecond":{written}}}"#);
        let webhook = send("/api/webhooks", body).await.expect(201).json();
        assert_eq!(webhook["ratePerSecond"], json!(size), "{written}");
    }
    for written in ["\"12\"", "9007199254740992.0"] {
        let file = format!(r#"{{"name":"n","url":"https://e.org/a","size":{written}}}"#);
        let body = format!(r#"{{"title":"a","attachments":[{file}]}}"#);
        let answer = send("/api/tasks", body).await;
        let said = answer.expect_fault(400, "attachments[0].size");
        assert_eq!(said.contains("without quotes"), written.starts_with('"'), "{said}");
    }
    for written in ["12.5", "-1.0", "1e30"] {
        let body = format!(r#"{{"url":"https://e.org/","ratePerSecond":{written}}}"#);
        send("/api/webhooks", body).await.expect_fault(400, "ratePerSecond");
    }
    for (limit, listed) in [("2", 2), ("2.0", 2), ("1e2", 6)] {
        let tasks = server.get(&format!("/api/tasks?limit={limit}")).await.expect(200).json();
        assert_eq!(tasks.as_array().map(Vec::len), Some(listed), "{limit}");
    }
    for limit in ["2.5", "-2.0", "1e4", "%222%22", "%5B2%5D"] {
        server.get(&format!("/api/tasks?limit={limit}")).await.expect_fault(400, "limit");
    }
}
