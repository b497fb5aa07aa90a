//! Secure connections that fail for a reason that a person can mend, and are told of as `invalid peer
//! certificate: UnknownIssuer` elsewhere: here the sentence says what it is and what to do. And the
//! certificates that the owner of the server believes in.
//!
//! Seen with: <https://github.com/louislam/uptime-kuma/issues/1476>, <https://github.com/micromdm/micromdm/issues/485>
//! (sentences that say neither whose certificate nor what to do).

use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::hooks::id;
use crate::harness::tls::{Certificate, USUAL, Wish, hang_up, serve};
use crate::harness::{Receiver, Server, home};

const CA: Wish = Wish { name: "authority.example", is_ca: true, ..USUAL };

/// What the log says of the one attempt that is made with these settings; nothing if it arrives.
async fn why(url: &str, settings: &[(&str, &str)]) -> String {
    let usual = [("WEBHOOK_URL", url), ("WEBHOOK_ATTEMPTS", "1"), ("WEBHOOK_RECOVERY", "off")];
    let server = Server::start(&[&usual[..], settings].concat()).await;
    let task = server.create(&json!({"title": "a"})).await;
    let delivery = server.settled(id(&task)).await.remove(0);
    let whole = server.get(&format!("/api/deliveries/{}", id(&delivery))).await.json();
    let text = whole["attempts"][0]["error"].as_str().unwrap_or_default().to_owned();
    assert_eq!(text.is_empty(), delivery["status"] == "delivered", "{delivery}");
    assert!(!text.contains("s3cret"), "{text}");
    text
}

/// Accepts, reads what comes first, says this and hangs up.
async fn saying(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _some = stream.read(&mut [0; 4096]).await;
            stream.write_all(bytes).await.ok();
            tokio::spawn(hang_up(stream));
        }
    });
    format!("localhost:{port}")
}

fn hook(address: &str) -> String {
    format!("https://{address}/s3cret-path")
}

#[track_caller]
fn says(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_believed_is_told_of_in_words() {
    let authority = Certificate::own(&CA, "Our Own CA");
    let home = home();
    let ca = authority.write(home.path(), "ca.pem");
    let believed = [("WEBHOOK_CA_FILE", &*ca)];
    let both = [&TLS12, &TLS13];

    for is_ca in [false, true] {
        let own = Certificate::own(&Wish { is_ca, ..USUAL }, "localhost");
        let url = hook(&serve(&own, &both, None).await);
        says(&why(&url, &[]).await, &["is self-signed", "WEBHOOK_CA_FILE"]);
    }
    let signed = serve(&Certificate::by(&authority, &USUAL), &both, None).await;
    says(&why(&hook(&signed), &[]).await, &["\"Our Own CA\"", "not known here", "WEBHOOK_CA_FILE"]);

    let over = Certificate::by(&authority, &Wish { years: (2019, 2020), ..USUAL });
    let text = why(&hook(&serve(&over, &both, None).await), &believed).await;
    says(&text, &["expired on 2020-01-02T00:00:00Z", "here it is 20", "Renew it"]);

    let early = Certificate::by(&authority, &Wish { years: (2080, 2090), ..USUAL });
    let text = why(&hook(&serve(&early, &both, None).await), &believed).await;
    says(&text, &["valid only from 2080-01-02T00:00:00Z on", "clock"]);

    let other = Certificate::by(&authority, &Wish { name: "other.example", ..USUAL });
    let text = why(&hook(&serve(&other, &both, None).await), &believed).await;
    says(&text, &["for other.example", "not for localhost", "URL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_speaks_something_else_is_told_of_in_words() {
    let plain = Receiver::ok().await;
    let text = why(&format!("https://localhost:{}/s3cret", plain.address().port()), &[]).await;
    says(&text, &["does not speak TLS at this port", "http://"]);
    let banner = saying(b"220 mail.example.org ESMTP\r\n").await;
    says(&why(&hook(&banner), &[]).await, &["does not speak TLS at this port"]);
    let cut = saying(b"").await;
    says(&why(&hook(&cut), &[]).await, &["while TLS was being set up"]);

    // The other way round.
    let own = Certificate::own(&USUAL, "localhost");
    let tls = serve(&own, &[&TLS12, &TLS13], None).await;
    says(&why(&format!("http://{tls}/s3cret"), &[]).await, &["HTTPS", "https://"]);
    let nginx = saying(
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 57\r\nconnection: close\r\n\r\n\
          <h1>The plain HTTP request was sent to HTTPS port</h1>\r\n\r\n",
    );
    let nginx = nginx.await;
    says(&why(&format!("http://{nginx}/s3cret"), &[]).await, &["HTTPS", "https://"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_refused_is_told_of_in_words() {
    // Fatal alerts: protocol version, handshake failure, unrecognised name.
    let old = saying(&[0x15, 3, 1, 0, 2, 2, 70]).await;
    says(&why(&hook(&old), &[]).await, &["versions of TLS", "1.2 and 1.3"]);
    let ciphers = saying(&[0x15, 3, 3, 0, 2, 2, 40]).await;
    says(&why(&hook(&ciphers), &[]).await, &["refused to set up TLS", "client certificate"]);
    let name = saying(&[0x15, 3, 3, 0, 2, 2, 112]).await;
    says(&why(&hook(&name), &[]).await, &["no host of this name"]);

    let authority = Certificate::own(&CA, "Our Own CA");
    let home = home();
    let ca = authority.write(home.path(), "ca.pem");
    for version in [&TLS12, &TLS13] {
        let address =
            serve(&Certificate::by(&authority, &USUAL), &[version], Some(&authority)).await;
        let text = why(&hook(&address), &[("WEBHOOK_CA_FILE", &ca)]).await;
        says(&text, &["client certificate"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_believes_in_is_believed() {
    let (home, both) = (home(), [&TLS12, &TLS13]);
    let authority = Certificate::own(&CA, "Our Own CA");
    let signed = Certificate::by(&authority, &USUAL);
    let url = hook(&serve(&signed, &both, None).await);
    let ca = authority.write(home.path(), "ca.pem");
    assert_eq!(why(&url, &[("WEBHOOK_CA_FILE", &ca)]).await, "", "an authority of one's own");
    assert_eq!(why(&url, &[("SSL_CERT_FILE", &ca)]).await, "", "the same in place of all others");
    let folder = home.path().to_str().expect("a plain path");
    assert_eq!(why(&url, &[("SSL_CERT_DIR", folder)]).await, "", "or a folder of them");
    let leaf = signed.write(home.path(), "leaf.pem");
    assert_eq!(
        why(&url, &[("WEBHOOK_CA_FILE", &leaf)]).await,
        "",
        "the receiver's own certificate"
    );
    for is_ca in [false, true] {
        let own = Certificate::own(&Wish { is_ca, ..USUAL }, "localhost");
        let url = hook(&serve(&own, &both, None).await);
        let file = own.write(home.path(), "own.pem");
        assert_eq!(why(&url, &[("WEBHOOK_CA_FILE", &file)]).await, "", "a self-signed one");
    }
    // As editors and copies from a page of documentation leave it: nothing is left out in silence.
    let text = std::fs::read_to_string(&ca).expect("the file");
    let indented = format!("    {}", text.replace('\n', " \r\n    "));
    for changed in [format!("\u{feff}{text}"), indented] {
        let file = home.path().join("changed.pem");
        std::fs::write(&file, changed).expect("a file");
        let file = file.to_str().expect("a plain path");
        for name in ["WEBHOOK_CA_FILE", "SSL_CERT_FILE"] {
            assert_eq!(why(&url, &[(name, file)]).await, "", "{name}");
        }
    }
    // Only what it is for, and only while it holds.
    for (wish, words) in [
        (Wish { name: "other.example", ..USUAL }, "not for localhost"),
        (Wish { years: (2019, 2020), ..USUAL }, "expired on"),
    ] {
        for is_ca in [false, true] {
            let own = Certificate::own(&Wish { is_ca, ..wish.clone() }, "localhost");
            let url = hook(&serve(&own, &both, None).await);
            let file = own.write(home.path(), "own.pem");
            says(&why(&url, &[("WEBHOOK_CA_FILE", &file)]).await, &[words]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_certificates_that_cannot_be_read_stops_the_start() {
    let home = home();
    let refused = Server::refused_in(
        home.clone(),
        &[
            ("WEBHOOK_CA_FILE", "none.pem"),
            ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
            ("SSL_CERT_DIR", "/nonexistent/certs"),
        ],
    );
    let refused = refused.await;
    assert_eq!(refused.status.code(), Some(2));
    says(
        &refused.err,
        &[
            "WEBHOOK_CA_FILE names none.pem, which cannot be read",
            "SSL_CERT_FILE names /nonexistent/ca.pem, which cannot be read",
            "SSL_CERT_DIR names /nonexistent/certs, which cannot be read",
            "3 settings need mending",
        ],
    );
    assert!(!home.path().join("btk.db").exists(), "nothing was begun");
    std::fs::write(home.path().join("empty.pem"), "nothing here\n").expect("a file");
    let empty = home.path().join("empty.pem").display().to_string();
    for name in ["WEBHOOK_CA_FILE", "SSL_CERT_FILE"] {
        let refused = Server::refused_in(home.clone(), &[(name, &*empty)]).await;
        says(&refused.err, &[&format!("{name} names {empty}"), "BEGIN CERTIFICATE"]);
    }
}
