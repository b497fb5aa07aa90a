//! What all pages share: their addresses, their weight, the keys, small screens, no complaint of the browser.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::harness::{Receiver, Server, eventually, spare_port};

/// Every page with its address and its heading.
pub(crate) const PAGES: [(&str, &str); 5] = [
    ("/", "Board"),
    ("/deliveries", "Deliveries"),
    ("/webhooks", "Webhooks"),
    ("/setup", "Set up Make"),
    ("/overview", "Overview"),
];

/// A server in use: some tasks, delivered and refused, a receiver that is not there.
pub(crate) async fn in_use(receiver: &Receiver) -> Server {
    let server = Server::open(&[
        ("WEBHOOK_URL", &receiver.url()),
        ("WEBHOOK_SECRET", "a-secret-of-this-test"),
    ])
    .await;
    server.hook(&json!({"url": "http://127.0.0.1:1/away", "description": "Not there"})).await;
    for n in 0..30 {
        let status = ["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"][n % 4];
        let (priority, due) =
            (["LOW", "NORMAL", "URGENT"][n % 3], ["2020-01-02", "2040-01-02"][n % 2]);
        let body = json!({
            "title": format!("Task {n} with a title that is long enough to be cut on a small screen"),
            "status": status, "priority": priority, "type": "WRITING",
            "category": "WORK", "tags": ["one", "two", "a-tag-that-is-rather-long-for-a-card"],
            "dueDate": due,
        });
        server.create(&body).await;
    }
    receiver.wait_for(30).await;
    server
}

#[tokio::test]
async fn every_page_has_an_address_a_heading_and_its_place_in_the_list() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::at(&server, "/").await;
    for (path, heading) in PAGES {
        browser.click(".top nav a", heading).await;
        browser.wait_for_place(path, |place| place == path).await;
        browser.find("h1", heading).await;
        browser.find("nav a[aria-current=page]", heading).await;
        browser.find(".live", "Live").await;
        browser.expect_content(&[]).await;
    }
}

#[tokio::test]
async fn a_first_visit_needs_less_than_a_hundred_kilobytes() {
    // With more in it than a first page shows, and nothing under way: what changes later is no part of a first visit.
    let receiver = Receiver::ok().await;
    let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
    for n in 0..630 {
        let status = ["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"][n % 4];
        let body = json!({
            "title": format!("Call customer {n} back about the offer"), "status": status, "priority": "HIGH",
            "type": "WRITING", "category": "WORK", "tags": ["sales"], "dueDate": "2040-01-02",
        });
        server.create(&body).await;
    }
    receiver.wait_for(630).await;
    eventually("all is delivered", async || {
        let waits = server.get("/api/webhooks/default").await.json()["waiting"].clone();
        (waits == 0).then_some(())
    })
    .await;
    let guarded =
        Server::start(&[("HOST", "127.0.0.1"), ("API_TOKEN", "a-token-of-this-test")]).await;
    for (path, heading) in PAGES.into_iter().chain([("/sign-in", "Sign in")]) {
        let browser = Browser::at(if path == "/sign-in" { &guarded } else { &server }, path).await;
        browser.find("h1, h2", heading).await;
        browser.settled().await;
        let script = "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
                      return [all.reduce((sum, e) => sum + e.transferSize, 0), ...all.map((e) => e.name).filter((n) => !n.startsWith(location.origin))]";
        let sizes = browser.js(script, &[]).await;
        let sizes = sizes.as_array().expect("a list");
        assert_eq!(sizes.len(), 1, "{path} asks elsewhere: {sizes:?}");
        let bytes = sizes[0].as_u64().expect("a number");
        println!("{path} needs {bytes} bytes");
        assert!((1_000..100_000).contains(&bytes), "{path} needs {bytes} bytes");
    }
}

#[tokio::test]
async fn the_keys_lead_everywhere_and_say_what_they_do() {
    let server = Server::start(&[]).await;
    let browser = Browser::at(&server, "/").await;
    browser.find(".live", "").await;
    for (keys, path) in
        [("d", "/deliveries"), ("w", "/webhooks"), ("s", "/setup"), ("o", "/overview"), ("b", "/")]
    {
        browser.press(&["g", keys]).await;
        browser.wait_for_place(path, |place| place == path).await;
        browser.find(".live", "").await;
        browser.press(&["?"]).await;
        let sheet = browser.find("dialog", "Keys").await.text().await;
        assert!(sheet.contains("Overview") && sheet.contains("This sheet"), "{sheet}");
        browser.press(&["Escape"]).await;
        browser.wait_gone("dialog", "").await;
    }
}

/// With the tab key alone one reaches everything on a page, sees where one is, and gets out again.
#[tokio::test]
async fn the_tab_key_reaches_every_control_and_shows_where_it_is() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::start(&server).await;
    for (path, heading) in PAGES {
        browser.go(path).await;
        browser.find(".live", "Live").await;
        browser.find("h1", heading).await;
        browser.settled().await;
        browser
            .js(
                "document.activeElement.blur(); window.reached = new Set(); window.last = null",
                &[],
            )
            .await;
        let mut steps = 0;
        // Around once: the browser leaves the page after its last control.
        loop {
            browser.press(&["Tab"]).await;
            let script = "const at = document.activeElement, name = at.dataset.key ?? at;
                // A date has several fields within one; a card that changes is another element under the same key.
                if (at === document.body || (reached.has(name) && name !== last)) return null;
                window.last = name;
                reached.add(name);
                const seen = at.getBoundingClientRect(), style = getComputedStyle(at);
                // The browser marks the part of a date by itself.
                const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || /^date|^time/.test(at.type);
                return [at.outerHTML.slice(0, 120), ring, seen.width > 0 && seen.bottom > 0 && seen.top < innerHeight]";
            let at = browser.js(script, &[]).await;
            if at == Value::Null {
                break;
            }
            assert_eq!((&at[1], &at[2]), (&json!(true), &json!(true)), "{path}: {}", at[0]);
            steps += 1;
            assert!(steps < 400, "{path}: no end");
        }
        // Cards and rows are moved through with arrows; all else has a stop of its own.
        let missed = "const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')];
            return all.filter((e) => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0 && !e.disabled && !reached.has(e.dataset.key ?? e) &&
                !(e.type === 'radio' && !e.checked)).map((e) => e.outerHTML.slice(0, 120))";
        assert_eq!(browser.js(missed, &[]).await, json!([]), "{path}");
    }
}

/// Everything that can be acted on has a name for those who do not see it.
#[tokio::test]
async fn every_control_has_a_name() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::start(&server).await;
    for (path, _) in PAGES {
        browser.go(path).await;
        browser.find(".live", "").await;
        browser.devtools("Accessibility.enable", json!({})).await;
        let tree = browser.devtools("Accessibility.getFullAXTree", json!({})).await;
        let roles =
            ["button", "link", "textbox", "combobox", "checkbox", "searchbox", "tab", "radio"];
        let nameless: Vec<&Value> = tree["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .filter(|node| node["ignored"] != true)
            .filter(|node| roles.contains(&node["role"]["value"].as_str().unwrap_or_default()))
            .filter(|node| node["name"]["value"].as_str().unwrap_or_default().trim().is_empty())
            .collect();
        assert!(nameless.is_empty(), "{path}: {nameless:#?}");
    }
}

/// Text and its ground differ by 4.5 to 1 (WCAG 2.1, AA), large text by 3 to 1, in both schemes.
#[tokio::test]
async fn text_can_be_read_in_light_and_dark() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::start(&server).await;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for (path, _) in PAGES {
            browser.go(path).await;
            browser.find(".live", "Live").await;
            let poor = browser.js(CONTRAST, &[]).await;
            assert_eq!(poor, json!([]), "{path} in {scheme}");
        }
    }
}

/// Answers each text whose contrast is too low, with its colours.
const CONTRAST: &str = "
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const rgba = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const over = (top, under) => top.slice(0, 3).map((c, i) => (c * top[3] + under[i] * (255 - top[3])) / 255);
    const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (e) => {
      const own = [];
      for (let at = e; at; at = at.parentElement) own.push(rgba(getComputedStyle(at).backgroundColor));
      return own.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const poor = [];
    for (const e of document.querySelectorAll('body *')) {
      const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
      if (!says || e.namespaceURI.endsWith('svg') || e.closest(':disabled, noscript, [aria-hidden=true], .skip, .off-screen') ||
          !e.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
      const style = getComputedStyle(e), under = ground(e), text = over(rgba(style.color), under);
      const [a, b] = [light(text), light(under)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
      if (ratio < (isLarge ? 3 : 4.5) - 0.05) poor.push([e.textContent.trim().slice(0, 30), e.className, style.color, under.join(), ratio.toFixed(2)]);
    }
    return poor;";

#[tokio::test]
async fn a_mistyped_address_shows_the_page_and_no_error() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::start(&server).await;
    for (path, shown) in [
        ("/?sort=foo&due=bar&priority=MOST", "[data-test=card]"),
        ("/deliveries?status=lost&since=tomorrow", "main [role=row] .mark"),
        ("/overview?span=century", "[data-test=tile-delivered]"),
    ] {
        browser.go(path).await;
        browser.find(shown, "").await;
        browser.find(".live", "Live").await;
        browser.expect_content(&[]).await;
    }
}

#[tokio::test]
async fn an_address_with_nothing_says_so_and_leads_on() {
    let server = Server::start(&[]).await;
    let browser = Browser::at(&server, "/delivery?x=<b>1").await;
    browser.find("h1", "Nothing here").await;
    browser.find("[data-test=nowhere]", "/delivery").await;
    browser.click("[data-test=nowhere] a", "Deliveries").await;
    browser.wait_for_place("the page", |place| place == "/deliveries").await;
    // The list of routes is one of the pages, with contents that lead into it.
    browser.click(".top nav a", "API").await;
    browser.wait_for_place("the routes", |place| place == "/docs").await;
    browser.find("nav a[aria-current=page]", "API").await;
    browser.click(".contents a", "POST /api/tasks").await;
    browser.wait_for_place("a route", |place| place == "/docs#create_task").await;
    let top = "return document.getElementById('create_task').getBoundingClientRect().top";
    let top = browser.js(top, &[]).await.as_f64().expect("a number");
    assert!((40.0..400.0).contains(&top), "beside the head of the page: {top}");
    browser.click(".top nav a", "Board").await;
    browser.wait_for_place("the board", |place| place == "/").await;
    browser.expect_content(&["404"]).await;
}

/// Each choice is a step, all that is typed in one go is one, and a panel that was closed leaves none behind.
#[tokio::test]
async fn back_steps_through_filters() {
    let receiver = Receiver::ok().await;
    let server = in_use(&receiver).await;
    let browser = Browser::at(&server, "/").await;
    // Wide enough for the filters to stand in sight.
    browser.resize(1400, 800).await;
    browser.find("[data-test=card]", "").await;
    let is = async |place: &str| {
        browser.wait_for_place(place, |now| now == place).await;
    };
    browser.find("[data-filter=priority]", "").await.choose("URGENT").await;
    is("/?priority=URGENT").await;
    browser.press(&["/"]).await;
    browser.type_text("Task 2").await;
    is("/?q=Task+2&priority=URGENT").await;
    browser.find("[data-filter=due]", "").await.choose("overdue").await;
    is("/?q=Task+2&priority=URGENT&due=overdue").await;
    browser.back().await;
    is("/?q=Task+2&priority=URGENT").await;
    assert_eq!(
        browser.js("return document.querySelector('[data-filter=due]').value", &[]).await,
        ""
    );
    browser.back().await;
    is("/?priority=URGENT").await;
    let field = "document.querySelector('.board-filters input[type=search]').value";
    browser.wait_for("the search is empty", &format!("{field} === ''")).await;
    browser.click("[data-test=card] .task-title", "").await;
    browser.find("dialog", "").await;
    browser.press(&["Escape"]).await;
    browser.wait_gone("dialog", "").await;
    is("/?priority=URGENT").await;
    browser.back().await;
    is("/").await;

    browser.go("/deliveries").await;
    browser.find("select", "Any state").await.choose("delivered").await;
    is("/deliveries?status=delivered").await;
    browser.press(&["/"]).await;
    browser.type_text("Task").await;
    is("/deliveries?q=Task&status=delivered").await;
    browser.click("button", "Clear").await;
    is("/deliveries").await;
    browser.back().await;
    is("/deliveries?q=Task&status=delivered").await;
    browser.back().await;
    is("/deliveries?status=delivered").await;
    browser.back().await;
    is("/deliveries").await;

    browser.go("/webhooks").await;
    browser.find(".webhook-sort", "").await.choose("name").await;
    is("/webhooks?sort=name").await;
    browser.back().await;
    is("/webhooks").await;
    assert_eq!(
        browser.js("return document.querySelector('.webhook-sort').value", &[]).await,
        "trouble"
    );
    browser.expect_content(&[]).await;
}

/// A proxy without its server refuses the stream for good; the page asks meanwhile, and listens again later.
#[tokio::test]
async fn a_page_outlives_its_server() {
    let mut server = Server::start(&[("PORT", &spare_port().to_string())]).await;
    let browser = Browser::at(&server, "/").await;
    browser.find(".live", "Live").await;
    server.stop().await;
    browser.find(".live", "No connection").await;
    server.restart().await;
    browser.find(".live", "Live").await;
    server.create(&json!({"title": "After the restart"})).await;
    browser.find("[data-test=card]", "After the restart").await;
    browser.expect_content(&["ERR_", "503"]).await;
}
