//! The board: every way to change a task on it, and what its cards say of the webhook.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server, eventually};

/// Cards of a column with a title.
fn card(column: &str) -> String {
    format!("[data-status={column}] [data-test=card]")
}

/// A column itself.
fn column(status: &str) -> String {
    format!("section.column[data-status={status}]")
}

async fn status_of(server: &Server, title: &str) -> Value {
    let found = server.get("/api/tasks").await.json();
    let task = found.as_array().expect("tasks").iter().find(|task| task["title"] == title).cloned();
    task.unwrap_or_default()["status"].clone()
}

async fn wait_for_status(server: &Server, title: &str, status: &str) {
    let what = format!("{title:?} is {status}");
    eventually(&what, async || (status_of(server, title).await == status).then_some(())).await;
}

async fn totals(browser: &Browser) -> Value {
    browser
        .js(
            "return [...document.querySelectorAll('[data-test=total]')].map((e) => e.textContent)",
            &[],
        )
        .await
}

#[tokio::test]
async fn a_first_task_is_added_and_its_webhook_arrives() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let browser = Browser::at(&server, "/").await;
    browser.find("[data-test=empty]", "No tasks yet").await;
    browser.click("button", "New task").await;
    browser.type_text("Send the offer").await;
    browser.press(&["Enter"]).await;
    browser.find(&card("OPEN"), "Send the offer").await;
    receiver.wait_for(1).await;
    browser.find("[data-test=fate][data-fate=delivered]", "").await;
    // The line stays for the next one.
    browser.type_text("Call the printers").await;
    browser.press(&["Enter", "Escape"]).await;
    browser.find(&card("OPEN"), "Call the printers").await;
    assert_eq!(totals(&browser).await, json!(["2", "0", "0", "0"]));
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn a_card_is_dragged_and_its_mark_tells_of_the_webhook() {
    let receiver = Receiver::ok().await;
    let server =
        Server::start(&[("WEBHOOK_URL", &receiver.url()), ("WEBHOOK_ATTEMPTS", "1")]).await;
    server.create(&json!({"title": "Dragged"})).await;
    server.create(&json!({"title": "Refused"})).await;
    receiver.wait_for(2).await;
    let browser = Browser::at(&server, "/").await;

    // Slow enough that the mark can be seen on its way.
    receiver.answer(|_| Reply::ok().after(std::time::Duration::from_millis(1_500)));
    browser.drag((&card("OPEN"), "Dragged"), &column("IN_PROGRESS")).await;
    browser.find(&card("IN_PROGRESS"), "Dragged").await;
    browser
        .find(&format!("{} [data-fate=pending], {0} [data-fate=sending]", card("IN_PROGRESS")), "")
        .await;
    browser.find(&format!("{} [data-fate=delivered]", card("IN_PROGRESS")), "").await;
    wait_for_status(&server, "Dragged", "IN_PROGRESS").await;

    receiver.answer(|_| Reply::status(400).body("no such field"));
    browser.drag((&card("OPEN"), "Refused"), &column("DONE")).await;
    browser.find(&format!("{} [data-fate=failed]", card("DONE")), "").await;

    receiver.answer(|_| Reply::status(503));
    browser.drag((&card("IN_PROGRESS"), "Dragged"), &column("CANCELLED")).await;
    browser.find(&format!("{} [data-fate=held]", card("CANCELLED")), "").await;

    // The mark leads to the deliveries of the task.
    browser.click(&format!("{} [data-test=fate]", card("CANCELLED")), "").await;
    browser
        .wait_for_place("the deliveries", |place| place.starts_with("/deliveries?task=task_"))
        .await;
    browser.find("main", "Held").await;
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn the_keyboard_does_all_of_it() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for title in ["First", "Second", "Third"] {
        server.create(&json!({"title": title})).await;
    }
    let browser = Browser::at(&server, "/").await;
    browser.find(&card("OPEN"), "First").await;
    // The newest change stands first: down to the second, and one column on.
    browser.press(&["j", "j", "Shift+ArrowRight"]).await;
    wait_for_status(&server, "Second", "IN_PROGRESS").await;
    browser
        .wait_for(
            "the focus stays with the card",
            "document.activeElement.textContent.includes('Second')",
        )
        .await;
    browser.press(&["]"]).await;
    wait_for_status(&server, "Second", "DONE").await;
    browser.press(&["["]).await;
    wait_for_status(&server, "Second", "IN_PROGRESS").await;

    // Into the first column, open, change, save.
    browser.press(&["h"]).await;
    browser
        .wait_for("the first column", "document.activeElement.closest('[data-status=OPEN]')")
        .await;
    browser.press(&["Enter"]).await;
    browser.find("dialog select", "").await;
    let title = "document.querySelector('dialog textarea').value";
    browser.wait_for("the task is read", &format!("{title} !== ''")).await;
    browser.js("document.querySelector('dialog textarea').focus()", &[]).await;
    browser.press(&["Control+a"]).await;
    browser.type_text("Renamed").await;
    browser.press(&["Control+Enter"]).await;
    browser.wait_gone("dialog", "").await;
    browser.find(&card("OPEN"), "Renamed").await;

    // Search, and back to all.
    browser.press(&["/"]).await;
    browser.type_text("renamed").await;
    browser.wait_for_place("the search", |place| place.contains("q=renamed")).await;
    browser.wait_gone("[data-test=card]", "Second").await;
    browser.press(&["Control+a", "Backspace"]).await;
    browser.find("[data-test=card]", "Second").await;

    // Delete, undo; delete and let it go.
    browser.js("document.activeElement.blur()", &[]).await;
    browser.press(&["j"]).await;
    browser
        .wait_for("a card has the focus", "document.activeElement.matches('[data-test=card]')")
        .await;
    let name = browser
        .js("return document.activeElement.querySelector('.task-title').textContent", &[])
        .await;
    let name = name.as_str().expect("a title").to_owned();
    browser.press(&["d"]).await;
    browser.wait_gone("[data-test=card]", &name).await;
    browser.find(".toast", "Undo").await;
    browser.press(&["u"]).await;
    browser.find("[data-test=card]", &name).await;
    assert_ne!(status_of(&server, &name).await, Value::Null, "it was deleted all the same");
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn a_deletion_leaves_after_five_seconds_or_with_the_page() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    let waits = server.create(&json!({"title": "Waits"})).await;
    let leaves = server.create(&json!({"title": "Leaves"})).await;
    let path = |task: &Value| format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    let browser =
        Browser::at(&server, &format!("/?open={}", waits["id"].as_str().expect("an id"))).await;
    browser.click("dialog button", "Delete").await;
    let asked = std::time::Instant::now();
    browser.wait_gone("[data-test=card]", "Waits").await;
    eventually("it is deleted", async || {
        (server.get(&path(&waits)).await.status == 404).then_some(())
    })
    .await;
    assert!(asked.elapsed() > std::time::Duration::from_millis(4_500), "there was no time to undo");
    receiver
        .wait_until("the deletion", |hits| hits.iter().any(|hit| hit.event() == "task_deleted"))
        .await;

    browser.click("[data-test=card]", "Leaves").await;
    browser.click("dialog button", "Delete").await;
    browser.find(".toast", "Undo").await;
    browser.go("/overview").await;
    eventually("it is deleted", async || {
        (server.get(&path(&leaves)).await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test]
async fn all_fields_are_edited_and_two_people_do_not_overwrite_each_other() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "Both", "description": "old"})).await;
    let id = task["id"].as_str().expect("an id");
    let browser = Browser::at(&server, &format!("/?open={id}")).await;
    browser.find("dialog textarea", "Both").await;
    let fill = "
        const set = (label, value) => {
            const name = [...document.querySelectorAll('dialog label')].find((e) => e.textContent === label);
            const field = document.getElementById(name.htmlFor);
            field.value = value;
            field.dispatchEvent(new Event('input', {bubbles: true}));
            field.dispatchEvent(new Event('change', {bubbles: true}));
        };
        set('Status', 'IN_PROGRESS'); set('Priority', 'URGENT'); set('Type', 'WRITING'); set('Category', 'WORK');
        set('Due date', '2030-05-06');";
    browser.js(fill, &[]).await;
    browser.click("dialog button", "Add an attachment").await;
    browser.type_text("plan.pdf").await;
    browser.press(&["Tab"]).await;
    browser.type_text("https://example.org/plan.pdf").await;
    browser.find("dialog [data-field=tags] input", "").await.type_text("one,two,").await;

    // Somebody else changes it meanwhile: what was typed stays, and saving says so first.
    server
        .put(&format!("/api/tasks/{id}"), &json!({"description": "new", "priority": "LOW"}))
        .await
        .expect(200);
    browser.find("dialog [data-test=news]", "Priority").await;
    browser.click("dialog button[type=submit]", "Save").await;
    browser.wait_gone("dialog", "").await;
    let now = server.get(&format!("/api/tasks/{id}")).await.json();
    assert_eq!(now["priority"], "URGENT");
    assert_eq!((&now["description"], &now["status"]), (&json!("new"), &json!("IN_PROGRESS")));
    assert_eq!((&now["type"], &now["category"]), (&json!("WRITING"), &json!("WORK")));
    assert_eq!(
        (&now["dueDate"], &now["tags"]),
        (&json!("2030-05-06T00:00:00.000Z"), &json!(["one", "two"]))
    );
    assert_eq!(now["attachments"][0]["url"], "https://example.org/plan.pdf");

    // What the server refuses is said at the field, and nothing that was typed is lost.
    browser.click("[data-test=card]", "Both").await;
    browser.find("dialog textarea", "Both").await;
    browser
        .js("document.querySelector('dialog [data-field=type] input').value = 'not a label'", &[])
        .await;
    browser.find("dialog [data-field=type] input", "").await.type_text("!").await;
    browser.click("dialog button[type=submit]", "Save").await;
    browser.find("dialog [data-field=type] .error", "type").await;
    browser.expect_content(&["412", "400"]).await;
}

#[tokio::test]
async fn what_others_change_is_shown_at_once_and_filters_stand_in_the_address() {
    let server = Server::start(&[("WEBHOOK_SECRET", "a-secret-of-this-test")]).await;
    server.create(&json!({"title": "Here", "priority": "HIGH", "tags": ["sales"]})).await;
    let browser = Browser::at(&server, "/?priority=HIGH&tag=sales").await;
    browser.find(&card("OPEN"), "Here").await;
    server.create(&json!({"title": "Not these", "priority": "LOW", "tags": ["sales"]})).await;
    let incoming = json!({"event": "task_created", "task": {"id": "order-17", "title": "From Make", "priority": "HIGH", "tags": ["sales"]}});
    let call = server
        .call("POST", "/api/incoming-webhook")
        .header("x-webhook-secret", "a-secret-of-this-test");
    call.json(&incoming).send().await.expect(200);
    browser.find(&card("OPEN"), "From Make").await;
    assert_eq!(totals(&browser).await, json!(["2", "0", "0", "0"]));
    server
        .put("/api/tasks/order-17", &json!({"status": "DONE", "title": "Moved by Make"}))
        .await
        .expect(200);
    browser.find(&card("DONE"), "Moved by Make").await;
    server.put("/api/tasks/order-17", &json!({"priority": "LOW"})).await.expect(200);
    browser.wait_gone("[data-test=card]", "Moved by Make").await;
    assert_eq!(totals(&browser).await, json!(["1", "0", "0", "0"]));
    assert!(!browser.has("[data-test=card]", "Not these").await);
    browser.click("button", "Clear").await;
    browser.find(&card("OPEN"), "Not these").await;
    browser.wait_for_place("no filter", |place| place == "/").await;
    server.delete("/api/tasks/order-17").await.expect(200);
    browser.wait_gone("[data-test=card]", "Moved by Make").await;
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn a_move_that_the_server_refuses_goes_back_and_says_why() {
    let server = Server::start(&[]).await;
    let task = server.create(&json!({"title": "Gone meanwhile"})).await;
    let browser = Browser::at(&server, "/").await;
    browser.find(&card("OPEN"), "Gone meanwhile").await;
    // The page does not hear of the deletion before it moves the card.
    let deaf = "const ask = window.fetch; window.fetch = (path, init) => String(path).startsWith('/api/events')
                ? new Promise(() => {}) : ask(path, init);";
    browser.js(deaf, &[]).await;
    server.delete(&format!("/api/tasks/{}", task["id"].as_str().expect("an id"))).await.expect(200);
    browser.drag((&card("OPEN"), "Gone meanwhile"), &column("DONE")).await;
    browser.find(".toast", "not found").await;
    browser.wait_gone(&card("DONE"), "Gone meanwhile").await;
    browser.expect_content(&["404"]).await;
}

/// A due date without an hour is that day everywhere; one with an hour is a moment.
#[tokio::test]
async fn due_dates_are_those_of_the_reader() {
    let server = Server::start(&[]).await;
    server.create(&json!({"title": "A day", "dueDate": "2040-12-01"})).await;
    server.create(&json!({"title": "A moment", "dueDate": "2040-12-01T02:30:00Z"})).await;
    let browser = Browser::start(&server).await;
    for (zone, moment) in
        [("America/Los_Angeles", "Nov 30, 2040, 6:30"), ("Pacific/Auckland", "Dec 1, 2040, 3:30")]
    {
        browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": zone})).await;
        browser.go("/").await;
        let day = browser.find(&card("OPEN"), "A day").await.text().await;
        assert!(day.contains("Dec 1, 2040") && !day.contains(':'), "{zone}: {day}");
        let shown = browser.find(&card("OPEN"), "A moment").await.text().await;
        assert!(shown.contains(moment), "{zone}: {shown}");
        // Looking at it and saving something else leaves it as it is.
        browser.click("[data-test=card]", "A day").await;
        browser.find("dialog textarea", "A day").await.type_text("!").await;
        browser.press(&["Control+Enter"]).await;
        browser.wait_gone("dialog", "").await;
        let task = server.get("/api/tasks?q=A%20day").await.json()[0].clone();
        assert_eq!(task["dueDate"], "2040-12-01T00:00:00.000Z");
    }
    browser.expect_content(&[]).await;
}

#[tokio::test]
async fn filters_with_several_values_stand_in_the_address_and_are_shown() {
    let server = Server::start(&[]).await;
    for (title, priority, status) in
        [("One", "HIGH", "OPEN"), ("Two", "URGENT", "DONE"), ("Three", "LOW", "OPEN")]
    {
        server.create(&json!({"title": title, "priority": priority, "status": status})).await;
    }
    let browser = Browser::start(&server).await;
    browser.resize(1400, 800).await;
    for address in ["/?priority=HIGH,URGENT", "/?priority=URGENT&priority=HIGH"] {
        browser.go(address).await;
        browser.find(&card("OPEN"), "One").await;
        browser.find(&card("DONE"), "Two").await;
        assert_eq!(totals(&browser).await, json!(["1", "0", "1", "0"]), "{address}");
        let shown = "const shown = document.querySelector('[data-filter=priority]').selectedOptions[0]; return shown.textContent";
        let shown = browser.js(shown, &[]).await;
        assert!(["High, Urgent", "Urgent, High"].map(Value::from).contains(&shown), "{shown}");
    }
    // What comes in later is looked at in the same way.
    server.create(&json!({"title": "Four", "priority": "NORMAL"})).await;
    server.create(&json!({"title": "Five", "priority": "URGENT"})).await;
    browser.find(&card("OPEN"), "Five").await;
    assert_eq!(totals(&browser).await, json!(["2", "0", "1", "0"]));

    browser.go("/?status=DONE,IN_PROGRESS&colour=red&priority=MOST").await;
    browser.find(&card("DONE"), "Two").await;
    assert_eq!(totals(&browser).await, json!(["0", "0", "1", "0"]));
    browser.find("[data-test=only]", "Done or In progress").await;
    browser.find("[data-test=unknown]", "colour").await;
    browser.find("[data-test=unknown]", "MOST").await;
    browser.click("[data-test=only] button", "Show all").await;
    browser.find(&card("OPEN"), "Five").await;
    browser.wait_gone("[data-test=only]", "").await;
    browser.find("[data-test=unknown]", "colour").await;
    browser.expect_content(&[]).await;
}
