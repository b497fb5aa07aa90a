//! What the token guards, asked of every route that the program says it has.

use serde_json::Value;

use crate::harness::{Answer, Server};

const TOKEN: &str = "tok-0123456789-abcdefghij";

/// No token is asked for here.
const OPEN: [(&str, &str); 7] = [
    ("GET", "/api/incoming-webhook"),
    ("POST", "/api/incoming-webhook"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/docs"),
    ("GET", "/api/openapi.json"),
    ("POST", "/api/session"),
];

async fn server() -> Server {
    Server::start(&[("API_TOKEN", TOKEN), ("HOST", "127.0.0.1")]).await
}

/// Every method and path of the served document, with parameters filled in, and `/metrics`.
pub(crate) async fn routes(server: &Server) -> Vec<(String, String)> {
    let document = server.get("/api/openapi.json").await.expect(200).json();
    let mut routes = vec![("GET".to_owned(), "/metrics".to_owned())];
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let path: String =
            path.split_inclusive(['{', '}']).filter(|part| !part.ends_with('}')).collect();
        let path = path.replace('{', "x");
        for method in methods.as_object().expect("methods").keys() {
            if ["get", "put", "post", "delete", "patch"].contains(&&**method) {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    routes
}

pub(crate) fn is_open((method, path): &(String, String)) -> bool {
    OPEN.contains(&(&**method, &**path))
}

async fn ask(server: &Server, route: &(String, String), authorization: Option<&str>) -> Answer {
    let mut call = server.call(&route.0, &route.1);
    if let Some(value) = authorization {
        call = call.header("authorization", value);
    }
    call.send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_knows_every_route_of_the_contract() {
    let server = server().await;
    let routes = routes(&server).await;
    for (method, path) in [
        ("POST", "/api/tasks"),
        ("GET", "/api/tasks"),
        ("GET", "/api/tasks/x"),
        ("PUT", "/api/tasks/x"),
        ("PATCH", "/api/tasks/x"),
        ("DELETE", "/api/tasks/x"),
        ("POST", "/api/incoming-webhook"),
        ("GET", "/api/incoming-webhook"),
        ("GET", "/api/deliveries"),
        ("GET", "/api/deliveries/x"),
        ("POST", "/api/deliveries/x/redeliver"),
    ] {
        assert!(routes.contains(&(method.into(), path.into())), "{method} {path}: {routes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_the_open_ones_is_401_without_the_right_token() {
    let server = server().await;
    let longer = format!("Bearer {TOKEN}x");
    let shorter = format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]);
    let basic = format!("Basic {TOKEN}");
    let wrong = ["Bearer wrong", "Bearer ", "Bearer", TOKEN, &longer, &shorter, &basic, ""];
    for route in routes(&server).await {
        let open = is_open(&route);
        for authorization in wrong.iter().copied().map(Some).chain([None]) {
            let answer = ask(&server, &route, authorization).await;
            let named = format!("{route:?} with {authorization:?}: {}", answer.text());
            if open {
                let of_its_own =
                    answer.text().contains("Webhook secret not configured") || answer.status == 415;
                assert!(answer.status < 400 || of_its_own, "{named}");
            } else {
                // So many are wrong here that some are too many.
                answer.expect_error_of(&[401, 429]);
            }
        }
        // One that has no end with the right token; it is in `changes`.
        if route.1 != "/api/changes" {
            let answer = ask(&server, &route, Some(&format!("Bearer {TOKEN}"))).await;
            assert_ne!(answer.status, 401, "{route:?} with the right token");
        }
        let (method, path) = &route;
        let in_query = (method.clone(), format!("{path}?token={TOKEN}&api_token={TOKEN}"));
        let answer = ask(&server, &in_query, None).await;
        assert!(open || answer.status == 401, "{in_query:?}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_goes_round_the_token() {
    let server = server().await;
    for path in [
        "/api/tasks/",
        "/api//tasks",
        "//api/tasks",
        "/api/./tasks",
        "/api/incoming-webhook/../tasks",
        "/docs/../api/tasks",
        "/healthz/../api/tasks",
        "/api/%74asks",
        "/API/tasks",
        "/api/tasks?x=/healthz",
        "/api/tasks/%2e%2e/tasks",
        "/metrics/",
        "/api/deliveries/",
    ] {
        let answer = server.get(path).await;
        assert!([400, 401, 404].contains(&answer.status), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_token_everything_works() {
    let server = server().await;
    let bearer = format!("Bearer {TOKEN}");
    let call = server.call("POST", "/api/tasks").header("authorization", &bearer);
    let task: Value = call.json(&serde_json::json!({"title": "a"})).send().await.expect(201).json();
    let path = format!("/api/tasks/{}", task["id"].as_str().expect("an id"));
    let read = server.call("GET", &path).header("authorization", &bearer).send().await;
    assert_eq!(read.expect(200).json(), task);
}
