//! What somebody who connects another system needs to know: our address for it, what is set, and
//! how its newest request fared.
//!
//! Must never tell a secret, only whether there is one.

use axum::Json;
use axum::extract::State;
use http::uri::Authority;
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::app::App;
use crate::http::extract::NoParams;
use crate::http::incoming::latest::LastReceived;

/// What is needed to connect another system. Every key is always there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Setup {
    /// Where other systems send to: by `PUBLIC_URL`, or as this request reached the server.
    #[schema(example = "https://tasks.example.org/api/incoming-webhook")]
    incoming_url: String,
    /// `PUBLIC_URL`; null if it is not set.
    #[schema(required, example = "https://tasks.example.org")]
    public_url: Option<String>,
    /// Whether `WEBHOOK_SECRET` is set; without it nothing is taken.
    #[schema(example = true)]
    secret_is_set: bool,
    /// Whether `WEBHOOK_URL` is set.
    #[schema(example = true)]
    webhook_url_is_set: bool,
    /// The newest request to the incoming address since the start, also a refused one; null if none
    /// has come.
    #[schema(required)]
    last_received: Option<LastReceived>,
}

/// See what connects other systems
///
/// The address for incoming webhooks, which settings there are, and how the newest one fared.
#[utoipa::path(get, path = "/api/setup", tag = "Server",
    responses((status = 200, description = "What is set and what came", body = Setup)))]
pub(crate) async fn get_setup(
    State(app): State<App>,
    headers: HeaderMap,
    _: NoParams,
) -> Json<Setup> {
    let public_url = app.public_url.as_ref().map(|_| app.address.clone());
    let base = public_url.clone().or_else(|| asked(&headers)).unwrap_or(app.address.clone());
    Json(Setup {
        incoming_url: format!("{base}/api/incoming-webhook"),
        public_url,
        secret_is_set: app.webhook_secret.is_some(),
        webhook_url_is_set: app.webhook_url_is_set,
        last_received: app.last_received.get(),
    })
}

/// How whoever asks reaches the server; the address that it listens on may be "all of them".
fn asked(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host: Authority = host.parse().ok()?;
    Some(format!("http://{host}"))
}
