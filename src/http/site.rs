//! The server about itself: health, readiness, metrics, the OpenAPI document and the page made
//! from it. Must not know tasks or deliveries beyond counting them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::App;
use super::problem::Problem;
use crate::metrics;
use crate::store;

/// That the server is there.
#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(example = "3.54.1")]
    sqlite: &'static str,
}

fn health(status: &'static str) -> Json<Health> {
    let version = env!("CARGO_PKG_VERSION");
    Json(Health { status, version, sqlite: store::sqlite_version() })
}

/// Whether the server is there
#[utoipa::path(get, path = "/healthz", tag = "Server", security(()),
    responses((status = 200, description = "It is", body = Health)))]
pub async fn healthz() -> Json<Health> {
    health("ok")
}

/// For a pass through the database, when somebody asks whether the server is ready.
const PASS: Duration = Duration::from_secs(1);

/// Whether the server can do its work
///
/// The database takes writes, can be read, and the dispatcher is alive. Says why not, and within two seconds.
#[utoipa::path(get, path = "/readyz", tag = "Server", security(()),
    responses((status = 200, description = "It can", body = Health)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let not_ready = |message: &str| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message).retry_after(5)
    };
    let passes =
        tokio::join!(timeout(PASS, app.store.try_writer()), timeout(PASS, app.store.try_reader()),);
    let slow = match passes {
        (Ok(written), Ok(read)) => {
            written?;
            read?;
            None
        }
        _ if app.store.is_locked() => Some(
            "Another program, such as a backup or a shell, has locked the database; the server goes on \
             by itself when it lets go",
        ),
        (Err(_), _) => Some(
            "No write has got through for a second: the disk is slow, or more is written than it takes",
        ),
        (_, Err(_)) => {
            Some("No read has got through for a second: the disk is slow, or too much is asked")
        }
    };
    if let Some(why) = slow {
        return Err(not_ready(why));
    }
    if !(app.is_sending)() {
        return Err(not_ready("The dispatcher has stopped looking for work; restart the server"));
    }
    Ok(health("ready"))
}

/// Counters and histograms for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "Server",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let backlog = app.store.read(store::backlog).await?;
    let now = app.clock.now();
    app.metrics.queue_depth.set(backlog.pending);
    app.metrics.sending.set(backlog.sending);
    let age = backlog.oldest.map_or(0, |oldest| now.ms_since(oldest).max(0) / 1_000);
    app.metrics.oldest_pending.set(age);
    let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response())
}

/// This document
#[utoipa::path(get, path = "/api/openapi.json", tag = "Server", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn openapi(State(app): State<App>) -> Json<Value> {
    Json((*app.document).clone())
}

/// Every address on one page, with a curl line each
#[utoipa::path(get, path = "/docs", tag = "Server", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub async fn docs(State(app): State<App>) -> Response {
    let csp = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(csp)),
    ];
    (headers, page(&app.document, &app.address, app.api_token.is_some(), &app.assets.hash))
        .into_response()
}

/// The page, from the document.
fn page(document: &Value, address: &str, has_token: bool, assets: &str) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>BTK-System API</title><link rel=\"stylesheet\" href=\"/assets/{assets}/style.css\">\
         <main class=\"docs\"><p><a href=\"/\">To the board</a></p><h1>BTK-System {}</h1><p>{}</p>\
         <p>For programs: <a href=\"/api/openapi.json\">/api/openapi.json</a> (OpenAPI 3.1).</p>",
        escape(document["info"]["version"].as_str().unwrap_or_default()),
        escape(document["info"]["description"].as_str().unwrap_or_default()),
    );
    let nothing = Vec::new();
    for tag in document["tags"].as_array().unwrap_or(&nothing) {
        let name = tag["name"].as_str().unwrap_or_default();
        html.push_str(&format!("<h2>{}</h2>", escape(name)));
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                if operation["tags"][0] == name {
                    let curl = curl(path, method, operation, address, has_token);
                    html.push_str(&entry(path, method, operation, &curl));
                }
            }
        }
    }
    html
}

fn entry(path: &str, method: &str, operation: &Value, curl: &str) -> String {
    let text = |key: &str| code(&escape(operation[key].as_str().unwrap_or_default()));
    format!(
        "<h3><code>{} {}</code></h3><p>{}</p><p>{}</p><pre>{}</pre>",
        method.to_uppercase(),
        escape(path),
        text("summary"),
        text("description"),
        escape(curl),
    )
}

/// A line that can be pasted into a shell.
fn curl(path: &str, method: &str, operation: &Value, address: &str, has_token: bool) -> String {
    let mut path = path.to_owned();
    let nothing = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap_or(&nothing) {
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["in"] == "path" {
            let example = parameter["example"].as_str().unwrap_or("…");
            path = path.replace(&format!("{{{name}}}"), example);
        }
    }
    let mut line = match method {
        "get" => format!("curl '{address}{path}'"),
        _ => format!("curl -X {} '{address}{path}'", method.to_uppercase()),
    };
    let is_guarded = operation.get("security").is_none();
    if is_guarded && has_token {
        line.push_str(" \\\n  -H 'Authorization: Bearer <API_TOKEN>'");
    }
    let body = &operation["requestBody"]["content"]["application/json"];
    if let Some(body) = body.get("example") {
        let mut parameters = operation["parameters"].as_array().unwrap_or(&nothing).iter();
        if parameters.any(|parameter| parameter["name"] == "X-Webhook-Secret") {
            line.push_str(" \\\n  -H 'X-Webhook-Secret: <WEBHOOK_SECRET>'");
        }
        line.push_str(&format!(" \\\n  -H 'Content-Type: application/json' -d '{body}'"));
    }
    line
}

/// Text between backticks as code; the text is escaped already.
fn code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces
        .map(
            |(n, piece)| {
                if n % 2 == 1 { format!("<code>{piece}</code>") } else { piece.to_owned() }
            },
        )
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_curl_line_for_every_route() {
        let (_, document) = crate::http::routes().split_for_parts();
        let document = super::super::openapi::complete(&document);
        let html = page(&document, "http://127.0.0.1:5000", true, "abc");
        let routes: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_object().unwrap().len())
            .sum();
        assert_eq!(html.matches("<pre>curl").count(), routes);
        assert!(html.contains("'http://127.0.0.1:5000/api/deliveries/dlv_42_default/redeliver'"));
    }
}
