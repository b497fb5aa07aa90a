//! Every route on one page, by who uses it, and the layers that all of them pass.
//!
//! Must not know what a route does.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::{Semaphore, watch};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, Services, Shared};
use super::incoming::latest::Latest;
use super::pages::{assets, figures, session, setup, stream};
use super::{
    deliveries, docs, events, gzip, incoming, meta, openapi, outer, pages, places, rates, room,
    site, tasks, webhooks,
};
use crate::clock;

/// Webhooks that are tried out at a time.
const TESTS: usize = 8;

/// Every route, by who uses it.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        // People and programs that work with tasks.
        .routes(routes!(tasks::create_task, tasks::list::list_tasks))
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
        .routes(routes!(deliveries::request::get_request))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(deliveries::cancel_delivery))
        .routes(routes!(deliveries::jobs::redeliver_many))
        .routes(routes!(deliveries::jobs::cancel_many))
        .routes(routes!(deliveries::jobs::list_jobs))
        .routes(routes!(deliveries::jobs::get_job, deliveries::jobs::end_job))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::samples::list_samples))
        .routes(routes!(events::get_event))
        // Whoever says where changes go.
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::actions::pause_webhook))
        .routes(routes!(webhooks::actions::resume_webhook))
        .routes(routes!(webhooks::actions::test_webhook))
        .routes(routes!(webhooks::actions::rotate_secret))
        .routes(routes!(deliveries::jobs::release_held))
        .routes(routes!(webhooks::recover::recover, webhooks::recover::end_recovery))
        // Whoever looks at the pages.
        .routes(routes!(session::create_session, session::get_session, session::end_session))
        .routes(routes!(stream::watch_changes))
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
pub(crate) fn router(services: Services) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = openapi::complete(&document);
    let assets = assets::Assets::new();
    let docs = docs::page(&document, &services.address, services.api_token.is_some(), &assets);
    let app: App = Arc::new(Shared {
        rates: rates::Rates::new(services.incoming_rate, clock::now()),
        places: places::Places::new(),
        tests: Semaphore::new(TESTS),
        streams: Arc::new(Semaphore::new(stream::STREAMS)),
        signed_out: watch::Sender::new(()),
        last_received: Latest::default(),
        room: room::Room::default(),
        assets,
        document: gzip::Prepared::new(document.to_string()),
        docs: gzip::Prepared::new(docs),
        services,
    });
    pages::add(router)
        .route("/assets/{hash}/{*path}", get(pages::asset))
        .fallback(outer::no_route)
        .method_not_allowed_fallback(outer::no_method)
        .layer(from_fn_with_state(Arc::clone(&app), outer::respond))
        .with_state(app)
}
