//! Words that end too early: no control of a page is narrower than what stands in it.
//!
//! Must not judge where a control is: that is the affair of `layout`.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Receiver, Reply, Server};

const WIDTHS: [u32; 8] = [320, 721, 768, 1_024, 1_366, 1_400, 1_536, 2_560];

/// Tasks with everything that a card shows: urgent, overdue, with files, and one of many webhooks has refused them.
async fn in_use(receiver: &Receiver) -> Server {
    receiver.answer(|hit| Reply::status(if hit.path.contains("/refuses") { 400 } else { 200 }));
    let server = Server::open(&[
        ("WEBHOOK_URL", &receiver.url()),
        ("WEBHOOK_SECRET", "a-secret-of-this-test"),
        ("PUBLIC_URL", "https://tasks.example.org"),
    ])
    .await;
    for n in 0..9 {
        let way = if n == 4 { "refuses" } else { "takes" };
        let url = format!("{}/{way}/{n}", receiver.url());
        server.hook(&json!({"url": url, "description": format!("The system of room {n}")})).await;
    }
    for n in 0..8 {
        let due = ["2020-01-02", "2030-12-10T10:00:00Z"][n % 2];
        let priority = ["URGENT", "HIGH"][n / 2 % 2];
        let body = json!({
            "title": format!("Task {n}"), "priority": priority, "dueDate": due,
            "type": "TRANSLATION", "category": "PERSONAL", "tags": ["sales", "q4"],
            "attachments": [{"name": "a", "url": "https://example.org/a"}],
        });
        server.create(&body).await;
    }
    receiver.wait_for(8 * 10).await;
    server
}

#[tokio::test]
async fn no_words_of_a_control_are_cut() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let task = server.get("/api/tasks?limit=1").await.json()[0]["id"].clone();
    let task = format!("/?open={}", task.as_str().expect("an id"));
    let browser = Browser::start(&server).await;
    let mut cut = Vec::new();
    for (path, shown) in [
        ("/", "[data-fate=failed]"),
        ("/?priority=HIGH,URGENT", "[data-fate=failed]"),
        (&*task, "dialog input[type=date]"),
        ("/deliveries?status=failed,held", ".delivery[data-id]"),
        ("/webhooks", "[data-test=webhook]"),
        ("/setup", ".form-fields"),
        ("/overview", ".chart"),
    ] {
        for width in WIDTHS {
            browser.resize(width, 900).await;
            browser.go(path).await;
            browser.find(shown, "").await;
            browser.settled().await;
            if !path.contains("open=")
                && browser.has(".filters-toggle[aria-expanded=false]", "").await
            {
                browser.click(".filters-toggle", "").await;
            }
            let found = browser.js(CUT, &[]).await;
            if found != Value::Array(Vec::new()) {
                cut.push(format!("{path} at {width}: {found}"));
            }
        }
    }
    assert!(cut.is_empty(), "{cut:#?}");
    browser.expect_content(&[]).await;
}

/// Answers which controls in sight, and marks of a card, need more room than they have: a copy as wide as its words
/// tells what a choice or a date needs.
const CUT: &str = r#"
    const found = [];
    const text = (e, words, font) => {
      const probe = document.createElement('span');
      probe.style.cssText = 'position:absolute;visibility:hidden;white-space:pre';
      probe.style.font = font ?? getComputedStyle(e).font;
      probe.textContent = words;
      document.body.append(probe);
      const width = probe.getBoundingClientRect().width;
      probe.remove();
      return width;
    };
    // As wide as its words and what stands around them would make it.
    const natural = (e, change) => {
      const copy = e.cloneNode(true);
      copy.style.cssText = `position:absolute;visibility:hidden;width:max-content;max-width:none;min-width:0;font:${getComputedStyle(e).font};padding:${getComputedStyle(e).padding}`;
      change?.(copy);
      e.parentElement.append(copy);
      const width = copy.getBoundingClientRect().width;
      copy.remove();
      return width;
    };
    const label = (e) => `${e.tagName} ${e.className} ${e.getAttribute('aria-label') ?? ''} "${(e.selectedOptions?.[0]?.textContent ?? (e.placeholder || e.textContent)).slice(0, 40)}"`;
    for (const e of document.querySelectorAll('button, a.button, .mark, select, input, nav a, summary, label, th, .placeholder')) {
      const box = e.getBoundingClientRect();
      if (!box.width || !e.checkVisibility({visibilityProperty: true, opacityProperty: true}) || e.closest('.off-screen, .skip, .chip, [inert]') || box.bottom < 0 || box.left >= innerWidth) continue;
      if (e.matches('select')) {
        const need = natural(e, (copy) => copy.replaceChildren(...[...e.selectedOptions].map((o) => o.cloneNode(true))));
        if (need > box.width + 1) found.push(`${label(e)}: ${Math.round(need)} in ${Math.round(box.width)}`);
      } else if (e.matches('input')) {
        const style = getComputedStyle(e);
        if (/date|time/.test(e.type)) {
          const need = natural(e);
          if (need > box.width + 1) found.push(`${label(e)} ${e.type}: ${Math.round(need)} in ${Math.round(box.width)}`);
        } else if (e.placeholder && !e.value) {
          const room = e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          const need = text(e, e.placeholder);
          if (need > room + 1) found.push(`${label(e)}: ${Math.round(need)} in ${Math.round(room)}`);
        }
      } else {
        for (const part of [e, ...e.querySelectorAll('*:not(.off-screen)')])
          if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth && getComputedStyle(part).display !== 'inline') { found.push(`${label(e)}: ${part.scrollWidth} in ${part.clientWidth}`); break; }
        if (e.matches('.placeholder') && e.getClientRects().length > 1) found.push(`${label(e)}: broken`);
      }
    }
    return found.slice(0, 20);
"#;
