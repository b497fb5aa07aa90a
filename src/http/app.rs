//! What handlers share: the services they work with, and what the server keeps for them.
//!
//! Must not know a route, nor of sockets, of the dispatcher or of `Config`: values are passed in.

use std::ops::Deref;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{StatusCode, Uri};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::incoming::latest::Latest;
use super::pages::assets;
use super::problem::Problem;
use super::{gzip, places, rates, room};
use crate::clock::Ids;
use crate::config::{Rate, Retention};
use crate::metrics::Metrics;
use crate::model::{Event, Outcome, Webhook};
use crate::secret::{Secret, mask};
use crate::session::Sessions;
use crate::store::Store;
use crate::targets::Targets;

/// What handlers work with.
pub(crate) struct Services {
    /// Everything that lasts.
    pub(crate) store: Arc<Store>,
    /// New ids.
    pub(crate) ids: Arc<Ids>,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// What API clients must show.
    pub(crate) api_token: Option<Secret>,
    /// What browsers may show instead.
    pub(crate) sessions: Sessions,
    /// What incoming webhooks must show.
    pub(crate) webhook_secret: Option<Secret>,
    /// Whether changes go to `WEBHOOK_URL`.
    pub(crate) webhook_url_is_set: bool,
    /// How many incoming webhooks are taken.
    pub(crate) incoming_rate: Rate,
    /// How long what has ended is kept.
    pub(crate) retention: Retention,
    /// How the server is reached, for the lines on `/docs`.
    pub(crate) address: String,
    /// `PUBLIC_URL`.
    pub(crate) public_url: Option<Uri>,
    /// Cancelled when the server stops: an answer that has no end of its own ends then.
    pub(crate) ending: CancellationToken,
    /// Whether the dispatcher is at work.
    pub(crate) is_sending: Box<dyn Fn() -> bool + Send + Sync>,
    /// Where webhooks that are made here may lead.
    pub(crate) targets: Targets,
    /// Sends one event to a webhook, to try it out; leaves no trace.
    pub(crate) try_out:
        Box<dyn Fn(Arc<Webhook>, Event) -> BoxFuture<'static, Outcome> + Send + Sync>,
}

/// [`Services`] and what is derived from them.
pub(crate) struct Shared {
    pub(crate) services: Services,
    /// Who may try how often.
    pub(crate) rates: rates::Rates,
    /// Who is served at a time.
    pub(crate) places: Arc<places::Places>,
    /// Webhooks that are tried out at a time.
    pub(crate) tests: Semaphore,
    /// Who watches changes.
    pub(crate) streams: Arc<Semaphore>,
    /// Tells those who watch that a session was ended.
    pub(crate) signed_out: watch::Sender<()>,
    /// The newest incoming webhook.
    pub(crate) last_received: Latest,
    /// The memory for answers.
    pub(crate) room: room::Room,
    /// The files of the pages, packed, and the digest in their addresses.
    pub(crate) assets: assets::Assets,
    /// `/api/openapi.json`.
    pub(crate) document: gzip::Prepared,
    /// `/docs`.
    pub(crate) docs: gzip::Prepared,
}

impl Shared {
    /// A text of somebody without what it repeats of the server's own secrets.
    pub(crate) fn masked(&self, text: &str) -> String {
        let own = [&self.api_token, &self.webhook_secret].into_iter().flatten();
        mask(text, own.map(Secret::expose))
    }

    /// An error as it may be told: its sentence names what was sent, which may be a secret in the wrong place. Those about
    /// the secrets themselves repeat nothing, and one of their words may be a secret.
    pub(crate) fn told(&self, problem: Problem) -> Problem {
        if problem.status == StatusCode::UNAUTHORIZED {
            return problem;
        }
        let field = problem.field.map(|field| self.masked(&field));
        Problem { message: self.masked(&problem.message), field, ..problem }
    }
}

impl Deref for Shared {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

/// The state of every handler.
pub(crate) type App = Arc<Shared>;
