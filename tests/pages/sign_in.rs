//! Signing in: the token once, then a cookie that no script sees.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::Server;

const TOKEN: &str = "a-token-of-this-test-0123456789";

async fn guarded() -> Server {
    Server::start(&[("HOST", "127.0.0.1"), ("API_TOKEN", TOKEN)]).await
}

#[tokio::test]
async fn the_token_opens_the_page_that_was_asked_for() {
    let server = guarded().await;
    let browser = Browser::at(&server, "/deliveries?status=failed").await;
    browser.wait_for_place("the sign-in page", |place| place.starts_with("/sign-in?next=")).await;

    browser.find("input[type=password]", "").await.type_text("not the token at all").await;
    browser.press(&["Enter"]).await;
    browser.find(".error, .form-error", "token").await;

    browser.find("input[type=password]", "").await.fill(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.wait_for_place("the page", |place| place == "/deliveries?status=failed").await;
    browser.find("h1", "Deliveries").await;
    let seen = browser
        .js("return document.cookie + JSON.stringify({...localStorage, ...sessionStorage})", &[])
        .await;
    assert_eq!(seen, "{}", "a script can read the session");

    // What the page writes is let in by the cookie.
    let write =
        "return fetch('/api/tasks', {method: 'POST', headers: {'content-type': 'application/json'},
                 body: JSON.stringify({title: 'by cookie'})}).then((answer) => answer.status)";
    assert_eq!(browser.js(write, &[]).await, json!(201));
    browser.expect_content(&["401"]).await;
}

#[tokio::test]
async fn signing_out_ends_it() {
    let server = guarded().await;
    let browser = Browser::at(&server, "/").await;
    browser.find("input[type=password]", "").await.type_text(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.click("button", "Sign out").await;
    browser.wait_for_place("the sign-in page", |place| place.starts_with("/sign-in")).await;
    browser.go("/webhooks").await;
    browser.wait_for_place("the sign-in page", |place| place.starts_with("/sign-in?next=")).await;
}

#[tokio::test]
async fn the_way_back_leads_to_this_site_alone() {
    let server = guarded().await;
    for next in [
        "https://example.org/",
        "//example.org/",
        "/\\example.org/",
        "javascript:document.title='run'",
    ] {
        let browser = Browser::start(&server).await;
        let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        browser.go(&format!("/sign-in?next={encoded}")).await;
        browser.find("input[type=password]", "").await.type_text(TOKEN).await;
        browser.press(&["Enter"]).await;
        browser.find(".top nav a", "Board").await;
        assert_eq!(browser.place().await, "/", "{next}");
    }
}

#[tokio::test]
async fn a_session_that_ends_takes_nothing_that_was_typed() {
    let server = guarded().await;
    let create =
        server.call("POST", "/api/tasks").header("authorization", &format!("Bearer {TOKEN}"));
    let task = create.json(&json!({"title": "Kept"})).send().await.expect(201).json();
    let id = task["id"].as_str().expect("an id");
    let browser = Browser::at(&server, &format!("/?open={id}")).await;
    browser.find("input[type=password]", "").await.type_text(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.find("dialog textarea", "Kept").await.type_text(" and more").await;
    browser.devtools("Network.clearBrowserCookies", json!({})).await;
    browser.click("dialog button[type=submit]", "Save").await;
    browser.find(".form-error, .error, .toast", "You are signed out").await;
    browser.find("dialog textarea", "Kept and more").await;

    // Signed in again in another tab, the same button does it.
    let sign_in = "return fetch('/api/session', {method: 'POST', headers: {'content-type': 'application/json'},
                   body: JSON.stringify({token: arguments[0]})}).then((answer) => answer.status)";
    assert_eq!(browser.js(sign_in, &[json!(TOKEN)]).await, json!(204));
    browser.click("dialog button[type=submit]", "Save").await;
    browser.wait_gone("dialog", "").await;
    browser.find("[data-test=card]", "Kept and more").await;
    browser.expect_content(&["401"]).await;
}
