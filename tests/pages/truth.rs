//! The board tells the truth: of many webhooks how many did what, of a move whether it happened, and a way back.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server, eventually};

fn card(column: &str) -> String {
    format!("[data-status={column}] [data-test=card]")
}

fn column(status: &str) -> String {
    format!("section.column[data-status={status}]")
}

async fn wait_for_status(server: &Server, id: &str, status: &str) {
    eventually(&format!("it is {status}"), async || {
        let task = server.get(&format!("/api/tasks/{id}")).await.json();
        (task["status"] == status).then_some(())
    })
    .await;
}

/// Calls of the page fail from now on as they do without a network; the worker that all windows share has one.
async fn offline(browser: &Browser, is: bool) {
    let state =
        json!({"offline": is, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", state).await;
}

#[tokio::test]
async fn one_refusing_webhook_of_several_is_counted_and_not_all_of_them() {
    let good = Receiver::ok().await;
    let bad = Receiver::start(|_| Reply::status(400)).await;
    let server = Server::open(&[]).await;
    for n in 0..8 {
        let url = format!("{}/{n}", good.url());
        server.hook(&json!({"description": format!("Good {n}"), "url": url})).await;
    }
    server.hook_to(&bad, &json!({"description": "The one that refuses"})).await;
    let task = server.create(&json!({"title": "To nine"})).await;
    let id = task["id"].as_str().expect("an id");
    server.settled(id).await;
    let browser = Browser::at(&server, "/").await;
    let mark = browser.find("[data-test=fate][data-fate=failed]", "1 of 9 failed").await;
    assert_eq!(mark.text().await, "1 of 9 failed");
    let said = "return document.querySelector('[data-test=card]').ariaLabel";
    let said = browser.js(said, &[]).await;
    assert!(said.as_str().is_some_and(|text| text.contains("1 of 9 failed")), "{said}");
    // Where all of them are one, that is said as ever.
    bad.answer(|_| Reply::ok());
    server.put(&format!("/api/tasks/{id}"), &json!({"priority": "HIGH"})).await.expect(200);
    browser.find("[data-test=fate][data-fate=delivered]", "").await;
    let mark = browser.find("[data-test=fate]", "").await.text().await;
    assert_eq!(mark.trim(), "");

    // Its history says which one, by its name.
    browser.go(&format!("/?open={id}")).await;
    browser.find("dialog [data-test=event]", "Created").await;
    browser.js("[...document.querySelectorAll('dialog details')].at(-1).open = true", &[]).await;
    browser.find("dialog .history-deliveries p", "The one that refuses").await;
    browser.expect_content(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_task_tells_times_as_the_reader_has_them() {
    let receiver = Receiver::ok().await;
    receiver.down();
    let server =
        Server::start(&[("WEBHOOK_URL", &receiver.url()), ("WEBHOOK_ATTEMPTS", "1")]).await;
    let task = server.create(&json!({"title": "Waits"})).await;
    let id = task["id"].as_str().expect("an id");
    server.delivery_is(&format!("taskId={id}"), "held", "webhook_down").await;
    let browser = Browser::start(&server).await;
    browser
        .devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "Pacific/Auckland"}))
        .await;
    browser.go(&format!("/?open={id}")).await;
    browser.click("dialog summary", "Webhooks").await;
    let said = browser.find("dialog .history-deliveries p", "goes out at").await.text().await;
    let at = server.deliveries(&format!("taskId={id}")).await[0]["nextAttemptAt"].clone();
    let day = at.as_str().and_then(|at| at.get(..11)).expect("a moment");
    assert!(!said.contains(day), "a moment in UTC: {said}");
    let local = "return new Date(arguments[0]).toLocaleString('en', {dateStyle: 'medium', timeStyle: 'medium'})";
    let local = browser.js(local, &[at]).await;
    let head = local.as_str().expect("a time").split(',').next().expect("a day");
    assert!(said.contains(head), "{said} and not {local}");
}

#[tokio::test]
async fn a_move_without_a_network_goes_back_and_the_mark_is_not_green() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let task = server.create(&json!({"title": "Stays"})).await;
    let id = task["id"].as_str().expect("an id");
    server.settled(id).await;
    let browser = Browser::at(&server, "/").await;
    browser.find(".live", "Live").await;
    browser.find("[data-test=fate][data-fate=delivered]", "").await;
    offline(&browser, true).await;
    browser.drag((&card("OPEN"), "Stays"), &column("DONE")).await;
    browser.find(".toast", "is back in").await;
    browser.find(".live", "No connection").await;
    browser.find(&card("OPEN"), "Stays").await;
    // Nothing waits: its last change has arrived, as before.
    browser.find("[data-test=fate][data-fate=delivered]", "").await;
    assert!(!browser.has(".toast button", "Undo").await, "a move that did not happen");
    offline(&browser, false).await;
    browser.find(".live", "Live").await;
    browser.drag((&card("OPEN"), "Stays"), &column("DONE")).await;
    wait_for_status(&server, id, "DONE").await;
    browser.expect_content(&["ERR_INTERNET_DISCONNECTED"]).await;
}

/// A server that is there and says nothing more, as one whose machine sleeps.
#[tokio::test]
async fn a_server_that_has_gone_silent_is_noticed() {
    let server = Server::start(&[]).await;
    server.create(&json!({"title": "Seen"})).await;
    let browser = Browser::at(&server, "/").await;
    browser.find(".live", "Live").await;
    let signal = |name: &str| {
        let done =
            std::process::Command::new("kill").args([name, &server.pid().to_string()]).status();
        assert!(done.expect("kill runs").success());
    };
    signal("-STOP");
    browser.find(".live", "No connection").await;
    signal("-CONT");
    browser.find(".live", "Live").await;
    server.create(&json!({"title": "Afterwards"})).await;
    browser.find("[data-test=card]", "Afterwards").await;
    browser.expect_content(&["ERR_"]).await;
}

#[tokio::test]
async fn a_move_is_taken_back_by_its_button_and_by_the_keys() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "Moved"})).await;
    let id = task["id"].as_str().expect("an id");
    let browser = Browser::at(&server, "/").await;
    browser.drag((&card("OPEN"), "Moved"), &column("IN_PROGRESS")).await;
    wait_for_status(&server, id, "IN_PROGRESS").await;
    browser.click(".toast button", "Undo").await;
    wait_for_status(&server, id, "OPEN").await;
    browser.find(&card("OPEN"), "Moved").await;

    // Two steps by the keyboard, taken back one after the other.
    browser.press(&["j", "]", "]"]).await;
    wait_for_status(&server, id, "DONE").await;
    browser.press(&["u"]).await;
    wait_for_status(&server, id, "IN_PROGRESS").await;
    browser.press(&["Control+z"]).await;
    wait_for_status(&server, id, "OPEN").await;
    browser.find(&card("OPEN"), "Moved").await;

    // The last thing first, whatever it was.
    browser.press(&["]"]).await;
    wait_for_status(&server, id, "IN_PROGRESS").await;
    browser.press(&["d"]).await;
    browser.wait_gone("[data-test=card]", "Moved").await;
    browser.press(&["u"]).await;
    browser.find(&card("IN_PROGRESS"), "Moved").await;
    browser.press(&["u"]).await;
    wait_for_status(&server, id, "OPEN").await;

    // A filter that no longer shows it does not keep it from coming back.
    browser.go("/?due=overdue").await;
    server.put(&format!("/api/tasks/{id}"), &json!({"dueDate": "2020-01-02"})).await.expect(200);
    browser.find(&card("OPEN"), "Moved").await;
    browser.drag((&card("OPEN"), "Moved"), &column("DONE")).await;
    wait_for_status(&server, id, "DONE").await;
    browser.wait_gone("[data-test=card]", "Moved").await;
    browser.click(".toast button", "Undo").await;
    wait_for_status(&server, id, "OPEN").await;
    browser.find(&card("OPEN"), "Moved").await;
    browser.expect_content(&[]).await;
}

/// A text that runs from right to left is shown so, and ours around it stays as it is.
#[tokio::test]
async fn texts_run_in_their_own_direction() {
    const TITLE: &str = "שלום עולם: offer 12!";
    let receiver = Receiver::ok().await;
    let server = Server::open(&[]).await;
    server.hook_to(&receiver, &json!({"description": "مستقبل الأخبار"})).await;
    let task =
        server.create(&json!({"title": TITLE, "tags": ["דחוף"], "description": "תיאור"})).await;
    let id = task["id"].as_str().expect("an id");
    server.settled(id).await;
    server
        .put(&format!("/api/tasks/{id}"), &json!({"title": TITLE.to_owned() + "!"}))
        .await
        .expect(200);
    let browser = Browser::start(&server).await;
    let delivery = server.settled(id).await[0]["id"].as_str().expect("an id").to_owned();
    for (path, selector, text) in [
        ("/".to_owned(), ".task-title", TITLE),
        ("/".to_owned(), ".task .chip.tag", "דחוף"),
        (format!("/?open={id}"), "dialog textarea", TITLE),
        (format!("/?open={id}"), "dialog .chips .clip", "דחוף"),
        (format!("/?open={id}"), "dialog .change del", TITLE),
        ("/deliveries".to_owned(), ".cell-task a", TITLE),
        ("/deliveries".to_owned(), ".cell-webhook .clip", "مستقبل الأخبار"),
        (format!("/deliveries?open={delivery}"), "dialog del", TITLE),
        ("/webhooks".to_owned(), ".webhook h2", "مستقبل الأخبار"),
    ] {
        browser.go(&path).await;
        browser.find(selector, text).await;
        runs(&browser, selector, text, "rtl").await;
    }
    browser.go("/").await;
    runs(&browser, "body", "", "ltr").await;
    browser.find("[data-test=card]", "").await;
    browser.press(&["n"]).await;
    browser.type_text("שלום").await;
    runs(&browser, ".column-add input", "", "rtl").await;
}

/// Waits until what has this text runs in a direction.
async fn runs(browser: &Browser, selector: &str, text: &str, direction: &str) {
    let script = "const [selector, text, direction] = arguments;
        const says = (e) => (e.value ?? '').includes(text) || e.textContent.includes(text);
        const found = [...document.querySelectorAll(selector)].filter(says);
        return found.length > 0 && found.every((e) => getComputedStyle(e).direction === direction)";
    let args = [json!(selector), json!(text), json!(direction)];
    eventually(&format!("{selector} with {text:?} runs {direction}"), async || {
        (browser.js(script, &args).await == json!(true)).then_some(())
    })
    .await;
}

/// What comes in while somebody searches is shown where the search of the server would find it.
#[tokio::test]
async fn a_search_follows_what_happens_as_the_server_would_find_it() {
    let server = Server::start(&[]).await;
    server.create(&json!({"title": "Send the offer"})).await;
    let browser = Browser::at(&server, "/?q=offer+SEND").await;
    browser.find("[data-test=card]", "Send the offer").await;
    server.create(&json!({"title": "Only an offer"})).await;
    server.create(&json!({"title": "An offer", "description": "to be sent, or: send it"})).await;
    browser.find("[data-test=card]", "An offer").await;
    assert!(!browser.has("[data-test=card]", "Only an offer").await);
    browser.expect_content(&[]).await;
}
