//! A refusal says what the receiver meant by it and what to do, status by status; a redirect says
//! where it leads, without giving a secret away.
//!
//! Seen with: <https://github.com/tradegecko/smaug/pull/87> (a redirect, 200 to 399, counted as delivered).

use serde_json::json;

use crate::harness::hooks::id;
use crate::harness::{Receiver, Reply, Server};

/// A task by title, and what the text of its refusal must hold.
const CASES: [(&str, &str); 21] = [
    ("304", "a cache or a proxy"),
    ("402", "plan or its quota"),
    ("405", "POST"),
    ("407", "proxy"),
    ("408", "gave up waiting"),
    ("413", "larger than the receiver takes"),
    ("415", "does not take JSON"),
    ("421", "host name"),
    ("425", "early data"),
    ("426", "https://"),
    ("431", "headers"),
    ("406", "form to answer in"),
    ("409", "does not go with what it holds"),
    ("411", "length of the body"),
    ("412", "If-Match"),
    ("414", "URL is longer"),
    ("423", "locked"),
    ("428", "If-Match"),
    ("451", "legal reasons"),
    ("302", "names no address"),
    ("418", "does not accept this body"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_status_has_a_sentence_of_its_own() {
    let receiver =
        Receiver::start(|hit| Reply::status(hit.task("title").parse().expect("a status"))).await;
    let server =
        Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &receiver.url())]).await;
    for (status, words) in CASES {
        let task = server.create(&json!({"title": status})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        let text = delivery["reasonText"].as_str().expect("words");
        assert!(text.contains(status) && text.contains(words), "{status}: {text}");
        let is_redirect = text.contains("Redirects are never followed");
        assert_eq!(is_redirect, status == "302", "{text}");
    }
    // Who tries a webhook out reads the same.
    for (status, words) in CASES {
        receiver.answer(move |_| Reply::status(status.parse().expect("a status")));
        let tried = server.post("/api/webhooks/default/test", &json!({})).await.expect(200).json();
        let text = tried["reasonText"].as_str().expect("words");
        assert!(text.contains(status) && text.contains(words), "{status}: {text}");
        assert!(!text.contains("edeliver"), "there is nothing to redeliver: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_says_where_it_leads_and_no_secret() {
    let receiver = Receiver::start(|hit| {
        let host = hit.header("host");
        let to = match &*hit.task("title") {
            "login" => "https://login.example.org/sign-in?next=s3cret-path&t=0123456789".to_owned(),
            "tls" => format!("https://{host}/hook/s3cret-path"),
            "slash" => "/hook/s3cret-path/".to_owned(),
            "itself" => format!("http://{host}/hook/s3cret-path"),
            "script" => "javascript:alert(1)".to_owned(),
            "long" => format!("https://example.org/{}", "long/".repeat(1_000)),
            _ => String::new(),
        };
        Reply::status(302).header("location", &to)
    })
    .await;
    let url = format!("http://{}/hook/s3cret-path", receiver.address());
    let server = Server::start(&[("WEBHOOK_RECOVERY", "off"), ("WEBHOOK_URL", &url)]).await;
    for (title, words) in [
        ("login", "points to https://login.example.org/sign-in?…."),
        ("tls", "the same address with https://"),
        ("slash", "the same address with a slash at its end"),
        ("long", "points to https://example.org/long/long/"),
        ("itself", "leads to where it came from"),
        (
            "script",
            "no address of the web (javascript:). Redirects are never followed, and this one names",
        ),
        ("none", "answered 302 Found."),
    ] {
        let task = server.create(&json!({"title": title})).await;
        let delivery = server.settled(id(&task)).await.remove(0);
        let text = delivery["reasonText"].as_str().expect("words");
        assert!(text.contains(words), "{title}: {text}");
        assert!(text.contains("Redirects are never followed"), "{title}: {text}");
        assert!(text.len() < 500, "{title}: {} bytes", text.len());
        let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.text();
        assert!(!whole.contains("s3cret") && !whole.contains("0123456789"), "{whole}");
    }
    assert!(!server.output().contains("s3cret"), "nor in the log");
}
