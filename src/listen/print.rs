//! A received webhook as text for a terminal.
//!
//! Pure functions from text to text; they must not know HTTP, sockets or where the text goes.
//! What came from outside is printed as text and nothing else: a title that carries escape
//! sequences must not clear the screen, rename the window or write backwards.

use std::borrow::Cow;
use std::fmt::Write;

use super::Received;

/// Of a body that is no JSON, only the beginning is shown.
const RAW_SHOWN: usize = 2_000;
/// A longer body is shown as it came: indenting could make a hundred times as much of it.
const INDENTED_UP_TO: usize = 128 * 1024;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const RESET: &str = "\x1b[0m";

/// How much is shown, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Show {
    /// In colours.
    pub(crate) colour: bool,
    /// With the headers of the request.
    pub(crate) headers: bool,
}

/// The lines for one webhook, with an empty line behind them.
pub(crate) fn block(received: &Received, show: Show) -> String {
    let paint = Paint { on: show.colour };
    let shown = |value: &Option<String>| neutral(value.as_deref().unwrap_or("-")).into_owned();
    let time = received.at.to_string();
    let mut text = format!(
        "{}  {}  {}\n  {} {}  {} {}  {} {}\n",
        paint.with(DIM, &time),
        paint.with(BOLD, &shown(&received.event)),
        match &received.title {
            Some(title) => format!("“{}”", neutral(title)),
            None => "(no title)".to_owned(),
        },
        paint.with(DIM, "task"),
        shown(&received.task_id),
        paint.with(DIM, "webhook-id"),
        shown(&received.webhook_id),
        paint.with(DIM, "attempt"),
        shown(&received.attempt),
    );
    if let Some(check) = &received.check {
        let (code, verdict) = if check.is_good { (GREEN, "good") } else { (RED, "NOT good") };
        let words = neutral(&check.words);
        let _ = writeln!(text, "  signature {}: {words}", paint.with(code, verdict));
    }
    if show.headers {
        for (name, value) in &received.headers {
            let _ = writeln!(text, "  {}: {}", paint.with(DIM, &neutral(name)), neutral(value));
        }
    }
    if let Some(answered) = &received.answered {
        let _ = writeln!(text, "  {}", paint.with(RED, &format!("answered {answered}")));
    }
    let body = String::from_utf8_lossy(&received.body);
    match &received.fault {
        None if body.len() <= INDENTED_UP_TO => text.push_str(&indented(&body, paint)),
        None => {
            let _ = writeln!(text, "  {}", neutral(&body));
        }
        Some(fault) => {
            let _ = writeln!(text, "  {}", paint.with(RED, fault));
            let beginning: String = body.chars().take(RAW_SHOWN).collect();
            let more = if beginning.len() < body.len() { " …" } else { "" };
            let _ = writeln!(text, "  {}{more}", neutral(&beginning));
        }
    }
    text.push('\n');
    text
}

/// The same text with everything that a terminal would obey, or that turns the reading direction
/// round, written as `\u001b` is in JSON.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[derive(Clone, Copy)]
struct Paint {
    on: bool,
}

impl Paint {
    fn with<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.on { Cow::Owned(format!("{code}{text}{RESET}")) } else { Cow::Borrowed(text) }
    }
}

/// JSON text, indented. It works on the text and not on a parsed value, so keys keep their order
/// and numbers their digits: what is shown is what was sent, with other white space.
/// The text must be JSON; of other text it makes other text, but never a panic.
fn indented(json: &str, paint: Paint) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 1;
    let mut rest = json.trim_start();
    text.push_str("  ");
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        let next = after.trim_start();
        match first {
            '{' | '[' if next.starts_with(['}', ']']) => {
                text.push_str(token);
                text.push_str(&next[..1]);
                rest = next[1..].trim_start();
                continue;
            }
            '{' | '[' => {
                depth += 1;
                text.push_str(token);
                new_line(&mut text, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1).max(1);
                new_line(&mut text, depth);
                text.push_str(token);
            }
            ',' => {
                text.push_str(token);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            '"' if next.starts_with(':') => text.push_str(&paint.with(CYAN, &neutral(token))),
            _ => text.push_str(&neutral(token)),
        }
        rest = next;
    }
    text.push('\n');
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// How many bytes the token at the start of `rest` has: a bracket or sign, a string with its
/// quotes, or a number or word up to what ends it.
fn token_length(rest: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            for (at, byte) in rest.bytes().enumerate().skip(1) {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => return at + 1,
                    _ => {}
                }
            }
            rest.len()
        }
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ => {
            let ends = |c: char| "{}[],:\"".contains(c) || c.is_whitespace();
            rest.char_indices().skip(1).find(|&(_, c)| ends(c)).map_or(rest.len(), |(at, _)| at)
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::check::Check;
    use super::*;
    use crate::model::Time;

    const PLAIN: Paint = Paint { on: false };
    const BARE: Show = Show { colour: false, headers: false };

    fn received(body: &str) -> Received {
        Received {
            event: Some("task_created".to_owned()),
            task_id: Some("task_1".to_owned()),
            title: Some("Milk".to_owned()),
            webhook_id: Some("evt_1".to_owned()),
            attempt: Some("1".to_owned()),
            headers: vec![("webhook-id".to_owned(), "evt_1\x1b[2J".to_owned())],
            check: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
            fault: None,
            answered: None,
            at: Time(0),
        }
    }

    #[test]
    fn a_block_names_the_webhook_and_shows_its_body_in_its_own_order() {
        let text = block(&received(r#"{"event":"task_created","task":{"b":1.50,"a":[]}}"#), BARE);
        let expected = concat!(
            "1970-01-01T00:00:00.000Z  task_created  “Milk”\n",
            "  task task_1  webhook-id evt_1  attempt 1\n",
            "  {\n    \"event\": \"task_created\",\n    \"task\": {\n",
            "      \"b\": 1.50,\n      \"a\": []\n    }\n  }\n\n",
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn colour_is_there_only_when_asked_for() {
        let webhook = received(r#"{"a":1}"#);
        assert!(!block(&webhook, BARE).contains('\x1b'));
        assert!(
            block(&webhook, Show { colour: true, headers: false })
                .contains("\x1b[36m\"a\"\x1b[0m: 1")
        );
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_as_a_command() {
        let mut webhook = received("{\"title\":\"\u{7f}\u{9b}2J\u{202e}\"}");
        for field in [&mut webhook.event, &mut webhook.task_id, &mut webhook.title] {
            *field = Some("\x1b]0;owned\x07\r\n\u{2066}".to_owned());
        }
        let text = block(&webhook, Show { colour: false, headers: true });
        assert!(text.contains("  webhook-id: evt_1\\u001b[2J\n"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
        assert!(text.contains(r"\u001b]0;owned\u0007\u000d\u000a\u2066"), "{text}");
        assert!(text.contains(r#""\u007f\u009b2J\u202e""#), "{text}");
        assert_eq!(neutral("Grüße, 世界 🙂"), "Grüße, 世界 🙂");
    }

    #[test]
    fn strings_are_left_alone_whatever_they_contain() {
        let text = indented(r#"{"a":"{[,:]} \" \\","b":{}, "c" : [ 1 , true ] }"#, PLAIN);
        let expected = concat!(
            "  {\n    \"a\": \"{[,:]} \\\" \\\\\",\n    \"b\": {},\n",
            "    \"c\": [\n      1,\n      true\n    ]\n  }\n",
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn text_that_is_no_json_harms_nobody() {
        for odd in ["", " ", "\"", "\"\\", "]]]", "{", "ü", ":ü\"", "{]", "\"ü", "[\u{a0}]"] {
            let _ = indented(odd, PLAIN);
        }
        let mut webhook = received("a=1\x1b");
        webhook.fault = Some("the body is not JSON".to_owned());
        webhook.answered = Some("400 Bad Request".to_owned());
        webhook.check = Some(Check { is_good: false, words: "it is missing".to_owned() });
        let text = block(&webhook, BARE);
        let expected = concat!(
            "  signature NOT good: it is missing\n  answered 400 Bad Request\n",
            "  the body is not JSON\n  a=1\\u001b\n",
        );
        assert!(text.contains(expected), "{text}");
    }
}
