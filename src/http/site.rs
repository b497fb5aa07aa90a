//! The server about itself: health, readiness, metrics, the OpenAPI document and the page made
//! from it. Must not know tasks or deliveries beyond counting them.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
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

/// Whether the server can do its work
///
/// The database takes writes and the dispatcher is alive.
#[utoipa::path(get, path = "/readyz", tag = "Server", security(()),
    responses((status = 200, description = "It can", body = Health)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let not_ready = |message: &str| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message).retry_after(5)
    };
    let was_full = app.store.is_full();
    // After a full disk only a real write shows that there is room again; else passing through the
    // writer is proof enough, and costs no fsync.
    app.store.write(move |tx| if was_full { store::probe(tx) } else { Ok(()) }).await?;
    if !(app.is_sending)(app.clock.now()) {
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
    (headers, page(&app.document, &app.address)).into_response()
}

/// The style of the page.
pub async fn docs_css() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], include_str!("../../assets/docs.css")).into_response()
}

/// Whoever opens the bare address in a browser sees what there is.
pub async fn root() -> Redirect {
    Redirect::temporary("/docs")
}

/// The page, from the document.
fn page(document: &Value, address: &str) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>BTK-System API</title><link rel=\"stylesheet\" href=\"/docs.css\">\
         <h1>BTK-System {}</h1><p>{}</p>\
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
                    html.push_str(&entry(document, path, method, operation, address));
                }
            }
        }
    }
    html
}

fn entry(document: &Value, path: &str, method: &str, operation: &Value, address: &str) -> String {
    let text = |key: &str| escape(operation[key].as_str().unwrap_or_default());
    format!(
        "<h3><code>{} {}</code></h3><p>{}</p><p>{}</p><pre>{}</pre>",
        method.to_uppercase(),
        escape(path),
        text("summary"),
        text("description"),
        escape(&curl(document, path, method, operation, address)),
    )
}

/// A line that can be pasted into a shell.
fn curl(document: &Value, path: &str, method: &str, operation: &Value, address: &str) -> String {
    let mut path = path.to_owned();
    let nothing = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap_or(&nothing) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = parameter["example"].as_str().unwrap_or("…");
        if parameter["in"] == "path" {
            path = path.replace(&format!("{{{name}}}"), example);
        } else if name == "secret" {
            path.push_str("?secret=YOUR_WEBHOOK_SECRET");
        }
    }
    let verb =
        if method == "get" { String::new() } else { format!(" -X {}", method.to_uppercase()) };
    let body = match example_body(document, operation) {
        Some(body) => format!(" \\\n  -H 'Content-Type: application/json' -d '{body}'"),
        None => String::new(),
    };
    format!("curl{verb} '{address}{path}'{body}")
}

/// An example of the request's body, from the examples of its schema's fields.
fn example_body(document: &Value, operation: &Value) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let properties = document["components"]["schemas"][name]["properties"].as_object()?;
    let example = |field: &str, schema: &Value| match field {
        "event" => Some(Value::from("task_created")),
        _ => schema.get("example").cloned(),
    };
    let wanted = ["event", "task", "title", "dueDate", "tags"];
    let body: serde_json::Map<String, Value> = properties
        .iter()
        .filter(|(field, _)| wanted.contains(&field.as_str()))
        .filter_map(|(field, schema)| Some((field.clone(), example(field, schema)?)))
        .collect();
    Some(Value::Object(body))
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
        let html = page(&document, "http://127.0.0.1:5000");
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
