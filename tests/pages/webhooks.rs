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

/// What did not get an answer was seen by nobody as far as anybody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_reached_nobody_does_not_say_who_saw_it() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    server.hook_to(&receiver, &json!({"description": "Away"})).await;
    let browser = Browser::at(&server, "/webhooks").await;
    let said = async || {
        browser.click("dialog button.first", "").await;
        browser.find("dialog [data-test=test-result]", "webhook-id").await.text().await
    };
    browser.click(&format!("{CARD} button"), "Send a test event").await;
    let seen = said().await;
    assert!(seen.contains("saw the webhook-id"), "{seen}");
    receiver.down();
    browser.click("dialog button.first", "").await;
    let unseen = browser.find("dialog [data-test=test-result]", "No answer").await.text().await;
    assert!(unseen.contains("Nothing shows that anybody saw it"), "{unseen}");
    assert!(!unseen.contains("saw the webhook-id"), "{unseen}");
    browser.expect_content(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_stands_on_top_and_other_orders_can_be_chosen() {
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    let mut ids = Vec::new();
    for name in ["Beta", "alpha", "Gamma 10", "Gamma 9"] {
        let body = json!({"description": name, "url": format!("{}/{}", receiver.url(), name.len()), "headers": {"x-name": "1"}});
        ids.push(server.hook(&body).await["id"].as_str().expect("an id").to_owned());
    }
    let names = async |browser: &Browser| {
        browser
            .js(
                "return [...document.querySelectorAll('.webhook h2')].map((e) => e.textContent)",
                &[],
            )
            .await
    };
    let browser = Browser::at(&server, "/webhooks").await;
    browser.find(CARD, "Beta").await;
    assert_eq!(
        names(&browser).await,
        json!(["Gamma 9", "Gamma 10", "alpha", "Beta"]),
        "the newest first"
    );
    let away = server
        .hook(&json!({"description": "Away", "url": "http://127.0.0.1:1/", "maxAttempts": 1}))
        .await;
    server.tell(&ids[0], "pause").await.expect(200);
    server.create(&json!({"title": "One"})).await;
    server.webhook_is(away["id"].as_str().expect("an id"), "down").await;
    for name in ["Gamma 9", "Newest of all"] {
        if name != "Gamma 9" {
            server
                .hook(&json!({"description": name, "url": format!("{}/new", receiver.url())}))
                .await;
        }
    }
    browser.find(CARD, "Newest of all").await;
    let order = json!(["Away", "Beta", "Newest of all", "Gamma 9", "Gamma 10", "alpha"]);
    eventually("trouble stands on top", async || (names(&browser).await == order).then_some(()))
        .await;
    browser.find(".webhook-sort", "").await.choose("name").await;
    browser.wait_for_place("the order", |place| place == "/webhooks?sort=name").await;
    assert_eq!(
        names(&browser).await,
        json!(["alpha", "Away", "Beta", "Gamma 9", "Gamma 10", "Newest of all"])
    );
    browser.find(".webhook-sort", "").await.choose("waiting").await;
    assert_eq!(names(&browser).await.as_array().expect("names").len(), 6);
    browser.expect_content(&[]).await;
}

/// Two of one host are told apart by the end of their addresses, as cards are by their last four digits.
#[tokio::test]
async fn the_end_of_a_long_address_is_shown_and_no_more() {
    let server = Server::open(&[]).await;
    for end in ["AAAABBBBCCCCDDDD", "AAAABBBBCCCCEEEE", "Short"] {
        server.hook(&json!({"url": format!("http://127.0.0.1:9/{end}")})).await;
    }
    let browser = Browser::at(&server, "/webhooks").await;
    for shown in ["http://127.0.0.1:9/…DDDD", "http://127.0.0.1:9/…EEEE"] {
        browser.find(CARD, shown).await;
    }
    let page = browser.js("return document.documentElement.outerHTML", &[]).await;
    let page = page.as_str().expect("a page");
    assert!(!page.contains("CCC") && !page.contains("Short"), "more of it is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_everything_is_not_shown_as_up() {
    let receiver = Receiver::start(|_| Reply::status(422).body("no such column")).await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for n in 0..10 {
        server.create(&json!({"title": format!("Task {n}")})).await;
    }
    let browser = Browser::at(&server, "/webhooks").await;
    let said = browser.find(CARD, "The receiver refuses everything").await.text().await;
    assert!(said.contains("Refusing") && said.contains("422"), "{said}");
    assert!(!browser.has(&format!("{CARD} button"), "Resume").await, "nothing is held back");
    browser.go("/overview").await;
    browser.find("[data-test=tile-webhooks]", "1 not up").await;
    browser.find("main li .mark", "Refusing").await;
    receiver.answer(|_| Reply::ok());
    server.create(&json!({"title": "Taken"})).await;
    browser.find("[data-test=tile-webhooks]", "All up").await;
    browser.expect_content(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_holds_is_shown_and_sent_again_at_once() {
    let receiver = Receiver::start(|_| Reply::status(422)).await;
    let settings = [("WEBHOOK_URL", &*receiver.url()), ("WEBHOOK_ON_REJECT", "hold")];
    let server = Server::start(&settings).await;
    for n in 0..3 {
        server.create(&json!({"title": format!("Task {n}")})).await;
    }
    server.total_is("status=held", 3).await;
    let browser = Browser::at(&server, "/overview").await;
    browser.find("main li", "3 deliveries are held").await;
    browser.go("/webhooks").await;
    browser.find(CARD, "3 deliveries are held").await;
    receiver.answer(|_| Reply::ok());
    browser.click(&format!("{CARD} button"), "Send all held again").await;
    browser.find("#toasts", "3 deliveries").await;
    receiver.wait_for(6).await;
    browser.wait_gone(&format!("{CARD} button"), "Send all held again").await;
    browser.expect_content(&[]).await;
}
