//! Where webhooks may lead (SSRF): those made over the API to public addresses and to what the owner
//! named, the owner's own to anywhere, and none through a proxy that nobody asked for.

use serde_json::json;

use crate::harness::{Receiver, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_to_a_private_address_is_refused_when_it_is_made() {
    let server = Server::start(&[]).await;
    for url in [
        "http://127.0.0.1:5678/s3cret-path",
        "http://localhost/s3cret-path",
        "http://0x7f.1/s3cret-path",
        "http://2130706433/s3cret-path",
        "http://[::1]/s3cret-path",
        "http://[::ffff:10.0.0.1]/s3cret-path",
        "http://10.0.0.5/s3cret-path",
        "http://192.168.1/s3cret-path",
        "http://169.254.169.254/s3cret-path",
        "http://[64:ff9b::7f00:1]/s3cret-path",
    ] {
        let answer = server.post("/api/webhooks", &json!({"url": url})).await;
        let said = answer.expect_error(400);
        assert!(said.contains("WEBHOOK_ALLOW_TARGETS"), "{url}: {said}");
        assert!(!answer.text().contains("s3cret-path"), "{url}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_named_is_reached() {
    let receiver = Receiver::ok().await;
    let target = receiver.address().to_string();
    let server = Server::start(&[("WEBHOOK_ALLOW_TARGETS", &target)]).await;
    server.post("/api/webhooks", &json!({"url": receiver.url()})).await.expect(201);
    // The next port of the same machine was not named.
    let next = json!({"url": format!("http://127.0.0.1:{}/", receiver.address().port() ^ 1)});
    server.post("/api/webhooks", &next).await.expect_error(400);
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_webhook_goes_anywhere_and_through_no_proxy() {
    let receiver = Receiver::ok().await;
    let proxy = Receiver::ok().await;
    let through = format!("http://{}", proxy.address());
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let mut settings: Vec<_> = names.iter().map(|name| (*name, through.as_str())).collect();
    let url = receiver.url();
    settings.push(("WEBHOOK_URL", &url));
    let server = Server::start(&settings).await;
    server.create(&json!({"title": "a"})).await;
    receiver.wait_for(1).await;
    assert!(proxy.hits().is_empty());
}
