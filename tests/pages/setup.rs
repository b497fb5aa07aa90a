//! Setting Make up in three steps, against a receiver that answers as Make does.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server};

const SECRET: &str = "a-secret-of-this-test";

#[tokio::test]
async fn the_three_steps_lead_from_a_pasted_address_to_webhooks_both_ways() {
    let make = Receiver::start(|_| Reply::status(410).body("Webhook not found.")).await;
    let server =
        Server::open(&[("WEBHOOK_SECRET", SECRET), ("PUBLIC_URL", "https://tasks.example.org")])
            .await;
    let browser = Browser::at(&server, "/setup").await;
    let field = browser.find("[data-test=address-form] input", "").await;
    field.type_text(&format!("{}/abcdefghijklmnop", make.url())).await;
    browser.click("[data-test=address-form] button[type=submit]", "").await;
    browser.find("[data-test=chosen]", "http://127.0.0.1").await;
    let page = browser.js("return document.documentElement.outerHTML + [...document.querySelectorAll('input')].map((e) => e.value)", &[]).await;
    assert!(
        !page.as_str().expect("a page").contains("abcdefghijklmnop"),
        "the address is still in the page"
    );

    // What Make answers is explained, and what to do stands where it is needed.
    browser.click("[data-test=step-test] button.first", "").await;
    browser.find("[data-test=answer]", "410").await;
    browser.find("[data-test=advice]", "").await;
    make.answer(|_| Reply::status(400).body("Queue is full"));
    browser.click("[data-test=step-test] button.first", "").await;
    browser.find("[data-test=answer]", "queue").await;
    make.answer(|_| Reply::status(401));
    browser.click("[data-test=step-test] button.first", "").await;
    browser.find("[data-test=advice]", "x-make-apikey").await;
    make.answer(|_| Reply::ok().body("Accepted"));
    browser.click("[data-test=step-test] button.first", "").await;
    browser.find("[data-test=answer]", "Accepted").await;
    let body = make.wait_for(4).await[3].json();
    assert_eq!(body["event"], "task_created");
    assert!(
        body["task"].as_object().expect("a task").values().all(|value| !value.is_null()),
        "{body}"
    );

    // The way back: what to paste into Make, never the secret itself.
    let module = browser
        .find("[data-test=module]", "https://tasks.example.org/api/incoming-webhook")
        .await
        .text()
        .await;
    assert!(module.contains("X-Webhook-Secret"), "{module}");
    let received = browser.find("[data-test=received]", "").await;
    assert!(!received.text().await.contains("order-17"));
    let call = |secret: &str| {
        let body =
            json!({"event": "task_created", "task": {"id": "order-17", "title": "From Make"}});
        server.call("POST", "/api/incoming-webhook").header("x-webhook-secret", secret).json(&body)
    };
    call("wrong-secret-of-this-test").send().await.expect(401);
    browser.find("[data-test=received]", "Invalid secret").await;
    call(SECRET).send().await.expect(200);
    browser.find("[data-test=received]", "order-17").await;
    let page = browser.js("return document.documentElement.outerHTML", &[]).await;
    assert!(!page.as_str().expect("a page").contains(SECRET), "the secret is in the page");
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn without_a_secret_or_a_public_address_it_says_what_to_set() {
    let server = Server::start(&[]).await;
    let browser = Browser::at(&server, "/setup").await;
    let step = browser.find("[data-test=step-incoming]", "WEBHOOK_SECRET").await.text().await;
    assert!(step.contains("openssl rand -hex 24") && step.contains("PUBLIC_URL"), "{step}");
    browser.expect_content(&[]).await;
}

/// Whatever receives the changes, only what is Make, or what a person says is Make, is called done.
#[tokio::test]
async fn done_is_said_only_of_make() {
    let other = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &other.url()), ("WEBHOOK_SECRET", SECRET)]).await;
    let browser = Browser::at(&server, "/setup").await;
    let state = async |step: &str, state: &str| {
        browser.find(&format!("[data-test={step}][data-state={state}]"), "").await;
    };
    state("step-address", "attention").await;
    browser.find("[data-test=not-make]", "127.0.0.1").await;
    browser.click("[data-test=step-test] button.first", "").await;
    browser.find("[data-test=answer]", "200").await;
    state("step-test", "todo").await;
    assert!(!browser.has("[data-test=answer]", "Make has now learned").await);
    let body = json!({"event": "task_created", "task": {"id": "order-17", "title": "From curl"}});
    let call = |agent: &str| {
        let call = server.call("POST", "/api/incoming-webhook").header("x-webhook-secret", SECRET);
        call.header("user-agent", agent).json(&body)
    };
    call("curl/8.0").send().await.expect(200);
    browser.find("[data-test=received]", "order-17").await;
    browser.find("[data-test=not-from-make]", "").await;
    state("step-incoming", "todo").await;

    // Who says so is believed, also after the page is opened anew.
    browser.click("[data-test=not-make] button", "It is Make").await;
    state("step-address", "done").await;
    state("step-test", "done").await;
    browser.go("/setup").await;
    state("step-address", "done").await;
    state("step-incoming", "todo").await;
    call("Make/production").send().await.expect(200);
    state("step-incoming", "done").await;
    browser.expect_content(&[]).await;
}

/// A link that was kept, to a webhook that is gone: the page is about another one, and says so.
#[tokio::test]
async fn an_address_with_an_unknown_webhook_is_said_and_can_be_left_out() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let browser = Browser::at(&server, "/setup?webhook=wh_gone").await;
    browser.find("[data-test=unknown]", "wh_gone").await;
    browser.find("[data-test=step-address]", "127.0.0.1").await;
    browser.click("[data-test=unknown] button", "Leave it out").await;
    browser.wait_gone("[data-test=unknown]:not([hidden])", "").await;
    let address = browser.js("return location.search", &[]).await;
    assert_eq!(address, "");
    browser.go("/setup?webhook=default").await;
    browser.find("[data-test=step-address]", "127.0.0.1").await;
    assert!(!browser.has("[data-test=unknown]:not([hidden])", "").await);
    browser.expect_content(&[]).await;
}
