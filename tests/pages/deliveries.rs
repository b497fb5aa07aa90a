//! The deliveries: seen as they happen, found again, explained, sent again.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server};

const ROW: &str = "main [role=row]";

#[tokio::test]
async fn rows_come_as_they_happen_and_change_as_they_are_sent() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[
        ("WEBHOOK_URL", &receiver.url()),
        ("WEBHOOK_ATTEMPTS", "1"),
        ("WEBHOOK_PROBE_FIRST", "1s"),
    ])
    .await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.find("[data-test=empty]", "").await;
    server.create(&json!({"title": "One"})).await;
    browser.find(ROW, "Delivered").await;
    receiver.answer(|_| Reply::status(503));
    server.create(&json!({"title": "Two"})).await;
    browser.find(ROW, "Held").await;
    receiver.answer(|_| Reply::ok());
    browser.wait_gone(ROW, "Held").await;
    browser.find("[data-test=total]", "2").await;
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn filters_find_what_is_asked_for_and_stand_in_the_address() {
    let receiver = Receiver::start(|hit| {
        if hit.task("title") == "Refused" {
            Reply::status(422).body("no column named colour")
        } else {
            Reply::ok()
        }
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let taken = server.create(&json!({"title": "Taken"})).await;
    let refused = server.create(&json!({"title": "Refused"})).await;
    receiver.wait_for(2).await;
    let (taken, refused) =
        (taken["id"].as_str().expect("an id"), refused["id"].as_str().expect("an id"));
    server.settled(refused).await;
    server.settled(taken).await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.find(ROW, "Taken").await;
    let status = browser.find("select", "Any state").await;
    status.choose("failed").await;
    browser.wait_for_place("the state", |place| place.contains("status=failed")).await;
    browser.wait_gone(ROW, "Taken").await;
    browser.find(ROW, "Refused").await;

    // By the words of the answer, which stand with the attempt.
    browser.go("/deliveries?q=COLOUR").await;
    browser.find(ROW, "Refused").await;
    browser.wait_gone(ROW, "Taken").await;
    browser.go(&format!("/deliveries?task={taken}")).await;
    browser.find(ROW, "Taken").await;
    browser.wait_gone(ROW, "Refused").await;
    for (filter, is_there) in [
        ("webhook=default", true),
        ("webhook=nobody", false),
        ("event=task_created", true),
        ("event=task_deleted", false),
    ] {
        browser.go(&format!("/deliveries?{filter}")).await;
        browser
            .find(
                if is_there { ROW } else { "[data-test=empty]" },
                if is_there { "Taken" } else { "" },
            )
            .await;
    }
    browser.go("/deliveries?since=2040-01-01T00:00:00.000Z").await;
    browser.find("[data-test=empty]", "").await;
    browser.click("[data-test=empty] button", "Clear").await;
    browser.find(ROW, "Taken").await;
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn a_delivery_is_explained_copied_and_sent_again() {
    let receiver =
        Receiver::start(|_| Reply::status(400).body("{\"message\":\"Validation failed\"}")).await;
    let url = format!("{}/the-secret-path", receiver.url());
    let server = Server::start(&[
        ("WEBHOOK_URL", &url),
        ("WEBHOOK_HEADERS", "x-make-apikey: a-key-of-this-test"),
    ])
    .await;
    let task = server.create(&json!({"title": "It's \"quoted\""})).await;
    let id = task["id"].as_str().expect("an id");
    server.settled(id).await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.find(ROW, "Failed").await;
    browser.press(&["j", "Enter"]).await;
    browser.find("dialog", "The receiver answered 400 Bad Request.").await;
    browser.find("dialog pre", "Validation failed").await;
    browser.find("dialog", "x-make-apikey").await;
    let shown = browser.find("dialog", "").await.text().await;
    assert!(!shown.contains("the-secret-path") && !shown.contains("a-key-of-this-test"), "{shown}");

    // The copied line is one that a shell understands, with the body byte for byte.
    browser
        .devtools(
            "Browser.grantPermissions",
            json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}),
        )
        .await;
    browser.click("dialog button", "Copy as curl").await;
    browser.find("dialog button", "Copied").await;
    let curl = browser.js("return navigator.clipboard.readText()", &[]).await;
    let curl = curl.as_str().expect("a text").to_owned();
    assert!(!curl.contains("the-secret-path") && !curl.contains("a-key-of-this-test"), "{curl}");
    let listener = Receiver::ok().await;
    let mut shell = tokio::process::Command::new("bash");
    let done =
        shell.arg("-c").arg(&curl).env("WEBHOOK_URL", listener.url()).output().await.expect("bash");
    assert!(done.status.success(), "{curl}\n{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(listener.wait_for(1).await[0].body, receiver.hits()[0].body);
    assert_eq!(listener.hits()[0].header("webhook-id"), receiver.hits()[0].header("webhook-id"));

    receiver.answer(|_| Reply::ok().body("Accepted"));
    browser.click("dialog button", "Redeliver").await;
    browser.find("dialog .mark", "Delivered").await;
    browser.find("dialog", "Attempt 2").await;
    assert_eq!(receiver.hits()[1].header("webhook-id"), receiver.hits()[0].header("webhook-id"));
    browser.press(&["Escape"]).await;
    browser.find(ROW, "Delivered").await;
    browser.expect_content(&[]).await;
}

/// What a delivery is comes before its request and its event do: that something is still under way then must not
/// take what is there off the page.
#[tokio::test]
async fn a_slow_network_leaves_the_buttons_of_a_delivery_on_the_page() {
    let receiver = Receiver::start(|_| Reply::status(400)).await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "One"})).await;
    server.settled(task["id"].as_str().expect("an id")).await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.find(ROW, "Failed").await;
    // Two answers one after the other take longer than the page waits before it says that it does; one does not.
    browser.devtools("Network.enable", json!({})).await;
    let slow =
        json!({"offline": false, "latency": 200, "downloadThroughput": -1, "uploadThroughput": -1});
    browser.devtools("Network.emulateNetworkConditions", slow).await;
    browser.click(ROW, "Failed").await;
    browser.find("dialog", "evt_").await;
    browser.settled().await;
    browser.click("dialog button", "Redeliver").await;
    browser.find("dialog", "Attempt 2").await;
    browser.expect_content(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_says_for_what_and_can_be_cancelled() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let server =
        Server::start(&[("WEBHOOK_URL", &receiver.url()), ("WEBHOOK_ATTEMPTS", "1")]).await;
    let task = server.create(&json!({"title": "One"})).await;
    let id = task["id"].as_str().expect("an id");
    server.put(&format!("/api/tasks/{id}"), &json!({"priority": "HIGH"})).await.expect(200);
    let browser = Browser::at(&server, "/deliveries?status=held").await;
    browser.click(ROW, "Updated").await;
    browser.find("dialog", "The connection was refused").await;
    browser.find("dialog a", "dlv_1_default").await;
    browser.click("dialog button", "Cancel").await;
    browser.click("dialog.box button", "Cancel").await;
    browser.find("dialog .mark", "Cancelled").await;
    let found = server.deliveries("status=cancelled").await;
    assert_eq!(found[0]["id"], "dlv_2_default");
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn what_was_missed_is_recovered_with_its_progress() {
    let receiver = Receiver::ok().await;
    let mut server = Server::open(&[]).await;
    for n in 0..40 {
        server.create(&json!({"title": format!("Before {n}")})).await;
    }
    server.stop().await;
    server.set("WEBHOOK_URL", &receiver.url());
    server.restart().await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.click("button", "Recover").await;
    browser.find("dialog [data-test=preview]", "40").await;
    browser.click("dialog button.first", "40").await;
    browser.find("dialog [data-test=progress]", "40").await;
    receiver.wait_for(40).await;
    browser.find("dialog button", "Done").await;
    browser.press(&["Escape"]).await;
    browser.find("[data-test=total]", "40").await;
    let titles: Vec<Value> =
        receiver.hits().iter().map(|hit| hit.json()["task"]["title"].clone()).collect();
    assert_eq!(titles.len(), 40);
    browser.expect_content(&[]).await;
}

/// What the filter in sight says is where the dialog begins; without a webhook there, the one with failures.
#[tokio::test]
async fn a_recovery_begins_with_what_is_in_sight() {
    let good = Receiver::ok().await;
    let bad = Receiver::start(|_| Reply::status(400)).await;
    let server = Server::open(&[("WEBHOOK_URL", &good.url())]).await;
    server.hook_to(&bad, &json!({"description": "It refuses"})).await;
    let task = server.create(&json!({"title": "Refused"})).await;
    server.settled(task["id"].as_str().expect("an id")).await;
    let browser = Browser::at(&server, "/deliveries").await;
    browser.find(ROW, "Refused").await;
    let form = async || {
        browser.click("button", "Recover").await;
        browser.find("dialog [data-test=preview]", "would be sent").await;
        let script = "const form = document.querySelector('#recover-form');
            const chosen = form.querySelector('select').selectedOptions[0].textContent;
            const ticked = [...form.querySelectorAll('input:checked')].map((e) => e.value);
            const moments = [...form.querySelectorAll('input[type=datetime-local]')].map((e) => e.value);
            return [chosen, ticked, moments]";
        let found = browser.js(script, &[]).await;
        browser.press(&["Escape"]).await;
        browser.wait_gone("dialog", "").await;
        found
    };
    let found = form().await;
    assert_eq!((&found[0], &found[1]), (&json!("It refuses"), &json!(["failed", "unsent"])));
    // What is held for its own sake is meant, not what waits for a webhook.
    let holds = format!("{}/holds", bad.url());
    server.hook(&json!({"url": holds, "description": "It holds", "onReject": "hold"})).await;
    server.hook_to(&good, &json!({"description": "Newer"})).await;
    server.tell("default", "pause").await.expect(200);
    server.create(&json!({"title": "Held"})).await;
    server.total_is("status=held", 2).await;
    browser.go("/deliveries?status=held").await;
    browser.find("[data-test=total]", "2 deliveries").await;
    let found = form().await;
    assert_eq!((&found[0], &found[1]), (&json!("It holds"), &json!(["held"])));
    browser
        .go("/deliveries?status=delivered&webhook=default&since=2020-01-02T03:04:00.000Z&q=nowhere-to-be-found")
        .await;
    browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "UTC"})).await;
    browser.find("[data-test=empty]", "").await;
    let found = form().await;
    assert_eq!((&found[0], &found[1]), (&json!("default"), &json!(["delivered"])));
    assert_eq!(found[2], json!(["2020-01-02T03:04", ""]));
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn each_row_names_its_webhook_at_every_width() {
    let receiver = Receiver::start(|hit| {
        if hit.task("title") == "Refused" { Reply::status(400) } else { Reply::ok() }
    })
    .await;
    let server = Server::open(&[]).await;
    server.hook_to(&receiver, &json!({"description": "Sales"})).await;
    for title in ["Taken", "Refused"] {
        let task = server.create(&json!({"title": title})).await;
        server.settled(task["id"].as_str().expect("an id")).await;
    }
    let browser = Browser::start(&server).await;
    for width in [320, 360, 480, 720, 721, 768, 960, 961, 1280, 1920, 2560] {
        browser.resize(width, 800).await;
        browser.go("/deliveries").await;
        for title in ["Taken", "Refused"] {
            browser.find(ROW, title).await;
        }
        let script = "return [...document.querySelectorAll('.delivery[data-id] .cell-webhook')]
            .map((e) => [e.textContent, e.checkVisibility() && e.getBoundingClientRect().width > 30])";
        let found = browser.js(script, &[]).await;
        assert_eq!(found, json!([["Sales", true], ["Sales", true]]), "{width}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_the_list_are_sent_again_or_cancelled_after_a_question_that_says_how_many() {
    let receiver = Receiver::start(|hit| {
        Reply::status(if hit.task("title").starts_with("Refused") { 422 } else { 200 })
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for n in 0..6 {
        let words = ["Refused", "Taken"][n % 2];
        server.create(&json!({"title": format!("{words} {n}")})).await;
    }
    receiver.wait_for(6).await;
    let browser = Browser::at(&server, "/deliveries?status=failed").await;
    browser.find("[data-test=total]", "3 deliveries").await;
    browser.click("main .head button", "More").await;
    browser.click("button", "Cancel all").await;
    browser.find("#toasts", "nothing to cancel").await;
    receiver.answer(|_| Reply::ok());
    browser.click("main .head button", "More").await;
    browser.click("button", "Redeliver all").await;
    browser.find("dialog h2", "Redeliver 3 deliveries?").await;
    browser.click("dialog button", "Redeliver 3").await;
    receiver.wait_for(9).await;
    browser.find("[data-test=empty]", "No delivery is like this").await;

    server.tell("default", "pause").await.expect(200);
    for n in 0..4 {
        server.create(&json!({"title": format!("Waits {n}")})).await;
    }
    browser.go("/deliveries?status=held").await;
    browser.find("[data-test=total]", "4 deliveries").await;
    browser.click("main .head button", "More").await;
    browser.click("button", "Cancel all").await;
    browser.find("dialog h2", "Cancel 4 deliveries?").await;
    browser.click("dialog button", "Cancel 4").await;
    browser.find("[data-test=empty]", "").await;
    assert_eq!(server.total("status=cancelled").await, 4);
    assert_eq!(receiver.hits().len(), 9);
    browser.expect_content(&[]).await;
}

/// What the address of the page says is what the list shows and what is done with all in it: several values, the API's
/// names, a webhook that was deleted; what is unknown is said, and nothing is done with all then.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_in_the_address_is_kept_or_said_to_be_unknown() {
    let receiver = Receiver::start(|hit| {
        Reply::status(if hit.task("title") == "Refused" { 422 } else { 200 })
    })
    .await;
    let server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    let other = server.hook_to(&receiver, &json!({"description": "Away soon"})).await;
    server.tell(&other, "pause").await.expect(200);
    for title in ["Refused", "Taken"] {
        server.create(&json!({"title": title})).await;
    }
    receiver.wait_for(2).await;
    server.delete(&format!("/api/webhooks/{other}")).await.expect(204);
    let browser = Browser::start(&server).await;
    let field = async |label: &str| {
        let script = "return document.querySelector(`[aria-label=${arguments[0]}]`).selectedOptions[0].textContent";
        browser.js(script, &[json!(label)]).await
    };
    for address in ["status=failed,delivered", "status=failed&status=delivered"] {
        browser.go(&format!("/deliveries?{address}")).await;
        browser.find("[data-test=total]", "2 deliveries").await;
        assert_eq!(field("State").await, "Failed or Delivered");
    }
    for name in ["webhook", "webhookId"] {
        browser.go(&format!("/deliveries?{name}={other}&status=cancelled")).await;
        browser.find("[data-test=total]", "2 deliveries").await;
        let shown = "document.querySelector('[aria-label=Webhook]').selectedOptions[0].textContent";
        let wanted = format!("{shown} === '{other} (deleted)'");
        browser.wait_for("it is said to be deleted", &wanted).await;
        browser.click("main .head button", "More").await;
        browser.click("button", "Cancel all").await;
        browser.find("#toasts", "nothing to cancel").await;
    }
    for (address, said) in [
        ("status=nope", "status"),
        ("status=failed,nope", "nope"),
        ("since=foo", "foo"),
        ("statsu=failed", "statsu"),
        ("webhook=default&webhook=other", "other"),
    ] {
        browser.go(&format!("/deliveries?{address}")).await;
        browser.find("[data-test=unknown]", said).await;
        browser.click("main .head button", "More").await;
        browser.click("button", "Redeliver all").await;
        browser.find("#toasts", "leave out of the address").await;
        assert!(!browser.has("dialog[open]", "Redeliver").await, "{address}");
    }
    browser.click("[data-test=unknown] button", "Leave it out").await;
    browser.wait_for_place("what is known", |place| place == "/deliveries?webhook=default").await;
    browser.wait_gone("[data-test=unknown]", "").await;
    browser.expect_content(&[]).await;
}
