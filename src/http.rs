//! HTTP: every route on one page, and what handlers share.
//!
//! Handlers talk to the store and to nobody else: what they write, the dispatcher finds. Must not
//! know of the dispatcher, of sockets, nor of `Config`: values are passed in.
#![doc = include_str!("../docs/internals/http.md")]

mod answer;
mod assets;
mod body;
mod changes;
mod deliveries;
mod delivery_request;
mod docs;
mod door;
mod event_list;
mod events;
mod figures;
mod forms;
mod guard;
mod incoming;
mod jobs;
mod meta;
mod openapi;
mod pack;
mod pages;
mod places;
mod problem;
mod query;
mod recover;
mod repeats;
mod respond;
mod room;
mod samples;
mod session;
mod setup;
mod site;
mod takers;
mod task_list;
mod tasks;
mod unreadable;
mod webhook_actions;
mod webhook_view;
mod webhooks;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use http::{Uri, header};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::{Clock, Ids};
use crate::config::{Rate, Retention};
use crate::metrics::Metrics;
use crate::model::{Event, Outcome, Webhook};
use crate::secret::Secret;
use crate::session::Sessions;
use crate::store::Store;
use crate::targets::Targets;

/// Webhooks that are tried out at a time.
const TESTS: usize = 8;

/// Who sent a request: the other end of its connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Beside a request whose connection is one too many: it is told so.
#[derive(Clone, Copy, Debug)]
pub struct NoRoom;

pub use guard::network;
pub use takers::Client;
pub use unreadable::unreadable;

/// What handlers work with.
pub struct Parts {
    /// Everything that lasts.
    pub store: Arc<Store>,
    /// Which time it is.
    pub clock: Clock,
    /// New ids.
    pub ids: Arc<Ids>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What API clients must show.
    pub api_token: Option<Secret>,
    /// What browsers may show instead.
    pub sessions: Sessions,
    /// What incoming webhooks must show.
    pub webhook_secret: Option<Secret>,
    /// Whether changes go to `WEBHOOK_URL`.
    pub webhook_url_is_set: bool,
    /// How many incoming webhooks are taken.
    pub incoming_rate: Rate,
    /// How long what has ended is kept.
    pub retention: Retention,
    /// How the server is reached, for the lines on `/docs`.
    pub address: String,
    /// `PUBLIC_URL`.
    pub public_url: Option<Uri>,
    /// Cancelled when the server stops: an answer that has no end of its own ends then.
    pub ending: CancellationToken,
    /// Whether the dispatcher is at work.
    pub is_sending: Box<dyn Fn() -> bool + Send + Sync>,
    /// Where webhooks that are made here may lead.
    pub targets: Targets,
    /// Sends one event to a webhook, to try it out; leaves no trace.
    pub try_out: Box<dyn Fn(Arc<Webhook>, Event) -> BoxFuture<'static, Outcome> + Send + Sync>,
}

/// [`Parts`] and what is derived from them.
pub struct Shared {
    parts: Parts,
    guard: guard::Guard,
    places: Arc<places::Places>,
    tests: Semaphore,
    streams: Arc<Semaphore>,
    /// Tells those who watch that a session was ended.
    signed_out: watch::Sender<()>,
    last_received: setup::Latest,
    room: room::Room,
    /// The files of the pages, packed, and the digest in their addresses.
    assets: assets::Assets,
    document: pack::Prepared,
    docs: pack::Prepared,
}

impl Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// The state of every handler.
type App = Arc<Shared>;

/// The id in an address. One that is no text names nothing, so it is not found.
struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = problem::Problem;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Id, problem::Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Id(id))
            .map_err(|_| problem::Problem::not_found("What this address names was"))
    }
}

/// An answer whose JSON is written already: by `model::payload`, or as it was stored.
fn written_json(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Every route, by who uses it.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        // People and programs that work with tasks.
        .routes(routes!(tasks::create_task, task_list::list_tasks))
        .routes(routes!(tasks::get_task, tasks::update_task, tasks::patch_task, tasks::delete_task))
        // Tools that build forms for people: Make, Zapier, n8n.
        .routes(routes!(meta::get_me))
        .routes(routes!(meta::list_choices))
        // Other systems, with a secret of their own.
        .routes(routes!(incoming::incoming_ready, incoming::receive_webhook))
        // Whoever wants to know what became of a change.
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::list_latest_deliveries))
        .routes(routes!(deliveries::get_delivery))
        .routes(routes!(delivery_request::get_request))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(deliveries::cancel_delivery))
        .routes(routes!(jobs::redeliver_many))
        .routes(routes!(jobs::cancel_many))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job, jobs::end_job))
        .routes(routes!(event_list::list_events))
        .routes(routes!(samples::list_samples))
        .routes(routes!(events::get_event))
        // Whoever says where changes go.
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(webhook_actions::pause_webhook))
        .routes(routes!(webhook_actions::resume_webhook))
        .routes(routes!(webhook_actions::test_webhook))
        .routes(routes!(webhook_actions::rotate_secret))
        .routes(routes!(jobs::release_held))
        .routes(routes!(recover::recover, recover::end_recovery))
        // Whoever looks at the pages.
        .routes(routes!(session::create_session, session::get_session, session::end_session))
        .routes(routes!(changes::watch_changes))
        .routes(routes!(setup::get_setup))
        // Operators and monitoring.
        .routes(routes!(site::healthz))
        .routes(routes!(site::readyz))
        .routes(routes!(site::metrics))
        .routes(routes!(figures::get_figures))
        .routes(routes!(figures::get_total_figures))
        .routes(routes!(figures::list_webhook_figures))
        .routes(routes!(site::openapi))
        .routes(routes!(docs::docs))
}

/// The whole service.
pub fn router(parts: Parts) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = openapi::complete(&document);
    let assets = assets::Assets::new();
    let docs = docs::page(&document, &parts.address, parts.api_token.is_some(), &assets.hash);
    let app: App = Arc::new(Shared {
        guard: guard::Guard::new(parts.incoming_rate, parts.clock.now()),
        places: places::Places::new(),
        tests: Semaphore::new(TESTS),
        streams: Arc::new(Semaphore::new(changes::STREAMS)),
        signed_out: watch::Sender::new(()),
        last_received: setup::Latest::default(),
        room: room::Room::default(),
        assets,
        document: pack::Prepared::new(document.to_string()),
        docs: pack::Prepared::new(docs),
        parts,
    });
    pages::add(router)
        .route("/assets/{hash}/{*path}", get(assets::serve))
        .fallback(respond::no_route)
        .method_not_allowed_fallback(respond::no_method)
        .layer(from_fn_with_state(Arc::clone(&app), respond::respond))
        .with_state(app)
}
