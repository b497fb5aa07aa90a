//! What people write is text, wherever it is shown; and the pages keep to their own policy.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server};

/// What a hostile text would do if a page took it for more than text.
const RUNS: [&str; 20] = [
    "<script>PWN</script>",
    "<img src=x onerror=PWN>",
    "<svg onload=PWN>",
    "<svg><script>PWN</script></svg>",
    "<body onload=PWN>",
    "<iframe srcdoc='<script>parent.PWN</script>'>",
    "<a href=javascript:PWN autofocus onfocus=PWN>x</a>",
    "<input autofocus onfocus=PWN>",
    "<details open ontoggle=PWN>",
    "<video><source onerror=PWN>",
    "<math><mtext><script>PWN</script></mtext></math>",
    "<style>@import 'javascript:PWN'</style>",
    "<object data=javascript:PWN>",
    "<form action=javascript:PWN><button autofocus>x</button></form>",
    "<template><script>PWN</script></template><script>PWN</script>",
    "<noscript><p title='</noscript><img src=x onerror=PWN>'>",
    "<marquee onstart=PWN>",
    "<base href=javascript:PWN//>",
    "<meta http-equiv=refresh content='0;url=javascript:PWN'>",
    "<link rel=stylesheet href=javascript:PWN onerror=PWN>",
];
/// How it tries to get out of where it stands.
const BREAKS: [&str; 10] = [
    "",
    "\">",
    "'>",
    "-->",
    "</textarea>",
    "</script>",
    "]]>",
    "`${PWN}`",
    "{{PWN}}",
    "\u{2028}*/",
];

fn payloads() -> Vec<String> {
    let all =
        BREAKS.iter().flat_map(|before| RUNS.iter().map(move |runs| format!("{before}{runs}")));
    all.enumerate().map(|(n, text)| text.replace("PWN", &format!("(window.pwned=[{n}])"))).collect()
}

#[tokio::test]
async fn two_hundred_hostile_texts_never_run() {
    let echo = Receiver::start(|hit| {
        Reply::status(if hit.nth == 1 { 400 } else { 200 }).body(hit.body.clone())
    })
    .await;
    let server = Server::start(&[("WEBHOOK_URL", &echo.url())]).await;
    let payloads = payloads();
    assert_eq!(payloads.len(), 200);
    let mut task = Value::Null;
    for text in &payloads {
        let short: String = text.chars().take(60).collect();
        let body = json!({
            "title": text, "description": format!("{text}\n{text}"), "tags": [short],
            "attachments": [{"name": text, "url": format!("https://example.org/?{}", urlencoded(text))}],
        });
        task = server.create(&body).await;
    }
    echo.wait_for(payloads.len()).await;
    let id = task["id"].as_str().expect("an id");
    server.put(&format!("/api/tasks/{id}"), &json!({"title": payloads[7]})).await.expect(200);
    let delivery = server.settled(id).await[0]["id"].as_str().expect("an id").to_owned();
    let hostile_query: String = urlencoded("\"><script>(window.pwned=[1])</script>");

    let browser = Browser::start(&server).await;
    let watch = "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective + ' ' + e.blockedURI));";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": watch})).await;
    let check = async |what: &str| {
        let pwned = browser.js("return window.pwned ?? null", &[]).await;
        assert_eq!(pwned, Value::Null, "{what}: payload {pwned} ran");
        assert_eq!(browser.js("return window.broken", &[]).await, json!([]), "{what}");
    };
    browser.go("/").await;
    browser.find("[data-test=card]", "").await;
    // Every card comes by once.
    for step in 0..40 {
        let scroll = "for (const e of document.querySelectorAll('.scroller')) e.scrollTop = arguments[0] * 600;
                      return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))";
        browser.js(scroll, &[json!(step)]).await;
    }
    check("the board").await;
    browser.go(&format!("/?open={id}")).await;
    browser.find("dialog input, dialog textarea", payloads[7].as_str()).await;
    check("a task").await;
    for path in [
        "/deliveries".to_owned(),
        format!("/deliveries?open={delivery}"),
        format!(
            "/deliveries?q={hostile_query}&task={hostile_query}&webhook={hostile_query}&status={hostile_query}"
        ),
        format!("/?q={hostile_query}&tag={hostile_query}&open={hostile_query}"),
        format!("/overview?span={hostile_query}"),
        format!("/sign-in?next={hostile_query}"),
        "/webhooks".to_owned(),
        "/setup".to_owned(),
        "/docs".to_owned(),
    ] {
        browser.go(&path).await;
        browser
            .wait_for(
                "the page is there",
                "document.readyState === 'complete' && document.body.innerText.length > 40",
            )
            .await;
        if path.ends_with(&delivery) {
            browser.find("dialog", "400").await;
        }
        check(&path).await;
    }
}

fn urlencoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
