//! A real browser on the pages of the program under test.
//!
//! It must not know what is on a page: tests name elements by what a reader or a screen reader finds. Every wait is
//! for a state.

mod driver;
mod element;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Server;
use driver::Session;
pub(crate) use element::Element;

/// How long a state may take to come about. A browser has many processes, which all wait for a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// The key of an element reference (W3C `WebDriver`, 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser with one window.
pub(crate) struct Browser {
    session: Session,
    base: String,
}

impl Browser {
    /// A browser for the pages of this server, at no page yet.
    pub(crate) async fn start(server: &Server) -> Self {
        Self { session: Session::start().await, base: format!("http://{}", server.address()) }
    }

    /// The same, at a page.
    pub(crate) async fn at(server: &Server, path: &str) -> Self {
        let browser = Self::start(server).await;
        browser.go(path).await;
        browser
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn go(&self, path: &str) {
        self.session.command("POST", "/url", json!({"url": format!("{}{path}", self.base)})).await;
    }

    /// The path and query that it is at.
    pub(crate) async fn place(&self) -> String {
        let url = self.session.command("GET", "/url", Value::Null).await;
        url.as_str().expect("a URL").trim_start_matches(&self.base).to_owned()
    }

    /// Waits until the path and query are as `fits` says.
    pub(crate) async fn wait_for_place(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.until(what, "", "", async || {
            let place = self.place().await;
            if fits(&place) { Ok(place) } else { Err(format!("it is {place}")) }
        })
        .await
    }

    /// Runs the body of a function in the page; a promise is waited for.
    pub(crate) async fn js(&self, body: &str, args: &[Value]) -> Value {
        self.session.command("POST", "/execute/sync", json!({"script": body, "args": args})).await
    }

    /// The same for a look that is taken again: one that falls into a change of pages has no answer.
    async fn look_by(&self, body: &str, args: &[Value]) -> Result<Value, String> {
        self.session.attempt("POST", "/execute/sync", json!({"script": body, "args": args})).await
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn wait_for(&self, what: &str, expression: &str) {
        let script = format!("return Boolean({expression})");
        self.until(what, "", "", async || {
            let is = self.look_by(&script, &[]).await? == json!(true);
            is.then_some(()).ok_or_else(|| format!("not so: {expression}"))
        })
        .await;
    }

    /// A command of the browser's own protocol, for what `WebDriver` cannot say.
    pub(crate) async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({"cmd": command, "params": params});
        self.session.command("POST", "/goog/cdp/execute", body).await
    }

    /// The window that commands go to.
    pub(crate) async fn window(&self) -> Value {
        self.session.command("GET", "/window", Value::Null).await
    }

    /// Opens another window at a page; commands go there from now on.
    pub(crate) async fn open_window(&self, path: &str) -> Value {
        let window = self.session.command("POST", "/window/new", json!({"type": "window"})).await;
        let window = window["handle"].clone();
        self.switch_to(&window).await;
        self.go(path).await;
        window
    }

    /// Commands go to this window from now on.
    pub(crate) async fn switch_to(&self, window: &Value) {
        self.session.command("POST", "/window", json!({"handle": window})).await;
    }

    /// Closes the window that commands go to.
    pub(crate) async fn close_window(&self) {
        self.session.command("DELETE", "/window", Value::Null).await;
    }

    /// One step back, as by the browser's button.
    pub(crate) async fn back(&self) {
        self.session.command("POST", "/back", json!({})).await;
    }

    /// Another size of the window's inside; with touch below 600.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Light or dark, as the reader's system would say.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", feature).await;
    }

    /// Waits for the first element in sight of a selector that has this text (in it, as its label, its hint or its
    /// value); an empty text fits all.
    pub(crate) async fn find(&self, selector: &str, text: &str) -> Element<'_> {
        let what = format!("{selector} with {text:?}");
        let found =
            self.until(&what, selector, text, async || self.seen(selector, text).await).await;
        Element {
            browser: self,
            id: found,
            selector: selector.to_owned(),
            found_by: text.to_owned(),
        }
    }

    /// Waits until there is none.
    pub(crate) async fn wait_gone(&self, selector: &str, text: &str) {
        let what = format!("no {selector} with {text:?}");
        self.until(&what, selector, text, async || {
            let is_gone = self.look(selector, text).await?.is_none();
            is_gone.then_some(()).ok_or_else(|| "it is there".to_owned())
        })
        .await;
    }

    /// Whether there is one now.
    pub(crate) async fn has(&self, selector: &str, text: &str) -> bool {
        self.look(selector, text).await.expect("a look").is_some()
    }

    /// The same as [`Browser::look`], where there must be one.
    async fn seen(&self, selector: &str, text: &str) -> Result<String, String> {
        self.look(selector, text).await?.ok_or_else(|| "there is none in sight".to_owned())
    }

    /// Asks again and again until `check` has an answer. If none comes, the failure says what was in the way at last,
    /// what the page looked like around the element that was meant; a picture is kept of each window in which a test fails.
    async fn until<T>(
        &self,
        what: &str,
        selector: &str,
        text: &str,
        mut check: impl AsyncFnMut() -> Result<T, String>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let why = match check().await {
                Ok(found) => return found,
                Err(why) => why,
            };
            if Instant::now() >= end {
                let scene = self.scene(selector, text).await;
                panic!("not within {PATIENCE:?}: {what}\n  at last: {why}\n{scene}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a failing step saw: the state of the control that was meant, what lies under the pointer there, what is
    /// open, what the browser has complained of.
    async fn scene(&self, selector: &str, text: &str) -> String {
        let script = "
            const [id, selector] = arguments;
            const brief = (e) => e ? e.outerHTML.slice(0, 300) : 'nothing';
            const lines = [`at ${location.pathname}${location.search}, ${document.visibilityState}, ${innerWidth} x ${innerHeight}`];
            lines.push(`focus: ${brief(document.activeElement)}`);
            for (const e of document.querySelectorAll('dialog[open]')) lines.push(`open: ${e.innerText.slice(0, 2000)}`);
            for (const e of document.querySelectorAll('.toast')) lines.push(`said: ${e.innerText}`);
            if (selector) for (const e of [...document.querySelectorAll(selector)].slice(0, 20)) lines.push(`one of ${selector}: ${brief(e)}`);
            if (id) {
                const box = id.getBoundingClientRect();
                const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                lines.push(`meant: ${brief(id)}`, `its place: ${JSON.stringify(box)}, off: ${id.disabled === true}`, `under the pointer there: ${brief(at)}`);
            }
            return lines.join('\\n  ');";
        let meant = self.look(selector, text).await.ok().flatten().filter(|_| !selector.is_empty());
        let meant = meant.map_or(Value::Null, |id| json!({ELEMENT: id}));
        let seen = self.js(script, &[meant, json!(selector)]).await;
        let complaints = self.complaints(&[]).await;
        format!("  {}\n  complaints: {complaints:?}", seen.as_str().unwrap_or_default())
    }

    async fn look(&self, selector: &str, text: &str) -> Result<Option<String>, String> {
        let script = "
            const [selector, text] = arguments;
            const says = (e) => [e.textContent, e.ariaLabel, e.placeholder, e.title, e.value].some((t) => t?.includes?.(text));
            const inner = document.querySelector('dialog[open]:last-of-type');
            const all = [...(inner?.querySelectorAll(selector) ?? []), ...document.querySelectorAll(selector)];
            return all.find((e) => e.checkVisibility({visibilityProperty: true}) && (!text || says(e))) ?? null;";
        let found = self.look_by(script, &[json!(selector), json!(text)]).await?;
        Ok(found[ELEMENT].as_str().map(str::to_owned))
    }

    async fn enter(&self, id: &str, text: &str) -> Result<(), String> {
        self.session
            .attempt("POST", &format!("/element/{id}/value"), json!({"text": text}))
            .await
            .map(drop)
    }

    /// Clicks the first element that fits; again where it went away at that moment.
    pub(crate) async fn click(&self, selector: &str, text: &str) {
        let what = format!("a click on {selector} with {text:?}");
        self.until(&what, selector, text, async || {
            let id = self.seen(selector, text).await?;
            self.session.attempt("POST", &format!("/element/{id}/click"), json!({})).await.map(drop)
        })
        .await;
    }

    /// Presses keys one after the other: a character, a name such as `Enter`, or with modifiers `Shift+ArrowRight`.
    pub(crate) async fn press(&self, keys: &[&str]) {
        let mut actions = Vec::new();
        for key in keys {
            // A plus by itself is a key, too.
            let parts: Vec<&str> = if key.len() > 1 { key.split('+').collect() } else { vec![key] };
            let parts: Vec<String> = parts.into_iter().map(code).collect();
            actions.extend(parts.iter().map(|key| json!({"type": "keyDown", "value": key})));
            actions.extend(parts.iter().rev().map(|key| json!({"type": "keyUp", "value": key})));
        }
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.session.command("POST", "/actions", json!({"actions": [keyboard]})).await;
    }

    /// Types into what has the focus.
    pub(crate) async fn type_text(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        self.press(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    /// Drags the element that fits onto another, as a hand does: in steps; again where one of them was drawn anew at
    /// that moment.
    pub(crate) async fn drag(&self, (from, text): (&str, &str), onto: &str) {
        let what = format!("{from} with {text:?} dragged onto {onto}");
        self.until(&what, from, text, async || {
            let (from, onto) = (self.seen(from, text).await?, self.seen(onto, "").await?);
            let over = |id: &str, x: i32, y: i32| {
                let origin = json!({ELEMENT: id});
                json!({"type": "pointerMove", "duration": 60, "origin": origin, "x": x, "y": y})
            };
            let actions = json!([
                over(&from, 0, 0),
                {"type": "pointerDown", "button": 0},
                over(&from, 6, 6),
                over(&from, 16, 10),
                over(&onto, -8, -4),
                over(&onto, 0, 0),
                {"type": "pause", "duration": 60},
                {"type": "pointerUp", "button": 0},
            ]);
            let mouse = json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
            let done = self.session.attempt("POST", "/actions", json!({"actions": [mouse]})).await;
            if done.is_err() {
                self.session.command("DELETE", "/actions", Value::Null).await;
            }
            done.map(drop)
        })
        .await;
    }

    /// A picture of what is in sight, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.session.picture().await
    }

    /// Waits until the page has asked for nothing for half a second and every movement has ended.
    pub(crate) async fn settled(&self) {
        let script = "
            const asked = () => performance.getEntriesByType('resource').length;
            const moves = () => document.getAnimations().some((a) => a.playState === 'running');
            return new Promise((done) => {
                let last = -1;
                const look = () => (asked() === last && !moves() ? done(0) : ((last = asked()), setTimeout(look, 500)));
                look();
            });";
        self.js(script, &[]).await;
    }

    /// What the browser has complained of since the last time: errors of scripts, breaches of the policy, answers that
    /// were no success. `expected`: words of complaints that the test brings about itself.
    pub(crate) async fn complaints(&self, expected: &[&str]) -> Vec<String> {
        let log = self.session.command("POST", "/se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().expect("a list").iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE" || entry["source"] == "security")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .filter(|message| !expected.iter().any(|words| message.contains(words)))
            .collect()
    }

    /// Ends the test if the browser has complained of anything.
    pub(crate) async fn expect_content(&self, expected: &[&str]) {
        let complaints = self.complaints(expected).await;
        assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    }
}

/// A key as the protocol writes it (W3C `WebDriver`, 17.4.2).
fn code(name: &str) -> String {
    let code = match name {
        "Shift" => '\u{E008}',
        "Control" => '\u{E009}',
        "Alt" => '\u{E00A}',
        "Backspace" => '\u{E003}',
        "Tab" => '\u{E004}',
        "Enter" => '\u{E007}',
        "Escape" => '\u{E00C}',
        "Space" => ' ',
        "End" => '\u{E010}',
        "Home" => '\u{E011}',
        "ArrowLeft" => '\u{E012}',
        "ArrowUp" => '\u{E013}',
        "ArrowRight" => '\u{E014}',
        "ArrowDown" => '\u{E015}',
        "Delete" => '\u{E017}',
        _ => return name.to_owned(),
    };
    code.to_string()
}
