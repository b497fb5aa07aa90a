//! Where things stand: nothing is wider than the window, nothing moves but what was asked for, cards are as high as they
//! need, and a list can be made compact.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::frame::PAGES;
use crate::harness::{Receiver, Reply, Server};

/// From the smallest phone to a wall; one more on each side of where the pages change their layout is in between.
const WIDTHS: [u32; 14] =
    [320, 360, 480, 600, 720, 721, 768, 961, 1024, 1180, 1280, 1400, 1920, 2560];

/// Texts that break what was made for short English ones.
const TITLES: [&str; 7] = [
    "Short",
    "Send the revised offer to Lindqvist & Sons before the end of the month, so that they can still order",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorsitzendenwahl",
    "اتصل بالعميل بخصوص العرض الجديد قبل نهاية الأسبوع من فضلك (see #12)",
    "https://example.com/a-very-long-path/a-very-long-path/a-very-long-path/a-very-long-path/a-very-long-path/",
    "会議の議事録を関係者全員に送付してから次回の日程を調整する",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

/// A server with all that is long in it, and ten webhooks that fare differently.
async fn crowded(receiver: &Receiver) -> Server {
    receiver.answer(|hit| {
        if hit.task("priority") == "URGENT" {
            Reply::status(400).body("Validierungsfehlerbeschreibungszeichenkette".repeat(5))
        } else {
            Reply::ok()
        }
    });
    let server = Server::open(&[
        ("WEBHOOK_URL", &receiver.url()),
        ("WEBHOOK_SECRET", "a-secret-of-this-test"),
        ("WEBHOOK_ATTEMPTS", "1"),
    ])
    .await;
    for n in 0..8 {
        let description: String = TITLES[n % TITLES.len()].chars().take(90).collect();
        let url = format!("{}/{}?key={}", receiver.url(), "long/".repeat(30), "k".repeat(200 + n));
        server.hook(&json!({"url": url, "description": description})).await;
    }
    server.hook(&json!({"url": "http://127.0.0.1:1/away", "description": "Not there"})).await;
    for n in 0..40 {
        let status = ["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"][n % 4];
        let priority = ["LOW", "NORMAL", "HIGH", "URGENT"][n / 4 % 4];
        let body = json!({
            "title": TITLES[n % TITLES.len()], "status": status, "priority": priority,
            "type": if n % 3 == 0 { Value::Null } else { json!("TRANSLATION_OF_LEGAL_TEXTS") },
            "category": if n % 5 == 0 { Value::Null } else { json!("A_CATEGORY_OF_FORTY_LETTERS_ABCDEFGHIJKL") },
            "tags": if n % 2 == 0 { json!([]) } else { json!(["one", "Grundstücksverkehrsgenehmigungszuständigkeit", "عاجل"]) },
            "dueDate": if n % 3 == 0 { Value::Null } else { json!("2020-01-02") },
            "description": TITLES[(n + 1) % TITLES.len()].repeat(3),
            "attachments": [{"name": TITLES[2], "url": TITLES[4]}],
        });
        server.create(&body).await;
    }
    receiver.wait_for(40 * 9).await;
    server
}

/// Waits until what the page has to show is there.
async fn drawn(browser: &Browser, path: &str) {
    let shown = match path.split('?').next().unwrap_or_default() {
        "/" => "[data-test=card]",
        "/deliveries" => ".delivery[data-id]",
        "/webhooks" => "[data-test=webhook]",
        "/overview" => ".chart",
        _ => "h1, h2",
    };
    browser.find(shown, "").await;
    if path.contains("open=") {
        browser.find("dialog", "").await;
    }
    browser.settled().await;
}

#[tokio::test]
async fn nothing_is_wider_than_the_window() {
    let receiver = Receiver::ok().await;
    let server = crowded(&receiver).await;
    // One of the webhook whose name has no place to break.
    let webhooks = server.get("/api/webhooks").await.json();
    let mut webhooks = webhooks.as_array().expect("webhooks").iter();
    let wide = webhooks.find(|one| one["description"].as_str().is_some_and(|d| d.starts_with('W')));
    let wide = wide.and_then(|one| one["id"].as_str()).expect("one with a wide name");
    let failed = server.deliveries(&format!("status=failed&webhookId={wide}&limit=1")).await;
    let delivery = failed[0]["id"].as_str().expect("an id").to_owned();
    let task =
        server.get("/api/tasks?limit=3").await.json()[2]["id"].as_str().expect("an id").to_owned();
    let browser = Browser::start(&server).await;
    let others =
        ["/docs".to_owned(), format!("/?open={task}"), format!("/deliveries?open={delivery}")];
    let mut wide = Vec::new();
    for path in PAGES.map(|(path, _)| path.to_owned()).into_iter().chain(others) {
        browser.resize(WIDTHS[0], 800).await;
        browser.go(&path).await;
        drawn(&browser, &path).await;
        for width in WIDTHS {
            browser.resize(width, 800).await;
            let found = browser.js(WIDER, &[]).await;
            if found != json!([]) {
                wide.push(format!("{path} at {width}: {found}"));
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
    // On a phone the pages are within reach of a thumb.
    browser.resize(360, 740).await;
    browser.go("/").await;
    browser.click(".top nav a", "Deliveries").await;
    browser.wait_for_place("/deliveries", |place| place == "/deliveries").await;
    browser.expect_content(&[]).await;
}

/// Answers what reaches out of the window, once the page has drawn itself in it. What scrolls or is cut within its own
/// box is where it should be.
const WIDER: &str = "
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
        const root = document.documentElement, found = [];
        if (root.scrollWidth > root.clientWidth) found.push(`the page: ${root.scrollWidth}`);
        for (const e of document.querySelectorAll('main, dialog, .dialog-body, .head, .filters, .webhook, .step, .card'))
            if (e.clientWidth && getComputedStyle(e).overflowX !== 'hidden' && e.scrollWidth > e.clientWidth + 1)
                found.push(`${e.tagName} ${e.className}: ${e.scrollWidth} in ${e.clientWidth}`);
        for (const e of document.querySelectorAll('body *')) {
            const box = e.getBoundingClientRect();
            // What is clipped ends where its place does.
            if (box.width && !e.parentElement.closest('.clip') && (box.right > root.clientWidth + 1 || box.left < -1) && !e.closest('.board, pre, .off-screen, .skip, svg, .toasts') &&
                e.checkVisibility()) found.push(`${e.tagName} ${e.className}: ${Math.round(box.left)} to ${Math.round(box.right)}`);
        }
        done(found.slice(0, 5));
    })));";

/// Searching and filtering change what a list shows and nothing else: every field and the list stay where they are, at
/// every frame.
#[tokio::test]
async fn a_search_and_a_filter_of_tasks_move_nothing() {
    move_nothing("/", ".board").await;
}

#[tokio::test]
async fn a_search_and_a_filter_of_deliveries_move_nothing() {
    move_nothing("/deliveries", ".deliveries").await;
}

#[tokio::test]
async fn a_search_of_webhooks_moves_nothing() {
    move_nothing("/webhooks", ".webhooks").await;
}

async fn move_nothing(path: &str, list: &str) {
    let receiver = Receiver::ok().await;
    let server = crowded(&receiver).await;
    let browser = Browser::start(&server).await;
    browser.resize(1_400, 800).await;
    browser.go(path).await;
    for width in [320, 600, 768, 1_024, 1_280, 1_400, 2_560] {
        browser.resize(width, 800).await;
        drawn(&browser, path).await;
        if browser.has(".filters-toggle[aria-expanded=false]", "").await {
            browser.click(".filters-toggle", "").await;
        }
        browser.js(WATCH_PLACES, &[json!(list)]).await;
        browser.click("main input[type=search]", "").await;
        browser.type_text("o").await;
        browser.wait_for_place("a letter", |place| place.contains("q=o")).await;
        browser.settled().await;
        if path == "/webhooks" {
            browser.press(&["Backspace"]).await;
            browser.wait_for_place("no letter", |place| place == path).await;
        } else {
            let choose = "for (const select of document.querySelectorAll('.filters select:not([aria-label=Order])')) {
                    select.selectedIndex = 1;
                    select.dispatchEvent(new Event('change', {bubbles: true}));
                }";
            browser.js(choose, &[]).await;
            browser.find("[data-test=empty], .delivery[data-id], [data-test=card]", "").await;
            browser.click("button.clear", "Clear").await;
            browser.wait_for_place("no filter", |place| place == path).await;
            drawn(&browser, path).await;
        }
        let moved = browser.js("return moved", &[]).await;
        assert_eq!(moved, json!([]), "{path} at {width}");
    }
}

/// Keeps in `moved` what has another place or width than now, at any frame from now on. A list that has nothing to show
/// may be away meanwhile.
const WATCH_PLACES: &str = "
    const shown = [...document.querySelectorAll('.top > *, .head > *, .filters > *, .filters-rest > *, main > ' + arguments[0])]
        .filter((e) => e.checkVisibility() && !e.matches('.filters-rest, .off-screen, [role=status]'));
    const at = (e) => ['left', 'top', 'width'].map((side) => Math.round(e.getBoundingClientRect()[side])).join();
    const before = new Map(shown.map((e) => [e, at(e)]));
    const mine = (window.moved = []);
    const look = () => {
        for (const [e, place] of before)
            if (e.checkVisibility() && at(e) !== place && mine.length < 5) mine.push(`${e.tagName} ${e.className}: ${place} to ${at(e)}`);
        if (mine === window.moved) requestAnimationFrame(look);
    };
    look();";

/// A card shows all of its title and has no room that nothing stands in.
#[tokio::test]
async fn cards_are_as_high_as_they_need() {
    let receiver = Receiver::ok().await;
    let server = crowded(&receiver).await;
    server.create(&json!({"title": "Short, and with nothing else"})).await;
    let browser = Browser::start(&server).await;
    for width in [360, 1400] {
        browser.resize(width, 900).await;
        browser.go("/").await;
        drawn(&browser, "/").await;
        let cards = browser.js(CARDS, &[]).await;
        let cards = cards.as_array().expect("cards");
        assert!(cards.len() > 8, "{cards:?}");
        for card in cards {
            assert_eq!(card["cut"], json!([]), "at {width}: {card}");
            assert_eq!(card["gap"], 6, "at {width}: {card}");
            assert!(card["spare"].as_f64().is_some_and(|spare| spare < 12.0), "at {width}: {card}");
        }
        let least =
            cards.iter().filter_map(|card| card["height"].as_f64()).fold(f64::MAX, f64::min);
        let most = cards.iter().filter_map(|card| card["height"].as_f64()).fold(0.0, f64::max);
        assert!(most > least + 30.0, "at {width}: {least} to {most}");
    }
}

/// Each card in sight: its height, what is cut in it, the room below its last line, and that to the card that follows.
const CARDS: &str = "
    return [...document.querySelectorAll('.column:first-child [data-test=card]')].flatMap((card, n, all) => {
        const next = all[n + 1];
        if (!next) return [];
        const box = card.getBoundingClientRect(), last = card.lastElementChild.getBoundingClientRect();
        const cut = [...card.querySelectorAll('.task-title')].filter((e) => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1);
        return [{
            title: card.textContent.slice(0, 20), height: box.height, cut: cut.map((e) => e.textContent),
            spare: box.bottom - last.bottom, gap: Math.round(next.getBoundingClientRect().top - box.bottom),
        }];
    })";

/// Cards of different heights come by in order, whatever is jumped over, and what is read stays where it is.
#[tokio::test]
async fn a_long_column_scrolls_without_a_jump() {
    let receiver = Receiver::ok().await;
    let server = Server::start(&[]).await;
    for n in 0..300 {
        let long = TITLES[1].repeat(n % 4);
        server.create(&json!({"title": format!("{n:03} {long}")})).await;
    }
    drop(receiver);
    let browser = Browser::at(&server, "/?sort=title").await;
    browser.resize(1280, 800).await;
    drawn(&browser, "/").await;
    let script = "
        const scroller = document.querySelector('.column-cards');
        const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const rest = async () => { for (let n = 0; n < 20; n += 1) await frame(); };
        const view = () => [...scroller.querySelectorAll('[data-test=card]')].map((e) => [e.textContent.slice(0, 3), e.getBoundingClientRect()]);
        const wrong = [];
        const look = (what) => {
            const cards = view();
            for (let n = 1; n < cards.length; n += 1) {
                if (Number(cards[n][0]) !== Number(cards[n - 1][0]) + 1) wrong.push(`${what}: ${cards[n - 1][0]} before ${cards[n][0]}`);
                if (Math.abs(cards[n][1].top - cards[n - 1][1].bottom - 6) > 1) wrong.push(`${what}: a gap before ${cards[n][0]}`);
            }
        };
        return (async () => {
            for (const share of [1, 0.5, 1, 0, 0.7]) {
                scroller.scrollTop = scroller.scrollHeight * share;
                await rest();
                await rest();
                look(`at ${share}`);
            }
            // Upwards, over cards that nobody has seen: what is in view goes down by what was scrolled.
            for (let n = 0; n < 40; n += 1) {
                const [name, before] = view().find(([, box]) => box.top > 200);
                scroller.scrollTop -= 60;
                await frame();
                const after = view().find(([other]) => other === name)?.[1];
                if (scroller.scrollTop > 60 && after && Math.abs(after.top - before.top - 60) > 2) wrong.push(`step ${n}: ${name} went ${after.top - before.top}`);
            }
            look('in the end');
            return wrong.slice(0, 8);
        })();";
    assert_eq!(browser.js(script, &[]).await, json!([]));

    // Something new above does not move what is read.
    let read = "const at = document.elementFromPoint(200, 400).closest('.task'); return [at.textContent.slice(0, 3), at.getBoundingClientRect().top]";
    let before = browser.js(read, &[]).await;
    server.create(&json!({"title": "000 comes in above"})).await;
    browser.find("[data-test=total]", "301").await;
    assert_eq!(browser.js(read, &[]).await, before);
}

#[tokio::test]
async fn a_list_is_made_compact_and_stays_so() {
    let receiver = Receiver::ok().await;
    let server = crowded(&receiver).await;
    let browser = Browser::start(&server).await;
    for width in [360, 1280] {
        browser.resize(width, 800).await;
        for (path, row) in [
            ("/", "[data-test=card]"),
            ("/deliveries", ".delivery[data-id]"),
            ("/webhooks", "[data-test=webhook]"),
        ] {
            browser.go(path).await;
            drawn(&browser, path).await;
            // A row is a line more or less high as the times in it pass, so heights are compared with room.
            let script = format!("return document.querySelector('{row}').offsetHeight");
            let height = async || browser.js(&script, &[]).await.as_f64().expect("a height");
            let loose = height().await;
            browser.click("button", "Compact list").await;
            let compact = height().await;
            assert!(compact < loose * 0.8, "{path} at {width}: {loose} to {compact}");
            // It is remembered, for this page.
            browser.go(path).await;
            drawn(&browser, path).await;
            let again = height().await;
            assert!(again < loose * 0.8, "{path} at {width}: {loose} to {again}");
            browser.find("button[aria-pressed=true]", "Compact list").await;
            assert_eq!(browser.js(WIDER, &[]).await, json!([]), "{path} at {width}");
            browser.press(&["v"]).await;
            let wide = height().await;
            assert!(compact < wide * 0.8, "{path} at {width}: {compact} to {wide}");
        }
    }
    browser.expect_content(&[]).await;
}
