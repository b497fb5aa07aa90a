//! Many windows of one browser: it opens six connections to a server, and each of them would be a stream.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Server, eventually};

/// More than six.
const WINDOWS: usize = 9;

#[tokio::test]
async fn more_windows_than_connections_stay_live_over_one_stream() {
    let server = Server::start(&[]).await;
    let browser = Browser::at(&server, "/").await;
    let mut windows = vec![browser.window().await];
    for path in ["/", "/deliveries", "/webhooks", "/overview"].iter().cycle().take(WINDOWS - 1) {
        windows.push(browser.open_window(path).await);
    }
    for window in &windows {
        browser.switch_to(window).await;
        assert_eq!(browser.js("return document.hidden", &[]).await, false, "a window that is seen");
        browser.find(".live", "Live").await;
    }
    server.create(&json!({"title": "For all"})).await;
    browser.switch_to(&windows[0]).await;
    browser.find("[data-test=card]", "For all").await;
    browser.switch_to(&windows[1]).await;
    browser.find("[data-test=card]", "For all").await;
    // A server takes a hundred streams: ninety-nine more find a place beside these nine windows.
    let mut others = Vec::new();
    for _ in 0..99 {
        others.push(stream(&server).await.expect("a place"));
    }
    assert!(stream(&server).await.is_none(), "the windows have a stream");
    others.clear();

    // The stream lives as long as one of the windows is seen, and ends with the last.
    for window in windows.drain(1..) {
        browser.switch_to(&window).await;
        browser.close_window().await;
    }
    browser.switch_to(&windows[0]).await;
    browser.find(".live", "Live").await;
    server.create(&json!({"title": "For one"})).await;
    browser.find("[data-test=card]", "For one").await;
    browser.go("/docs").await;
    eventually("all hundred places are free", async || {
        let mut all = Vec::new();
        for _ in 0..100 {
            all.push(stream(&server).await?);
        }
        Some(())
    })
    .await;
    browser.expect_content(&[]).await;
}

/// A server that has no stream to give is there all the same: it is asked every few seconds, and not again and again.
#[tokio::test]
async fn a_page_without_a_stream_asks_seldom_and_says_so() {
    let server = Server::start(&[]).await;
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(stream(&server).await.expect("a place"));
    }
    let browser = Browser::at(&server, "/").await;
    browser.find(".live", "Every 5 s").await;
    server.create(&json!({"title": "Seen all the same"})).await;
    browser.find("[data-test=card]", "Seen all the same").await;
    let asked = browser.js("return performance.getEntriesByType('resource').length", &[]).await;
    browser.find(".live", "Every 5 s").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let later = browser.js("return performance.getEntriesByType('resource').length", &[]).await;
    let more = later.as_u64().zip(asked.as_u64()).map(|(later, asked)| later - asked);
    assert!(more.is_some_and(|more| more <= 12), "{more:?} calls in three seconds");
    browser.expect_content(&["/api/changes"]).await;
}

/// A stream of changes, if there is a place for it; it ends with its connection.
async fn stream(server: &Server) -> Option<tokio::net::TcpStream> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.expect("a connection");
    let head = b"GET /api/changes HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(head).await.expect("sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.expect("an answer");
    status.ends_with(b"200").then_some(stream)
}
