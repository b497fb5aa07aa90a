//! What connects another system: our address for it, what is set, and how its newest request fared.

use serde_json::{Value, json};

use crate::harness::{Receiver, Server};

const SECRET: &str = "seeded-secret-0123456789";

async fn setup(server: &Server) -> Value {
    server.get("/api/setup").await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_is_set_and_how_we_are_reached() {
    let server = Server::start(&[]).await;
    let meant = json!({
        "incomingUrl": format!("http://{}/api/incoming-webhook", server.address()),
        "publicUrl": null, "secretIsSet": false, "webhookUrlIsSet": false, "lastReceived": null,
    });
    assert_eq!(setup(&server).await, meant);
    let near = server.call("GET", "/api/setup").header("host", "localhost:8080").send().await;
    let near = near.expect(200).json();
    assert_eq!(near["incomingUrl"], "http://localhost:8080/api/incoming-webhook");
    server.get("/api/setup?x=1").await.expect_error(400);

    let receiver = Receiver::ok().await;
    let server = Server::start(&[
        ("PUBLIC_URL", "https://tasks.example.org/"),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_URL", &receiver.url()),
    ])
    .await;
    let meant = json!({
        "incomingUrl": "https://tasks.example.org/api/incoming-webhook",
        "publicUrl": "https://tasks.example.org",
        "secretIsSet": true, "webhookUrlIsSet": true, "lastReceived": null,
    });
    assert_eq!(setup(&server).await, meant);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_incoming_webhook_is_told_refused_or_not() {
    let mut server = Server::start(&[("WEBHOOK_SECRET", SECRET)]).await;
    let path = format!("/api/incoming-webhook?secret={SECRET}");
    let last = async |server: &Server| {
        let setup = setup(server).await;
        assert!(!setup.to_string().contains("seeded"), "{setup}");
        setup["lastReceived"].clone()
    };
    let made = json!({"event": "task_created", "task": {"title": "a"}});
    let call = server.call("POST", &path).header("user-agent", "Make/production");
    let answer = call.json(&made).send().await.expect(200).json();
    let meant = json!({"at": answer["timestamp"], "status": 200, "result": "created",
        "event": "task_created", "taskId": answer["taskId"], "agent": "Make/production", "error": null});
    let told = last(&server).await;
    assert_eq!(told["at"].as_str().map(str::len), Some(24), "{told}");
    for key in ["status", "result", "event", "taskId", "agent", "error"] {
        assert_eq!(told[key], meant[key], "{key}");
    }

    for (path, body, status, event, task) in [
        ("?secret=seeded-wrong", json!({}), 401, json!(null), json!(null)),
        ("", json!({}), 401, json!(null), json!(null)),
        ("!", json!({"event": "none", "task": {"id": "t1"}}), 400, json!("none"), json!("t1")),
        (
            "!",
            json!({"event": "task_created", "task": {"id": "t2"}}),
            422,
            json!("task_created"),
            json!("t2"),
        ),
        ("!", json!({"event": SECRET, "task": {"id": "t3"}}), 400, json!("…"), json!("t3")),
        ("!", json!([SECRET]), 400, json!(null), json!(null)),
    ] {
        let path = path.replace('!', &format!("?secret={SECRET}"));
        let answer = server.post(&format!("/api/incoming-webhook{path}"), &body).await;
        let said = answer.expect_error(status);
        let told = last(&server).await;
        assert_eq!(told["status"], status, "{told}");
        assert_eq!(told["error"], json!(said.replace(SECRET, "…")), "{told}");
        assert_eq!((&told["event"], &told["taskId"]), (&event, &task), "{told}");
        assert_eq!(told["result"], json!(null));
    }
    let gone = json!({"event": "task_deleted", "task": {"id": "unknown"}});
    server.post(&path, &gone).await.expect(200);
    let told = last(&server).await;
    assert_eq!((&told["result"], &told["error"]), (&json!("ignored"), &json!(null)));
    // A look is none.
    server.get("/api/incoming-webhook").await.expect(200);
    assert_eq!(last(&server).await, told);
    assert!(server.stop().await.success());
    server.restart().await;
    assert_eq!(last(&server).await, json!(null), "of this start alone");
}
