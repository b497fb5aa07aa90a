//! Text that is not plain UTF-8: `gr��e` in a task, in silence, is the fault that nobody sees for weeks.
//!
//! Seen with: `PowerShell` 5.1 and .NET (a byte order mark before JSON, UTF-16), old forms and
//! databases (ISO-8859-1, declared or not), HTTP clients that pack what they send (n8n, Fluentd,
//! `curl --compressed` scripts), secrets pasted into a query as they are.
//! <https://github.com/n8n-io/n8n/pull/35933>, <https://github.com/SharePoint/sp-dev-docs/issues/1123> (the byte order
//! mark).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const SECRET: &str = "sixteen-characters+and/more 50%";
const HERE: &str = "/api/incoming-webhook";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

async fn server() -> Server {
    Server::start(&[("WEBHOOK_SECRET", SECRET)]).await
}

async fn come_in(server: &Server, kind: &str, body: Vec<u8>) -> Answer {
    server.call("POST", HERE).header("x-webhook-secret", SECRET).text(kind, body).send().await
}

async fn title(server: &Server, answer: Answer) -> Value {
    let id = answer.expect(200).json()["taskId"].as_str().expect("an id").to_owned();
    server.get(&format!("/api/tasks/{id}")).await.expect(200).json()["title"].clone()
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter of ISO-8859-1")).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn json_comes_in_every_charset_that_is_told_and_is_kept_as_it_was_meant() {
    let server = server().await;
    let task = r#"{"title":"Größe für Äpfel"}"#;
    for (kind, body) in [
        (JSON, task.as_bytes().to_vec()),
        (JSON, format!("\u{feff}{task}").into_bytes()),
        (JSON, wide(task)),
        (JSON, wide(&format!("\u{feff}{task}"))),
        ("application/json; charset=ISO-8859-1", latin(task)),
        ("application/json; charset=\"windows-1252\"", latin(task)),
        ("application/json; charset=utf-16le", wide(task)),
    ] {
        let answer = server.call("POST", "/api/tasks").text(kind, body.clone()).send().await;
        assert_eq!(answer.expect(201).json()["title"], "Größe für Äpfel", "{kind}");
        let event = format!(r#"{{"event":"task_created","task":{task}}}"#);
        let body = if body == latin(task) {
            latin(&event)
        } else if body.contains(&0) {
            wide(&event)
        } else {
            event.into_bytes()
        };
        let answer = come_in(&server, kind, body).await;
        assert_eq!(title(&server, answer).await, "Größe für Äpfel", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_comes_in_its_charset_also_behind_percent_signs() {
    let server = server().await;
    let declared = format!("{FORM}; charset=ISO-8859-1");
    let form = "event=task_created&title=Größe";
    for (kind, body) in [
        (FORM, form.as_bytes().to_vec()),
        (FORM, format!("\u{feff}{form}").into_bytes()),
        (FORM, b"event=task_created&title=Gr%C3%B6%C3%9Fe".to_vec()),
        (&declared, latin(form)),
        (&declared, b"event=task_created&title=Gr%F6%DFe".to_vec()),
        (FORM, wide(&format!("\u{feff}{form}"))),
    ] {
        let answer = come_in(&server, kind, body.clone()).await;
        assert_eq!(title(&server, answer).await, "Größe", "{kind} {body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_no_charset_is_refused_with_the_place_of_the_byte() {
    let server = server().await;
    let task = latin(r#"{"title":"Größe"}"#);
    let said = server.call("POST", "/api/tasks").text(JSON, task).send().await.expect_error(400);
    assert!(said.contains("byte 13 is 0xF6") && said.contains("charset"), "{said}");
    for body in
        [latin("event=task_created&title=Größe"), b"event=task_created&title=Gr%F6%DFe".to_vec()]
    {
        let said = come_in(&server, FORM, body).await.expect_fault(400, "title");
        assert!(said.contains("byte 3 is 0xF6"), "{said}");
    }
    let said = server.get("/api/tasks?q=Gr%F6%DFe").await.expect_fault(400, "q");
    assert!(said.contains("byte 3 is 0xF6"), "{said}");
    for kind in ["application/json; charset=klingon", "application/json;charset=utf-32"] {
        let answer = server.call("POST", "/api/tasks").text(kind, "{\"title\":\"a\"}").send().await;
        let said = answer.expect_error(415);
        assert!(said.contains(kind.rsplit('=').next().unwrap()), "{said}");
    }
    assert_eq!(server.get("/api/tasks").await.expect(200).json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_body_is_unpacked_within_its_limit_and_no_other_packing_is_taken() {
    let server = server().await;
    let send = async |encoding: &str, body: Vec<u8>| {
        let call = server.call("POST", "/api/tasks").header("content-encoding", encoding);
        call.text(JSON, body).send().await
    };
    let task = "{\"title\":\"Größe\"}".as_bytes();
    for (encoding, body) in [
        ("gzip", packed(task)),
        ("x-gzip", packed(task)),
        ("identity", task.to_vec()),
        ("gzip", packed(&wide("{\"title\":\"Größe\"}"))),
    ] {
        let answer = send(encoding, body).await.expect(201);
        assert_eq!(answer.json()["title"], "Größe", "{encoding}");
    }
    for other in ["br", "deflate", "zstd", "gzip, gzip"] {
        let said = send(other, packed(task)).await.expect_error(415);
        assert!(said.contains(other) && said.contains("gzip"), "{said}");
    }
    send("gzip", task.to_vec()).await.expect_error(400);
    // A megabyte at most, whatever it was packed to.
    let bomb = packed(&vec![b' '; 100 * 1024 * 1024]);
    assert!(bomb.len() < 200_000);
    send("gzip", bomb).await.expect_error(413);
    let answer = server.call("POST", HERE).header("x-webhook-secret", SECRET);
    let answer = answer.header("content-encoding", "gzip");
    let body = packed(b"event=task_created&title=Gr%C3%B6%C3%9Fe");
    let answer = answer.text(FORM, body).send().await;
    assert_eq!(title(&server, answer).await, "Größe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_known_however_a_tool_writes_it_into_the_address() {
    let server = server().await;
    let body = json!({"event": "task_created", "task": {"title": "a"}});
    for written in [
        "sixteen-characters%2Band%2Fmore%2050%25",
        "sixteen-characters+and/more%2050%",
        "sixteen-characters%2Band/more+50%25",
    ] {
        let answer = server.post(&format!("{HERE}?secret={written}"), &body).await;
        // With a blank in it as `+`, a plus has to be encoded: both at once would be two readings.
        answer.expect(200);
    }
    server.post(&format!("{HERE}?secret=sixteen-characters"), &body).await.expect_error(401);
    let server = Server::start(&[("WEBHOOK_SECRET", "c2l4dGVlbiBjaGFy+YWN0ZXJz/+A==")]).await;
    let path = format!("{HERE}?secret=c2l4dGVlbiBjaGFy+YWN0ZXJz/+A==");
    server.post(&path, &body).await.expect(200);
    // In a header, Node.js writes each letter as a byte of ISO-8859-1.
    let server = Server::start(&[("WEBHOOK_SECRET", "geheim-für-Größe")]).await;
    for written in ["geheim-f%C3%BCr-Gr%C3%B6%C3%9Fe", "geheim-f%FCr-Gr%F6%DFe"] {
        server.post(&format!("{HERE}?secret={written}"), &body).await.expect(200);
    }
    let value = HeaderValue::from_bytes(&latin("geheim-für-Größe")).expect("a header");
    let call = server.call("POST", HERE).header_value("x-webhook-secret", value);
    call.json(&body).send().await.expect(200);
}
