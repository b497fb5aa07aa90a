//! The server about itself: health, readiness, metrics, the OpenAPI document. Must not know tasks or
//! deliveries beyond counting them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::app::App;
use super::problem::Problem;
use super::webhooks::view::WebhookStatus;
use crate::clock;
use crate::metrics::{self, StatusLabel};
use crate::model::Named;
use crate::store;

/// What `/metrics` waits for the database.
const LOOK: Duration = Duration::from_secs(1);

/// That the server is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
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
pub(crate) async fn healthz() -> Json<Health> {
    health("ok")
}

/// For a pass through the database, when somebody asks whether the server is ready.
const PASS: Duration = Duration::from_secs(1);

/// Whether the server can do its work
///
/// The database takes writes, can be read, and the dispatcher is alive. Says why not, and within two seconds.
#[utoipa::path(get, path = "/readyz", tag = "Server", security(()),
    responses((status = 200, description = "It can", body = Health)))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
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
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let look = |tx: &mut store::Tx<'_>| Ok((store::backlog(tx)?, store::list_webhooks(tx)?));
    // Where the database has no time for it, what was known last must do: the rest is still worth having.
    if let Ok(Ok((backlog, webhooks))) = timeout(LOOK, app.store.read(look)).await {
        for &(status, is) in WebhookStatus::ALL {
            let n = webhooks.iter().filter(|known| WebhookStatus::of(&known.health) == is).count();
            let gauge = app.metrics.webhooks.get_or_create(&StatusLabel { status });
            gauge.set(i64::try_from(n).unwrap_or(i64::MAX));
        }
        let now = clock::now();
        app.metrics.queue_depth.set(backlog.pending);
        app.metrics.sending.set(backlog.sending);
        let age = backlog.oldest.map_or(0, |oldest| now.ms_since(oldest).max(0) / 1_000);
        app.metrics.oldest_pending.set(age);
    }
    let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response())
}

/// This document
#[utoipa::path(get, path = "/api/openapi.json", tag = "Server", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn openapi(State(app): State<App>, headers: HeaderMap) -> Response {
    app.document.answer(&headers, "application/json")
}
