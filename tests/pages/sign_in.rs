//! Signing in: the token once, then a cookie that no script sees.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::Server;

const TOKEN: &str = "a-token-of-this-test-0123456789";

pub(crate) async fn guarded() -> Server {
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

/// A browser that is signed in, at a page.
pub(crate) async fn signed_in(server: &Server, path: &str) -> Browser {
    let browser = Browser::at(server, path).await;
    browser.find("input[type=password]", "").await.type_text(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.find(".top nav a", "Board").await;
    browser
}

/// The session ends, as it does after thirty days.
pub(crate) async fn end_session(browser: &Browser) {
    browser.devtools("Network.clearBrowserCookies", json!({})).await;
}

/// Signs in where the page asks for it, after a look at what it says.
async fn sign_in_again(browser: &Browser) {
    let why = browser.find("dialog [data-test=why]", "").await.text().await;
    assert!(why.contains("session has ended") && why.contains("still here"), "{why}");
    browser.find("dialog input[type=password]", "").await.type_text(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.wait_gone("dialog [data-test=sign-in]", "").await;
}

async fn make(server: &Server, title: &str) -> String {
    let create =
        server.call("POST", "/api/tasks").header("authorization", &format!("Bearer {TOKEN}"));
    let task = create.json(&json!({"title": title})).send().await.expect(201).json();
    task["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_session_that_ends_takes_nothing_that_was_typed() {
    let server = guarded().await;
    let id = make(&server, "Kept").await;
    let browser = signed_in(&server, &format!("/?open={id}")).await;
    browser.find("dialog textarea", "Kept").await.type_text(" and more").await;
    end_session(&browser).await;
    browser.click("dialog button[type=submit]", "Save").await;
    sign_in_again(&browser).await;
    // What was asked for goes on by itself.
    browser.wait_gone("dialog", "").await;
    browser.find("[data-test=card]", "Kept and more").await;

    // The line of a new task.
    browser.press(&["n"]).await;
    browser.type_text("Typed in between").await;
    end_session(&browser).await;
    browser.press(&["Enter"]).await;
    sign_in_again(&browser).await;
    browser.find("[data-test=card]", "Typed in between").await;

    // A card that is dragged, once it lies where it stays.
    browser.settled().await;
    end_session(&browser).await;
    browser
        .drag(("[data-test=card]", "Typed in between"), "section.column[data-status=DONE]")
        .await;
    sign_in_again(&browser).await;
    browser.find("[data-status=DONE] [data-test=card]", "Typed in between").await;
    browser.find(".live", "Live").await;

    // A form of another page.
    browser.go("/webhooks").await;
    browser.find("[data-test=empty]", "").await;
    browser.press(&["a"]).await;
    browser
        .find("dialog input[type=url], dialog input", "")
        .await
        .type_text("http://127.0.0.1:9/hook")
        .await;
    end_session(&browser).await;
    // This page reads by itself, too, and may have asked already: then the button lies below.
    browser.js("document.querySelector('button[form=webhook-form]').click()", &[]).await;
    sign_in_again(&browser).await;
    browser.find("dialog [data-field=url] .error, dialog [data-test=secret]", "").await;
    browser.expect_content(&["401", "400"]).await;
}

#[tokio::test]
async fn who_does_not_sign_in_again_keeps_the_page_and_is_asked_when_it_matters() {
    let server = guarded().await;
    make(&server, "Here").await;
    let browser = signed_in(&server, "/").await;
    browser.find("[data-test=card]", "Here").await;
    browser.press(&["n"]).await;
    browser.type_text("Half a tit").await;
    end_session(&browser).await;
    // Somebody else changes something, so the page reads: it asks when nobody types.
    make(&server, "Another").await;
    browser.find("dialog [data-test=sign-in]", "").await;
    browser.press(&["Escape"]).await;
    browser.wait_gone("dialog", "").await;
    browser.find(".live", "Signed out").await;
    browser.find(".column-add input", "Half a tit").await.type_text("le").await;
    browser.find(".column-add input", "Half a title").await;
    browser.press(&["Enter"]).await;
    // In another window of this browser: this one goes on by itself.
    let here = browser.window().await;
    browser.find("dialog [data-test=sign-in]", "").await;
    browser.open_window("/sign-in").await;
    browser.find("input[type=password]", "").await.type_text(TOKEN).await;
    browser.press(&["Enter"]).await;
    browser.find("[data-test=card]", "Here").await;
    browser.close_window().await;
    browser.switch_to(&here).await;
    browser.find("[data-test=card]", "Half a title").await;
    browser.find("[data-test=card]", "Another").await;
    browser.find(".live", "Live").await;

    // Who opens a page after that is told why there is a question.
    browser.js("return document.cookie", &[]).await;
    browser
        .devtools(
            "Network.setCookie",
            json!({"name": "btk_session", "value": "1.ab", "httpOnly": true,
            "url": format!("http://{}/", server.address())}),
        )
        .await;
    browser.go("/deliveries").await;
    browser.find("[data-test=why]", "Your session has ended").await;
    browser.expect_content(&["401"]).await;
}
