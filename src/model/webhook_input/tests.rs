//! What may be asked of a webhook, and what is said to all else.

use super::*;
use serde_json::json;

const MINE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[expect(clippy::needless_pass_by_value, reason = "so that json!() can stand in the call")]
fn parse(body: Value) -> Result<WebhookInput, Invalid> {
    WebhookInput::read(body.as_object().unwrap(), "", Unknown::Refused)
}

fn made(body: Value) -> Webhook {
    let new = NewWebhook::try_from(parse(body).unwrap()).unwrap();
    new.create("wh_1".to_owned(), Secret::new("whsec_made")).unwrap()
}

fn refused(body: Value) -> Invalid {
    parse(body).unwrap_err()
}

#[test]
fn a_url_is_enough_and_everything_else_has_a_default() {
    for body in [
        json!({"url": "https://e.org/x"}),
        json!({"url": " https://e.org/x ", "events": [], "source": null, "description": "",
               "headers": null, "secret": "", "payload": null, "filter": null, "ignoreOrigin": null,
               "profile": "", "ratePerSecond": null, "timeoutSeconds": null, "maxAttempts": "",
               "onReject": null}),
    ] {
        let webhook = made(body);
        assert_eq!(
            (webhook.url.as_str(), webhook.events),
            ("https://e.org/x", EventKind::OF_TASKS.to_vec())
        );
        assert_eq!((webhook.source, webhook.description), (None, None));
        assert_eq!((webhook.headers, webhook.ignore_origin), (vec![], vec![]));
        assert_eq!(webhook.secret.unwrap().expose(), "whsec_made");
        assert_eq!((webhook.payload, webhook.profile), (Payload::Full, Profile::Auto));
        assert_eq!((webhook.filter, webhook.on_reject), (Filter::default(), OnReject::Skip));
        let numbers = (webhook.rate_per_second, webhook.timeout_seconds, webhook.max_attempts);
        assert_eq!(numbers, (None, 10, 3));
    }
    let found = NewWebhook::try_from(parse(json!({})).unwrap()).err().unwrap();
    assert_eq!((found.field.as_str(), found.missing), ("url", false));
}

#[test]
fn lists_take_a_single_value_and_drop_duplicates() {
    let webhook = made(json!({"url": "https://e.org",
        "events": ["task_deleted", "task_created", "task_deleted"],
        "ignoreOrigin": "incoming",
        "filter": {"status": "DONE", "priority": ["HIGH", "HIGH", "URGENT"], "tag": ["a, b"],
                   "type": ["TECH"], "category": null}}));
    assert_eq!(webhook.events, [EventKind::Deleted, EventKind::Created]);
    assert_eq!(webhook.ignore_origin, [Origin::incoming()]);
    let expected = Filter {
        r#type: vec!["TECH".to_owned()],
        category: vec![],
        status: vec!["DONE".to_owned()],
        priority: vec!["HIGH".to_owned(), "URGENT".to_owned()],
        tag: vec!["a, b".to_owned()],
    };
    assert_eq!(webhook.filter, expected);
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (body, field, said) in [
        (json!({"ulr": 1}), "ulr", "url, events, source"),
        (json!({"url": ""}), "url", "http"),
        (json!({"events": "task_created"}), "events", "array"),
        (json!({"events": ["task_gone"]}), "events[0]", "task_created, task_updated"),
        (json!({"events": ["webhook_down"]}), "events[0]", "task_deleted"),
        (json!({"source": "Make"}), "source", "a-z"),
        (json!({"description": "x".repeat(501)}), "description", "500"),
        (json!({"payload": "raw"}), "payload", "classic, full"),
        (json!({"filter": {"title": "x"}}), "filter.title", "type, category, status"),
        (json!({"filter": {"status": ["DONE", "GONE"]}}), "filter.status[1]", "OPEN, IN_PROGRESS"),
        (json!({"filter": {"priority": "MAX"}}), "filter.priority", "URGENT"),
        (json!({"filter": {"type": "tech"}}), "filter.type", "A-Z"),
        (json!({"filter": {"tag": [""]}}), "filter.tag[0]", "1 to 64"),
        (json!({"filter": ["DONE"]}), "filter", "object"),
        (json!({"ignoreOrigin": ["A B"]}), "ignoreOrigin[0]", "a-z"),
        (json!({"profile": "zapier"}), "profile", "auto, make, n8n, plain"),
        (json!({"ratePerSecond": 0}), "ratePerSecond", "1 to 1000"),
        (json!({"ratePerSecond": 1.5}), "ratePerSecond", "1 to 1000"),
        (json!({"ratePerSecond": "5"}), "ratePerSecond", "1 to 1000"),
        (json!({"timeoutSeconds": 31}), "timeoutSeconds", "1 to 30"),
        (json!({"maxAttempts": 21}), "maxAttempts", "1 to 20"),
        (json!({"onReject": "stop"}), "onReject", "skip, hold"),
    ] {
        let found = refused(body);
        assert_eq!(found.field, field);
        assert!(found.message.starts_with(field), "{}", found.message);
        assert!(found.message.contains(said), "{}", found.message);
    }
}

#[test]
fn secrets_do_not_stand_in_messages() {
    let many: serde_json::Map<String, Value> =
        (0..21).map(|n| (format!("x-{n}"), json!("s3cret"))).collect();
    for (body, field) in [
        (json!({"url": "ftp://h/s3cret"}), "url"),
        (json!({"url": ["https://h/s3cret"]}), "url"),
        (json!({"secret": "s3cret"}), "secret"),
        (json!({"secret": {"a": "s3cret"}}), "secret"),
        (json!({"headers": "x: s3cret"}), "headers"),
        (json!({"headers": ["s3cret"]}), "headers"),
        (json!({"headers": {"x": ["s3cret"]}}), "headers"),
        (json!({"headers": {"x": "s3cret\n"}}), "headers"),
        (json!({"headers": {"x": ""}}), "headers"),
        (json!({"headers": {"X-Btk-Event": "s3cret"}}), "headers"),
        (json!({"headers": {"X": "s3cret", "x": "s3cret"}}), "headers"),
        (json!({"headers": many}), "headers"),
    ] {
        let found = refused(body);
        assert_eq!(found.field, field);
        assert!(!found.message.contains("s3cret"), "{}", found.message);
    }
    let input = parse(json!({"url": "https://h/s3cret", "headers": {"x": "s3cret"}})).unwrap();
    assert!(!format!("{input:?}").contains("s3cret"));
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let before = made(json!({"url": "https://e.org", "headers": {"X-One": "1", "x-two": "2"},
        "secret": MINE, "ratePerSecond": 5, "filter": {"tag": "a"}, "description": "d"}));
    let change = |body: Value| parse(body).unwrap().apply(&before);
    let same = change(json!({})).unwrap();
    assert_eq!((&same.headers, &same.filter), (&before.headers, &before.filter));
    assert_eq!((same.rate_per_second, same.description), (Some(5), Some("d".to_owned())));
    let after = change(json!({"headers": {"x-two": "…", "x-three": "3"}, "ratePerSecond": null,
        "filter": {}, "description": null, "secret": OTHER}));
    let after = after.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = after.headers.clone();
    headers.sort();
    assert_eq!(headers, [pair("x-three", "3"), pair("x-two", "2")]);
    assert_eq!((after.rate_per_second, after.description), (None, None));
    assert_eq!((after.filter, after.events), (Filter::default(), before.events.clone()));
    assert_eq!(after.secret.unwrap().expose(), MINE, "that is rotated, not changed");
    assert_eq!(change(json!({"headers": null})).unwrap().headers, []);
    let lost = change(json!({"headers": {"x-new": "…"}})).unwrap_err();
    assert_eq!(lost.field, "headers.x-new");
}
