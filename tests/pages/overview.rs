//! The overview: figures that are true, drawn, and told in words.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server};

#[tokio::test]
async fn it_shows_what_was_sent_how_fast_and_what_failed() {
    let receiver = Receiver::start(|hit| {
        if hit.task("title") == "Refused" { Reply::status(400) } else { Reply::ok() }
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for n in 0..12 {
        server.create(&json!({"title": format!("Task {n}")})).await;
    }
    let refused = server.create(&json!({"title": "Refused"})).await;
    server.settled(refused["id"].as_str().expect("an id")).await;
    let browser = Browser::at(&server, "/overview").await;
    browser.find("[data-test=tile-delivered]", "12").await;
    browser.find("[data-test=tile-success]", "92.3").await;
    browser.find("[data-test=tile-waiting]", "0").await;
    browser.find("main a", "1 delivery").await;
    for words in ["Throughput", "Delivery lag", "Success", "Waiting"] {
        browser.find("h2", words).await;
    }
    let charts =
        browser.js("return document.querySelectorAll('main .chart svg').length", &[]).await;
    assert!(charts.as_u64().is_some_and(|n| n >= 4), "{charts}");
    for (span, key) in [("day", "2"), ("week", "3"), ("hour", "1")] {
        browser.press(&[key]).await;
        let wanted = |place: &str| {
            if span == "hour" {
                place == "/overview"
            } else {
                place.ends_with(&format!("span={span}"))
            }
        };
        browser.wait_for_place(span, wanted).await;
        browser.find("[data-test=tile-delivered]", "12").await;
    }
    // The lag is that of the whole span, not of its newest point.
    for span in ["hour", "day"] {
        browser.go(&format!("/overview?span={span}")).await;
        let total = server.get(&format!("/api/figures/total?span={span}")).await.expect(200).json();
        let ms = total["lagP99Ms"].as_i64().expect("a lag");
        let shown = if ms < 1_000 { format!("{ms} ms") } else { "s".to_owned() };
        browser.find("[data-test=tile-lag]", &shown).await;
        let words = if span == "hour" { "in the last hour" } else { "in the last 24 hours" };
        browser.find("[data-test=tile-lag]", words).await;
    }
    browser.go("/overview").await;
    // It goes on by itself.
    server.create(&json!({"title": "One more"})).await;
    browser.find("[data-test=tile-delivered]", "13").await;
    browser.expect_content(&[]).await;
}

/// All that needs attention is counted and named as it is now; and since it is read out, it stays while it says the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_needs_attention_follows_what_happens_and_else_stays() {
    let receiver = Receiver::start(|hit| {
        if hit.task("title") == "Taken" { Reply::ok() } else { Reply::status(422) }
    })
    .await;
    let server = Server::open(&[]).await;
    let hook = json!({"url": receiver.url(), "onReject": "hold", "description": "Before"});
    let hook = server.hook(&hook).await;
    let hook = hook["id"].as_str().expect("an id");
    server.create(&json!({"title": "Refused"})).await;
    server.total_is("status=held", 1).await;
    let browser = Browser::at(&server, "/overview").await;
    browser.find(".attention li", "1 delivery is held").await;
    for _ in 0..2 {
        server.create(&json!({"title": "Refused"})).await;
    }
    browser.find(".attention li", "3 deliveries are held").await;

    let lines = "return document.querySelectorAll('.attention li').length";
    let before = browser.js(lines, &[]).await;
    browser.js("document.querySelector('.attention h2').isMarked = true", &[]).await;
    server.create(&json!({"title": "Taken"})).await;
    browser.find("[data-test=tile-delivered]", "1").await;
    let stays = "return document.querySelector('.attention h2').isMarked === true";
    let is_marked = browser.js(stays, &[]).await == json!(true);
    // What is held has perhaps waited for a minute by now, which is a line more.
    let is_same = browser.js(lines, &[]).await == before;
    assert!(is_marked || !is_same, "it was drawn anew, and says the same");

    server.tell(hook, "pause").await.expect(200);
    browser.find(".attention a", "Before").await;
    let renamed = server.call("PATCH", &format!("/api/webhooks/{hook}"));
    renamed.json(&json!({"description": "After"})).send().await.expect(200);
    browser.find(".attention a", "After").await;
    browser.expect_content(&[]).await;
}

/// The worst first, here as on the page of the webhooks; and what is due is never said to have been.
#[tokio::test(flavor = "multi_thread")]
async fn what_needs_attention_stands_in_the_order_of_the_webhooks() {
    let server = Server::open(&[("WEBHOOK_ATTEMPTS", "1")]).await;
    for name in ["Away", "Paused early", "Paused late"] {
        let url = format!("http://127.0.0.1:1/{}", name.replace(' ', "-"));
        let hook = server.hook(&json!({"url": url, "description": name})).await;
        if name != "Away" {
            let id = hook["id"].as_str().expect("an id");
            server.tell(id, "pause").await.expect(200);
        }
    }
    server.create(&json!({"title": "a"})).await;
    let browser = Browser::at(&server, "/webhooks").await;
    browser.find("[data-test=webhook] .mark", "Down").await;
    let names = async |selector: &str| {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)";
        browser.js(script, &[json!(selector)]).await
    };
    let there = names("[data-test=webhook] h2").await;
    assert_eq!(there[0], "Away", "{there}");
    browser.go("/overview").await;
    browser.find(".attention", "Away").await;
    let script = "return [...document.querySelectorAll('.attention a[data-key^=webhook-]')].map((e) => e.textContent)";
    assert_eq!(browser.js(script, &[]).await, there);
    let script = "const page = document.querySelector('script[type=module]').src;
        return import(new URL('../parts/time.js', page)).then(({next}) =>
            [-60_000, -10, 130_000].map((ms) => next(new Date(Date.now() + ms).toISOString()).textContent))";
    assert_eq!(browser.js(script, &[]).await, json!(["now", "now", "in 2 min"]));
    browser.expect_content(&[]).await;
}
