//! No page keeps anybody out: axe-core, which knows the rules that people who see, hear or move otherwise depend on,
//! finds nothing on any page, light and wide, dark and on a phone, with whatever can be open over it.
//!
//! axe-core is no part of the program: npm fetches it into `tests/pages/axe`, in the version of the lock file.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::json;

use crate::browser::Browser;
use crate::frame::in_use;
use crate::harness::{Receiver, Server};
use crate::sign_in::{end_session, guarded, signed_in};

/// What to look at: where it is, and what is pressed there, one after the other: a selector and a text.
type View<'a> = (&'a str, &'a [(&'a str, &'a str)]);

const NOTHING: &[(&str, &str)] = &[];

const TASKS: [View; 5] = [
    ("/", &[]),
    ("/?q=nothing-is-called-this", &[]),
    ("/", &[("button", "Compact list")]),
    ("/", &[("button", "New task")]),
    ("/", &[("button", "Keys")]),
];

const DELIVERIES: [View; 5] = [
    ("/deliveries", &[]),
    ("/deliveries?task=nothing-is-called-this", &[]),
    ("/deliveries", &[("button", "Compact list")]),
    ("/deliveries", &[("button", "Recover…")]),
    ("/deliveries", &[("main .head button", "More"), ("button", "Redeliver all")]),
];

const WEBHOOKS: [View; 6] = [
    ("/webhooks", &[]),
    ("/webhooks", &[("button", "Add webhook")]),
    ("/webhooks", &[("button", "Send a test event"), ("dialog button", "Send")]),
    ("/webhooks", &[("button", "More for")]),
    ("/webhooks", &[("button", "More for"), ("[role=menuitem]", "Rotate secret…")]),
    ("/webhooks", &[("button", "More for"), ("[role=menuitem]", "Delete…")]),
];

const OTHERS: [View; 4] =
    [("/setup", &[]), ("/overview", &[]), ("/overview", &[("summary", "")]), ("/docs", &[])];

#[tokio::test]
async fn axe_finds_nothing_among_the_tasks() {
    let (_receiver, server) = begun().await;
    let task = server.get("/api/tasks?limit=1").await.json()[0]["id"].clone();
    let path = format!("/?open={}", task.as_str().expect("an id"));
    nothing_found(&server, TASKS.into_iter().chain([(&*path, NOTHING)])).await;
}

#[tokio::test]
async fn axe_finds_nothing_among_the_deliveries() {
    let (_receiver, server) = begun().await;
    let delivery = server.deliveries("limit=1").await[0]["id"].clone();
    let path = format!("/deliveries?open={}", delivery.as_str().expect("an id"));
    nothing_found(&server, DELIVERIES.into_iter().chain([(&*path, NOTHING)])).await;
}

#[tokio::test]
async fn axe_finds_nothing_among_the_webhooks() {
    let (_receiver, server) = begun().await;
    nothing_found(&server, WEBHOOKS.into_iter()).await;
}

#[tokio::test]
async fn axe_finds_nothing_on_the_other_pages() {
    let (_receiver, server) = begun().await;
    nothing_found(&server, OTHERS.into_iter()).await;
}

/// A server in use, and where it sends to.
async fn begun() -> (Receiver, Server) {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    (receiver, server)
}

async fn nothing_found(server: &Server, views: impl Iterator<Item = View<'_>>) {
    let browser = Browser::start(server).await;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": *AXE})).await;
    let mut found = Vec::new();
    for (path, presses) in views {
        browser.resize(1_400, 850).await;
        browser.prefer("light").await;
        browser.go(path).await;
        // Density is remembered: the view after this one is to begin as a first visit.
        browser.js("localStorage.clear()", &[]).await;
        if path != "/docs" {
            browser.find(".live", "Live").await;
        }
        if path.contains("open=") {
            browser.find("dialog", "").await;
        }
        for (selector, text) in presses {
            browser.click(selector, text).await;
        }
        found.extend(look(&browser, &format!("{path} {presses:?}, light, wide")).await);
        browser.prefer("dark").await;
        browser.resize(360, 850).await;
        found.extend(look(&browser, &format!("{path} {presses:?}, dark, on a phone")).await);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn axe_finds_nothing_where_one_signs_in() {
    let server = guarded().await;
    let browser = Browser::start(&server).await;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": *AXE})).await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.go("/sign-in").await;
        browser.find("h1, h2", "Sign in").await;
        assert_eq!(look(&browser, scheme).await, Vec::<String>::new());
    }
    // And where one is asked again, in the middle of something.
    let browser = signed_in(&server, "/").await;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": *AXE})).await;
    browser.go("/").await;
    browser.find(".live", "Live").await;
    browser.press(&["n"]).await;
    browser.type_text("Typed in between").await;
    end_session(&browser).await;
    browser.press(&["Enter"]).await;
    browser.find("dialog [data-test=why]", "session has ended").await;
    assert_eq!(look(&browser, "asked again").await, Vec::<String>::new());
    browser.expect_content(&["401"]).await;
}

#[tokio::test]
async fn axe_finds_nothing_where_there_is_nothing() {
    let server = Server::start(&[]).await;
    let browser = Browser::start(&server).await;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": *AXE})).await;
    browser.go("/nowhere").await;
    browser.find("h1", "Nothing here").await;
    assert_eq!(look(&browser, "an unknown address").await, Vec::<String>::new());
    browser.expect_content(&["404"]).await;
}

/// What axe finds in what is shown now, each with where that is.
async fn look(browser: &Browser, place: &str) -> Vec<String> {
    browser.settled().await;
    // `preload` would fetch the style sheets once more, which the policy of the pages forbids.
    let script = "return axe.run(document, {preload: false}).then(({violations}) => violations.flatMap(({id, help, nodes}) =>
        nodes.slice(0, 3).map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}: ${node.failureSummary}`)))";
    let found = browser.js(script, &[]).await;
    let found = found.as_array().expect("a list").iter();
    found.map(|what| format!("{place}: {}", what.as_str().unwrap_or_default())).collect()
}

/// The library; npm brings it where it is not there yet.
static AXE: LazyLock<String> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(root.join("scripts/fetch")).args(["npm", "tests/pages/axe"]).status();
    let is_done = done.is_ok_and(|status| status.success());
    assert!(
        is_done,
        "axe-core is missing: run scripts/fetch npm tests/pages/axe (scripts/test does)"
    );
    std::fs::read_to_string(root.join("tests/pages/axe/node_modules/axe-core/axe.min.js"))
        .expect("axe-core")
});
