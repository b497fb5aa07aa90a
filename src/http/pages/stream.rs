//! The stream of changes: tells whoever watches that something was written, so that it looks again.
//!
//! It carries a number and no data: what changed is asked for like everything else. Must not know
//! what was written.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::clock;
use crate::http::app::App;
use crate::http::auth::sessions;
use crate::http::errors::{Kind, TooManyStreams};
use crate::http::extract::NoParams;
use crate::http::problem::Problem;
use crate::model::Time;

/// Streams at a time. Each holds a connection, and there are about a thousand of these.
pub(crate) const STREAMS: usize = 100;
/// Between two numbers: an eye sees no more, and a page asks several things after each.
const PACE: Duration = Duration::from_millis(250);
/// After so much silence comes a word, so that no proxy takes the stream for dead and a page that hears none knows soon
/// that its server is.
const SILENCE: Duration = Duration::from_secs(4);

/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described here; the stream is text")]
struct ChangeSign {
    /// `message` where there was a change, `alive` where there was none for 4 s.
    #[schema(nullable = false, pattern = "^(message|alive)$")]
    event: Option<String>,
    /// How many commits this process has made so far.
    #[schema(format = "number-of-commits", example = "1204")]
    data: String,
}

/// Hear of changes as they are written
///
/// A stream of server-sent events. `data` is how many commits this process has made so far: at once,
/// then at most four times a second after commits. It says that something changed and not what. After
/// 4 s without a change comes an event `alive`: who hears nothing for longer has lost the connection.
#[utoipa::path(get, path = "/api/changes", tag = "Server",
    responses((status = 200, description = "The stream; it ends when the server stops", body = ChangeSign,
        content_type = "text/event-stream", example = "data: 1204\n\n"), TooManyStreams))]
pub(crate) async fn watch_changes(
    State(app): State<App>,
    headers: HeaderMap,
    _: NoParams,
) -> Result<Response, Problem> {
    let place =
        Arc::clone(&app.streams).try_acquire_owned().map_err(|_| TooManyStreams::problem())?;
    let mut commits = app.store.commits();
    // The first number is sent at once.
    commits.mark_changed();
    let shown = app.api_token.as_ref();
    let shown = shown.map(|token| sessions(&app, token, &headers, clock::now()));
    let (ending, now) = (app.ending.clone(), Instant::now());
    let watcher = Watcher {
        commits,
        ending,
        signed_out: app.signed_out.subscribe(),
        app,
        sessions: shown.unwrap_or_default(),
        free_at: now,
        said_at: now,
        _place: place,
    };
    // Some proxies collect an answer until it is long enough to be worth passing on.
    let unbuffered =
        [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, Sse::new(stream::unfold(watcher, Watcher::next))).into_response())
}

/// Somebody who watches.
struct Watcher {
    commits: watch::Receiver<u64>,
    ending: CancellationToken,
    /// Somebody did.
    signed_out: watch::Receiver<()>,
    app: App,
    /// By which it was let in, if it was by these: their end is the end of the stream.
    sessions: Vec<Time>,
    /// When the next number may be sent.
    free_at: Instant,
    /// When anything was last sent.
    said_at: Instant,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Watcher)> {
        loop {
            if self.app.sessions.has_ended(&self.sessions) {
                return None;
            }
            let changed = async {
                self.commits.changed().await.ok()?;
                sleep_until(self.free_at).await;
                Some(*self.commits.borrow_and_update())
            };
            let event = tokio::select! {
                () = self.ending.cancelled() => return None,
                _ = self.signed_out.changed() => continue,
                number = changed => {
                    self.free_at = Instant::now() + PACE;
                    Event::default().data(number?.to_string())
                }
                () = sleep_until(self.said_at + SILENCE) => {
                    Event::default().event("alive").data(self.commits.borrow().to_string())
                }
            };
            self.said_at = Instant::now();
            return Some((Ok(event), self));
        }
    }
}
