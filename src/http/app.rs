//! What handlers share: the services they work with, and what the server keeps for them.
//!
//! Must not know a route, nor of sockets, of the dispatcher or of `Config`: values are passed in.

use std::ops::Deref;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Uri;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::incoming::latest::Latest;
use super::pages::assets;
use super::{gzip, limits, places, room};
use crate::clock::{Clock, Ids};
use crate::config::{Rate, Retention};
use crate::metrics::Metrics;
use crate::model::{Event, Outcome, Webhook};
use crate::secret::Secret;
use crate::session::Sessions;
use crate::store::Store;
use crate::targets::Targets;

/// What handlers work with.
pub struct Services {
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

/// [`Services`] and what is derived from them.
pub struct Shared {
    pub services: Services,
    /// Who may try how often.
    pub limits: limits::Limits,
    /// Who is served at a time.
    pub places: Arc<places::Places>,
    /// Webhooks that are tried out at a time.
    pub tests: Semaphore,
    /// Who watches changes.
    pub streams: Arc<Semaphore>,
    /// Tells those who watch that a session was ended.
    pub signed_out: watch::Sender<()>,
    /// The newest incoming webhook.
    pub last_received: Latest,
    /// The memory for answers.
    pub room: room::Room,
    /// The files of the pages, packed, and the digest in their addresses.
    pub assets: assets::Assets,
    /// `/api/openapi.json`.
    pub document: gzip::Prepared,
    /// `/docs`.
    pub docs: gzip::Prepared,
}

impl Deref for Shared {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

/// The state of every handler.
pub type App = Arc<Shared>;
