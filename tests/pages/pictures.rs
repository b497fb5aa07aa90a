//! Pictures of every page, light, dark, on a phone and wide, for people to look at: `scripts/pictures`.
//!
//! Proves nothing by itself, so it is left out unless it is asked for.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server, eventually};

/// Title, type, category, status, priority, days until it is due, tags.
type Line = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
    &'static [&'static str],
);

const TASKS: [Line; 22] = [
    (
        "Send the revised offer to Lindqvist & Sons",
        "WRITING",
        "WORK",
        "OPEN",
        "URGENT",
        0,
        &["sales", "offer"],
    ),
    ("Renew the certificate of the staging server", "TECH", "WORK", "OPEN", "HIGH", -2, &["ops"]),
    (
        "Collect the numbers for the quarterly report",
        "WRITING",
        "WORK",
        "OPEN",
        "NORMAL",
        4,
        &["report", "q4"],
    ),
    ("Book rooms for the team days in March", "", "MEETING", "OPEN", "NORMAL", 21, &["team"]),
    (
        "Translate the onboarding mails into French",
        "TRANSLATION",
        "PROJECT",
        "OPEN",
        "NORMAL",
        6,
        &["onboarding", "fr"],
    ),
    ("Try out the new invoice template", "TECH", "PROJECT", "OPEN", "LOW", 12, &["billing"]),
    ("Chapter 4 of the statistics course", "LEARNING", "STUDY", "OPEN", "LOW", 9, &["course"]),
    ("Ask the printers for a second quote", "", "WORK", "OPEN", "NORMAL", 2, &["print"]),
    (
        "Write the release notes for 2.8",
        "WRITING",
        "PROJECT",
        "IN_PROGRESS",
        "HIGH",
        1,
        &["release", "docs"],
    ),
    (
        "Move the newsletter list to the new CRM",
        "TECH",
        "WORK",
        "IN_PROGRESS",
        "NORMAL",
        3,
        &["crm", "newsletter"],
    ),
    (
        "Prepare the interview with the design candidate",
        "",
        "MEETING",
        "IN_PROGRESS",
        "HIGH",
        0,
        &["hiring"],
    ),
    (
        "Fix the time zone in the booking form",
        "TECH",
        "PROJECT",
        "IN_PROGRESS",
        "URGENT",
        -1,
        &["bug", "booking"],
    ),
    ("Review the terms with legal", "WRITING", "WORK", "IN_PROGRESS", "NORMAL", 8, &["legal"]),
    ("Pay the hosting invoice", "", "WORK", "DONE", "NORMAL", -3, &["billing"]),
    ("Answer the survey of the chamber of commerce", "WRITING", "OTHER", "DONE", "LOW", -5, &[]),
    (
        "Update the price list on the website",
        "TECH",
        "WORK",
        "DONE",
        "HIGH",
        -1,
        &["website", "sales"],
    ),
    ("Read the chapter on queueing theory", "LEARNING", "STUDY", "DONE", "LOW", -9, &["course"]),
    ("Order new badges", "", "WORK", "DONE", "NORMAL", -7, &["team"]),
    (
        "Send the minutes of Monday's meeting",
        "WRITING",
        "MEETING",
        "DONE",
        "NORMAL",
        -2,
        &["minutes"],
    ),
    (
        "Translate the product page into Dutch",
        "TRANSLATION",
        "PROJECT",
        "CANCELLED",
        "LOW",
        14,
        &["nl"],
    ),
    ("Stand at the spring fair", "", "PROJECT", "CANCELLED", "NORMAL", 30, &["fair"]),
    ("Birthday present for Ines", "", "PERSONAL", "OPEN", "NORMAL", 5, &["private"]),
];

/// A server whose pages have something to show: webhooks that work, one that is down, one that refuses now and then.
async fn furnished() -> (Server, Vec<Receiver>) {
    let make = Receiver::start(|_| Reply::ok().body("Accepted")).await;
    let picky = Receiver::start(|hit| {
        let is_refused = hit.body.windows(8).any(|at| at == b"template");
        if is_refused {
            Reply::status(400).body("{\"message\":\"Validation failed for 1 parameter(s).\"}")
        } else {
            Reply::ok()
        }
    })
    .await;
    let down = Receiver::ok().await;
    down.down();
    let server = Server::open(&[
        ("WEBHOOK_URL", &make.url()),
        ("WEBHOOK_SECRET", "a-secret-for-pictures"),
        ("PUBLIC_URL", "https://tasks.example.org"),
    ])
    .await;
    server.hook(&json!({"url": picky.url(), "description": "New tasks to the sales sheet", "source": "make", "ratePerSecond": 20})).await;
    server.hook(&json!({"url": down.url(), "description": "n8n in the office", "source": "n8n", "maxAttempts": 1, "filter": {"priority": ["HIGH", "URGENT"]}})).await;
    for (title, kind, category, status, priority, days, tags) in TASKS {
        let mut body =
            json!({"title": title, "priority": priority, "tags": tags, "dueDate": day(days)});
        for (name, value) in [("type", kind), ("category", category)] {
            if !value.is_empty() {
                body[name] = json!(value);
            }
        }
        let task = server.create(&body).await;
        if status != "OPEN" {
            let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
            server.put(&path, &json!({"status": status})).await.expect(200);
        }
    }
    for _ in 0..40 {
        for (n, task) in server
            .get("/api/tasks?limit=8")
            .await
            .json()
            .as_array()
            .expect("tasks")
            .iter()
            .enumerate()
        {
            let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
            let priority = if task["priority"] == "LOW" { "NORMAL" } else { "LOW" };
            if n % 3 == 0 {
                server.put(&path, &json!({"priority": priority})).await.expect(200);
                server.put(&path, &json!({"priority": task["priority"]})).await.expect(200);
            }
        }
    }
    eventually("a webhook is down", async || {
        let webhooks = server.get("/api/webhooks").await.json();
        webhooks.as_array()?.iter().any(|webhook| webhook["status"] == "down").then_some(())
    })
    .await;
    server
        .call("POST", "/api/incoming-webhook")
        .header("x-webhook-secret", "a-secret-for-pictures")
        .json(&json!({"event": "task_created", "task": {"id": "order-17", "title": "Call back about order 17", "category": "WORK", "priority": "HIGH", "tags": ["from-make"]}}))
        .send()
        .await
        .expect(200);
    (server, vec![make, picky, down])
}

/// The day that is so many days from today, in UTC.
fn day(days: i64) -> String {
    let today =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seconds = i64::try_from(today.as_secs()).expect("a time") + days * 86_400;
    jiff::Timestamp::from_second(seconds).expect("a time").to_string()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes pictures for people: scripts/pictures"]
async fn pictures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    fs::create_dir_all(&folder).expect("a folder");
    let (server, _receivers) = furnished().await;
    let failed = eventually("one was refused", async || {
        let failed = server.deliveries("status=failed&limit=1").await;
        Some(failed.first()?["id"].as_str()?.to_owned())
    })
    .await;
    let task = server.get("/api/tasks?q=release").await.json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let shown = [
        ("board", "/".to_owned()),
        ("task", format!("/?open={task}")),
        ("deliveries", "/deliveries".to_owned()),
        ("delivery", format!("/deliveries?open={failed}")),
        ("webhooks", "/webhooks".to_owned()),
        ("setup", "/setup".to_owned()),
        ("overview", "/overview".to_owned()),
        ("docs", "/docs".to_owned()),
    ];
    let browser = Browser::start(&server).await;
    for (look, scheme, width, height) in [
        ("light", "light", 1400, 875),
        ("dark", "dark", 1400, 875),
        ("phone", "light", 320, 693),
        ("tablet", "light", 768, 1024),
        ("wide", "dark", 2560, 1440),
    ] {
        browser.resize(width, height).await;
        browser.prefer(scheme).await;
        for (name, path) in &shown {
            browser.go(path).await;
            browser.wait_for("it is drawn", "document.readyState === 'complete'").await;
            if *name != "docs" {
                browser.find(".live", "Live").await;
            }
            browser.settled().await;
            let file = folder.join(format!("{name}-{look}.png"));
            fs::write(&file, browser.picture().await).expect("a file");
        }
    }
    let guarded =
        Server::start(&[("HOST", "127.0.0.1"), ("API_TOKEN", "a-token-for-pictures")]).await;
    let browser = Browser::at(&guarded, "/sign-in").await;
    browser.settled().await;
    fs::write(folder.join("sign-in-light.png"), browser.picture().await).expect("a file");
    println!("{}", folder.display());
}
