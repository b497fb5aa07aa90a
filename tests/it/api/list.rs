//! What `GET /api/tasks` finds: filters and sorting. Pages are in `paging`.

use serde_json::{Value, json};

use crate::harness::Server;

/// What a list of tasks can be sorted by.
pub(crate) const SORTS: [&str; 10] = [
    "createdAt",
    "-createdAt",
    "updatedAt",
    "-updatedAt",
    "dueDate",
    "-dueDate",
    "priority",
    "-priority",
    "title",
    "-title",
];

/// The titles that a query finds, in the order of the answer.
async fn titles(server: &Server, query: &str) -> Vec<String> {
    let found = server.get(&format!("/api/tasks?{query}")).await.expect(200).json();
    let tasks = found.as_array().expect("an array");
    tasks.iter().map(|task| task["title"].as_str().expect("a title").to_owned()).collect()
}

async fn library() -> Server {
    let server = Server::start(&[]).await;
    let tasks = [
        json!({"title": "alpha", "status": "DONE", "priority": "LOW", "type": "TECH",
            "category": "WORK", "tags": ["red", "blue"], "dueDate": "2026-03-01"}),
        json!({"title": "Beta 100% sure", "priority": "URGENT", "type": "TECH",
            "category": "STUDY", "tags": ["blue"], "dueDate": "2026-01-01"}),
        json!({"title": "gamma_ray", "status": "IN_PROGRESS", "priority": "HIGH",
            "description": "the needle is here", "dueDate": "2026-02-01T12:00:00Z"}),
        json!({"title": "delta 1000", "status": "CANCELLED", "tags": ["redder"]}),
    ];
    for task in tasks {
        server.create(&task).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_finds_what_it_names() {
    let server = library().await;
    let (alpha, beta, gamma, delta) = ("alpha", "Beta 100% sure", "gamma_ray", "delta 1000");
    let cases: [(&str, &[&str]); 19] = [
        ("status=DONE", &[alpha]),
        ("status=OPEN", &[beta]),
        ("priority=HIGH", &[gamma]),
        ("priority=NORMAL", &[delta]),
        ("type=TECH", &[alpha, beta]),
        ("category=STUDY", &[beta]),
        ("tag=blue", &[alpha, beta]),
        ("tag=red", &[alpha]),
        ("tag=nobody", &[]),
        ("q=alpha", &[alpha]),
        ("q=needle", &[gamma]),
        ("dueBefore=2026-01-15", &[beta]),
        ("dueAfter=2026-02-15", &[alpha]),
        ("dueAfter=2026-01-15T00:00:00Z&dueBefore=2026-02-15T00:00:00%2B02:00", &[gamma]),
        ("updatedSince=2020-01-01", &[alpha, beta, gamma, delta]),
        ("updatedSince=2999-01-01", &[]),
        ("type=TECH&status=DONE&tag=red", &[alpha]),
        ("type=TECH&status=CANCELLED", &[]),
        ("tag=blue&sort=-title", &[alpha, beta]),
    ];
    for (query, expected) in cases {
        let mut found = titles(&server, query).await;
        if query.contains("sort") {
            found.sort_unstable_by_key(|title| title.to_lowercase());
        }
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_searched_for_is_taken_as_it_is() {
    let server = library().await;
    for (query, expected) in [
        ("q=100%25", vec!["Beta 100% sure"]),
        ("q=gamma_r", vec!["gamma_ray"]),
        ("q=a_ma", vec![]),
        ("q=%25", vec!["Beta 100% sure"]),
        ("q=beta+100", vec!["Beta 100% sure"]),
        ("q=%27+OR+1%3D1+--", vec![]),
        ("q=%22", vec![]),
        ("q=%5C", vec![]),
        ("q=*", vec![]),
        ("tag=red%25", vec![]),
    ] {
        assert_eq!(titles(&server, query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updated_since_finds_what_changed_since() {
    let server = library().await;
    let all = server.get("/api/tasks").await.expect(200).json();
    let last = all[3]["updatedAt"].as_str().expect("a time").to_owned();
    let path = format!("/api/tasks/{}", all[0]["id"].as_str().expect("an id"));
    let changed = server.put(&path, &json!({"title": "alpha two"})).await.expect(200).json();
    let since = changed["updatedAt"].as_str().expect("a time");
    assert!(titles(&server, &format!("updatedSince={since}")).await.contains(&"alpha two".into()));
    let found = titles(&server, &format!("updatedSince={last}")).await;
    assert!(found.contains(&"alpha two".to_owned()), "{found:?}");
    assert!(!found.contains(&"Beta 100% sure".to_owned()) || all[1]["updatedAt"] == last);
}

#[tokio::test(flavor = "multi_thread")]
async fn sorting_goes_up_and_with_a_minus_down() {
    let server = library().await;
    let field = async |query: &str, field: &str| -> Vec<Value> {
        let found = server.get(&format!("/api/tasks?{query}")).await.expect(200).json();
        let tasks = found.as_array().expect("an array").clone();
        assert_eq!(tasks.len(), 4, "{query} loses none");
        tasks.iter().map(|task| task[field].clone()).filter(|value| !value.is_null()).collect()
    };
    let dates =
        ["2026-01-01T00:00:00.000Z", "2026-02-01T12:00:00.000Z", "2026-03-01T00:00:00.000Z"];
    let mut down = dates;
    down.reverse();
    assert_eq!(field("sort=dueDate", "dueDate").await, dates);
    assert_eq!(field("sort=-dueDate", "dueDate").await, down);

    let ranks = ["LOW", "NORMAL", "HIGH", "URGENT"];
    let mut down = ranks;
    down.reverse();
    assert_eq!(field("sort=priority", "priority").await, ranks);
    assert_eq!(field("sort=-priority", "priority").await, down);

    let oldest_first = field("", "title").await;
    assert_eq!(field("sort=createdAt", "title").await, oldest_first);
    let newest_first: Vec<_> = oldest_first.iter().rev().cloned().collect();
    assert_eq!(field("sort=-createdAt", "title").await, newest_first);

    let path =
        format!("/api/tasks/{}", field("sort=createdAt", "id").await[1].as_str().expect("an id"));
    server.put(&path, &json!({"title": "zeta"})).await.expect(200);
    assert_eq!(field("sort=updatedAt", "title").await[3], "zeta");
    assert_eq!(field("sort=-updatedAt", "title").await[0], "zeta");
    let sorted = ["alpha", "delta 1000", "gamma_ray", "zeta"];
    assert_eq!(field("sort=title", "title").await, sorted);
    let mut down = sorted;
    down.reverse();
    assert_eq!(field("sort=-title", "title").await, down);
    server.create(&json!({"title": "Äpfel"})).await;
    let all = titles(&server, "sort=title").await;
    assert_eq!(all, ["alpha", "Äpfel", "delta 1000", "gamma_ray", "zeta"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_query_value_is_a_400_that_names_it() {
    let server = Server::start(&[]).await;
    for (parameter, value, allowed) in [
        ("status", "open", "IN_PROGRESS"),
        ("priority", "MEDIUM", "URGENT"),
        ("sort", "colour", "dueDate"),
        ("sort", "--title", "title"),
        ("limit", "0", "1"),
        ("limit", "-1", "1"),
        ("limit", "many", "1"),
        ("limit", "99999999999999999999", "1"),
        ("dueBefore", "soon", "soon"),
        ("dueAfter", "2026-02-30", "2026-02-30"),
        ("updatedSince", "yesterday", "yesterday"),
        ("cursor", "nonsense", ""),
        ("cursor", "%00%ff", ""),
    ] {
        let answer = server.get(&format!("/api/tasks?{parameter}={value}")).await;
        let sentence = answer.expect_fault(400, parameter);
        assert!(sentence.contains(parameter), "{sentence}");
        assert!(sentence.contains(allowed), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_a_400_or_finds_something_but_never_a_500() {
    let server = library().await;
    for query in [
        "q=%00", "tag=%00", "type=%00", "q=%ff", "tag=", "q=", "status=", "limit=", "sort=", "&&",
        "q",
    ] {
        let answer = server.get(&format!("/api/tasks?{query}")).await;
        assert!([200, 400].contains(&answer.status), "{query}: {}", answer.text());
    }
}
