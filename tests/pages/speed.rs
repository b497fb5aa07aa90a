//! With a hundred thousand tasks and a million deliveries every page can be used within a second, and a filter answers
//! within 200 ms: as a reader sees it, in the browser.

use std::time::Instant;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::million::{Shape, filled};
use crate::harness::{Receiver, Server};

const RUNS: usize = 5;

/// Milliseconds from the beginning of a visit until the page shows what was asked for and a key would be heard.
async fn visit(server: &Server, path: &str, ready: &str) -> u64 {
    let browser = Browser::start(server).await;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        browser.devtools("Network.clearBrowserCache", json!({})).await;
        browser.go(path).await;
        // The time on the page's own clock, which begins with the visit; two frames later it is drawn.
        let script = format!(
            "return new Promise((done) => {{
                const look = () => ({ready}) ? requestAnimationFrame(() => setTimeout(() => done(performance.now()))) : setTimeout(look, 5);
                look();
            }})"
        );
        times.push(milliseconds(&browser.js(&script, &[]).await));
        browser.devtools("Page.navigate", json!({"url": "about:blank"})).await;
    }
    middle(times)
}

/// Milliseconds from a change of the address by the page's own fields until the answer is drawn.
async fn filter(browser: &Browser, change: &str, ready: &str) -> u64 {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let script = format!(
            "const began = performance.now();
             {change};
             return new Promise((done) => {{
                const look = () => ({ready}) ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : setTimeout(look, 2);
                look();
             }})"
        );
        times.push(milliseconds(&browser.js(&script, &[]).await));
        browser.js("document.querySelector('main').scrollTop = 0", &[]).await;
        clear(browser).await;
    }
    middle(times)
}

async fn clear(browser: &Browser) {
    browser.click("button", "Clear").await;
    browser.settled().await;
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a page's clock begins at 0"
)]
fn milliseconds(value: &Value) -> u64 {
    value.as_f64().expect("a number") as u64
}

fn middle(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Sets a select of the page as a reader does.
fn choose(label: &str, value: &str) -> String {
    format!(
        "const field = document.querySelector('select[aria-label=\"{label}\"]') ?? [...document.querySelectorAll('select')].find((e) => e.options[0].text === '{label}');
         field.value = '{value}'; field.dispatchEvent(new Event('change', {{bubbles: true}}))"
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; cargo test --release --test pages -- --ignored --nocapture a_million_seen"]
async fn a_million_seen() {
    let receiver = Receiver::ok().await;
    let began = Instant::now();
    let server = filled(&receiver, Shape::Usual).await;
    println!("filled and started in {:?}", began.elapsed());
    let rows = "document.querySelectorAll('main [role=row]').length > 8";
    let cards = "document.querySelectorAll('[data-test=card]').length > 12";
    let mut slow = Vec::new();
    for (path, ready) in [
        ("/", cards),
        ("/?q=no-such-words", "document.querySelector('[data-test=empty]')?.checkVisibility()"),
        ("/deliveries", rows),
        ("/deliveries?status=failed", rows),
        ("/webhooks", "document.querySelectorAll('[data-test=webhook]').length === 3"),
        ("/setup", "document.querySelector('[data-test=chosen]')"),
        (
            "/overview",
            "document.querySelector('[data-test=tile-waiting]')?.textContent.match(/[0-9]/)",
        ),
    ] {
        let took = visit(&server, path, ready).await;
        println!("{took:>6} ms  {path}");
        if took > 1_000 {
            slow.push(format!("{path}: {took} ms"));
        }
    }

    let browser = Browser::at(&server, "/deliveries").await;
    browser.find("main [role=row]", "").await;
    browser.settled().await;
    let shown = |text: &str| {
        format!(
            "((all) => all.length > 3 && all.every((e) => e.textContent.includes('{text}')))([...document.querySelectorAll('main [role=row] .mark')])"
        )
    };
    for (status, label) in [("failed", "Failed"), ("held", "Held"), ("cancelled", "Cancelled")] {
        let took = filter(&browser, &choose("Any state", status), &shown(label)).await;
        println!("{took:>6} ms  deliveries: {status}");
        if took > 200 {
            slow.push(format!("deliveries, {status}: {took} ms"));
        }
    }
    let browser = Browser::at(&server, "/").await;
    browser.find("[data-test=card]", "").await;
    browser.settled().await;
    let urgent = "((all) => all.length > 8 && all.every((e) => e.textContent.includes('Urgent')))([...document.querySelectorAll('[data-test=card]:not(.blank)')])";
    let took = filter(&browser, &choose("Any priority", "URGENT"), urgent).await;
    println!("{took:>6} ms  board: urgent");
    if took > 200 {
        slow.push(format!("board, urgent: {took} ms"));
    }
    let frames = scroll(&browser).await;
    println!("10,000 cards by: {frames}");
    if frames["p95"].as_f64().is_none_or(|ms| ms > 34.0) {
        slow.push(format!("scrolling: {frames}"));
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Goes down a column until 10,000 cards have come by, eight at each frame; how long the frames took, in milliseconds.
async fn scroll(browser: &Browser) -> Value {
    let script = "
        const cards = document.querySelector('section.column[data-status=OPEN] .scroller');
        const height = cards.querySelector('[data-test=card]').offsetHeight;
        return new Promise((done) => {
            const frames = [];
            let last = null;
            const step = (now) => {
                if (last !== null) frames.push(now - last);
                last = now;
                if (frames.length === 1_250) {
                    frames.sort((a, b) => a - b);
                    const at = (share) => Math.round(frames[Math.floor((frames.length - 1) * share)] * 10) / 10;
                    done({cards: Math.round(cards.scrollTop / height), p50: at(0.5), p95: at(0.95), longest: at(1)});
                    return;
                }
                cards.scrollTop += height * 8;
                requestAnimationFrame(step);
            };
            requestAnimationFrame(step);
        })";
    let frames = browser.js(script, &[]).await;
    assert!(frames["cards"].as_u64().is_some_and(|n| n >= 9_000), "{frames}");
    frames
}
