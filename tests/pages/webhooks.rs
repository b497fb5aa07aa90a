//! The webhooks: made, changed, tried, paused, deleted, on their page.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server, eventually};

const CARD: &str = "[data-test=webhook]";

/// Fills the field with this label in the open dialog.
async fn fill(browser: &Browser, label: &str, text: &str) {
    browser.find("dialog label", label).await;
    let script = "const name = [...document.querySelectorAll('dialog label')].find((e) => e.textContent.trim() === arguments[0]);
                  return document.getElementById(name.htmlFor).id";
    let id = browser.js(script, &[json!(label)]).await;
    browser.find(&format!("#{}", id.as_str().expect("an id")), "").await.fill(text).await;
}

#[tokio::test]
async fn one_is_added_with_its_secret_and_tried_out() {
    let receiver = Receiver::start(|_| Reply::ok().body("Accepted")).await;
    let server = Server::open(&[]).await;
    let browser = Browser::at(&server, "/webhooks").await;
    browser.find("[data-test=empty]", "").await;
    browser.press(&["a"]).await;
    browser.find("dialog", "").await;
    // What is wrong is said at its field.
    fill(&browser, "Address (URL)", "not a url").await;
    browser.click("dialog button[type=submit]", "").await;
    browser.find("dialog [data-field=url] .error", "").await;
    fill(&browser, "Address (URL)", &format!("{}/the-secret-path", receiver.url())).await;
    fill(&browser, "Description", "To the sales sheet").await;
    browser.click("dialog button[type=submit]", "").await;
    let secret = browser.find("dialog [data-test=secret]", "whsec_").await.text().await;
    browser.click("dialog button", "Send a test event").await;
    browser.click("dialog button.first", "").await;
    let said = browser.find("dialog [data-test=test-result]", "200").await.text().await;
    assert!(said.contains("The receiver took the sample") && said.contains("Accepted"), "{said}");
    assert_eq!(receiver.hits().len(), 1);
    browser.press(&["Escape"]).await;
    browser.wait_gone("dialog", "").await;
    let card = browser.find(CARD, "To the sales sheet").await.text().await;
    assert!(card.contains("Up") && !card.contains("the-secret-path"), "{card}");
    let page = browser.js("return document.documentElement.outerHTML", &[]).await;
    let page = page.as_str().expect("a page");
    assert!(
        !page.contains(&secret) && !page.contains("the-secret-path"),
        "the page keeps what it must not"
    );
    browser.expect_content(&["400"]).await;
}

#[tokio::test]
async fn one_is_paused_resumed_changed_and_deleted() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    let id = server
        .hook_to(&receiver, &json!({"description": "Steered", "headers": {"x-team": "sales"}}))
        .await;
    let of_it = async || server.get(&format!("/api/webhooks/{id}")).await;
    let browser = Browser::at(&server, "/webhooks").await;
    browser.click(&format!("{CARD} button"), "Pause").await;
    browser.find(CARD, "Paused").await;
    server.create(&json!({"title": "Waits"})).await;
    browser.find(&format!("{CARD} a"), "1").await;
    browser.click(&format!("{CARD} button"), "Resume").await;
    receiver.wait_for(1).await;
    browser.find(CARD, "Nothing").await;
    browser.find(CARD, "200").await;

    browser.click(&format!("{CARD} button"), "Edit").await;
    fill(&browser, "Description", "Renamed").await;
    browser.click("dialog summary", "How it is sent").await;
    fill(&browser, "Requests a second, at most", "7").await;
    browser.click("dialog button[type=submit]", "").await;
    browser.find(CARD, "Renamed").await;
    let now = of_it().await.json();
    assert_eq!((&now["description"], &now["ratePerSecond"]), (&json!("Renamed"), &json!(7)));
    server.create(&json!({"title": "With its header"})).await;
    assert_eq!(receiver.wait_for(2).await[1].header("x-team"), "sales", "a stored header was lost");

    let secret = async || {
        browser.click(&format!("{CARD} button"), "More").await;
        browser.click("button", "Rotate secret").await;
        browser.click("dialog button", "Rotate secret").await;
        browser.find("dialog [data-test=secret]", "whsec_").await.text().await
    };
    let first = secret().await;
    browser.click("dialog button", "Copy").await;
    browser.click("dialog button", "Done").await;
    browser.wait_gone("dialog", "").await;
    assert_ne!(first, secret().await);
    browser.press(&["Escape", "Escape"]).await;
    browser.wait_gone("dialog", "").await;

    browser.click(&format!("{CARD} button"), "More").await;
    browser.click("button", "Delete").await;
    browser.click("dialog button.danger", "Delete").await;
    browser.wait_gone(CARD, "Renamed").await;
    eventually("it is deleted", async || (of_it().await.status == 404).then_some(())).await;
    browser.expect_content(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_says_why_and_those_of_the_settings_where_they_come_from() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let server =
        Server::start(&[("WEBHOOK_URL", &receiver.url()), ("WEBHOOK_ATTEMPTS", "1")]).await;
    server.create(&json!({"title": "One"})).await;
    let browser = Browser::at(&server, "/webhooks").await;
    let said = browser.find(CARD, "The connection was refused").await.text().await;
    assert!(said.contains("Down") && said.contains("WEBHOOK_URL"), "{said}");
    assert!(!browser.has(&format!("{CARD} button"), "Edit").await);
    receiver.up();
    browser.click(&format!("{CARD} button"), "Resume").await;
    browser.find(CARD, "Up").await;
    receiver.wait_for(1).await;
    browser.go("/overview").await;
    browser.find("[data-test=tile-delivered]", "1").await;
    browser.expect_content(&[]).await;
}
