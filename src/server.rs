//! Server: the only wiring. Opens the store, binds, starts the dispatcher, serves, shuts down.
//!
//! Must not decide anything about tasks or deliveries.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use prometheus_client::metrics::counter::Counter;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{self, Ids};
use crate::config::{Config, cannot_listen};
use crate::dispatcher::{self, Dispatcher};
use crate::figures::Figures;
use crate::http::{self, Services};
use crate::listener;
use crate::metrics::Metrics;
use crate::model::{ALERTS_WEBHOOK, DEFAULT_WEBHOOK};
use crate::secret::{Secret, hex};
use crate::sender::Sender;
use crate::session::Sessions;
use crate::store::{self, Store};
use crate::upkeep::{Recorder, Upkeep};

/// For requests to receivers that are under way when the last connection has ended. Together with
/// the listener's own grace, less than ten seconds.
const GRACE: Duration = Duration::from_secs(4);

/// What a start found that is worth a word.
#[derive(Clone, Debug, Default)]
pub(crate) struct StartReport {
    /// There was no database; it was made.
    pub(crate) is_new: bool,
    /// Changes from before `WEBHOOK_URL` was what it is now, which were never sent to it.
    pub(crate) earlier: Option<store::MissedChanges>,
}

/// A server that is up.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    found: StartReport,
    main: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it found when it started.
    pub(crate) fn found(&self) -> &StartReport {
        &self.found
    }

    /// Waits until the server has stopped: asked to, or by a fault.
    ///
    /// # Errors
    /// The fault, if it was one.
    pub(crate) async fn finished(self) -> anyhow::Result<()> {
        self.main.await.context("the server's main task ended unexpectedly")?
    }
}

/// Starts a server; it runs until `stop` is cancelled or the disk fails. How many lines of its log are
/// dropped is counted by whoever writes them.
///
/// # Errors
/// The database cannot be opened, or the address cannot be listened on.
pub(crate) async fn start(
    config: Config,
    log_lines_dropped: Counter,
    stop: CancellationToken,
) -> anyhow::Result<Server> {
    let metrics = Arc::new(Metrics::new(log_lines_dropped));
    let path = config.database.clone();
    let is_new = is_new(&path);
    // A start that fails must leave no database behind: at the next one nobody would be told that it
    // was made. Where there is one, a server that holds it is the better answer than its port.
    let listener = if is_new { Some(listen(&config)?) } else { None };
    let store = Arc::new(tokio::task::spawn_blocking(move || Store::open(&path)).await??);
    match prepare(&config, &store, listener).await {
        Ok(Prepared { listener, address, sender, sessions, ids, earlier }) => {
            let wiring =
                Wiring { config, metrics, store, sender, sessions, ids, listener, address };
            Ok(wiring.run(stop, StartReport { is_new, earlier }))
        }
        Err(error) => {
            // What was made goes again, for the same reason as above: nothing was acknowledged yet.
            store.take_back();
            close(store).await;
            Err(error)
        }
    }
}

/// Whether nothing has been kept there yet. An empty file is what a start leaves that was killed early.
fn is_new(database: &Path) -> bool {
    database.metadata().map_or(true, |found| found.is_file() && found.len() == 0)
}

/// Takes the address; nobody is answered yet.
fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let wanted = SocketAddr::new(config.host, config.port);
    listener::bind(wanted).map_err(|error| {
        let said = cannot_listen(wanted, error.kind(), "HOST", "PORT");
        anyhow::Error::new(error).context(said)
    })
}

/// What may not have come to be.
struct Prepared {
    listener: TcpListener,
    address: SocketAddr,
    sender: Sender,
    sessions: Sessions,
    ids: Arc<Ids>,
    earlier: Option<store::MissedChanges>,
}

/// Everything that can still fail, before anything runs.
async fn prepare(
    config: &Config,
    store: &Store,
    listener: Option<TcpListener>,
) -> anyhow::Result<Prepared> {
    let listener = match listener {
        Some(listener) => listener,
        None => listen(config)?,
    };
    let address = listener.local_addr()?;
    let (webhook, alerts, policy) = (config.webhook.clone(), config.alerts.clone(), config.policy);
    let (ids, now) = (Arc::new(Ids::new()?), clock::now());
    let fresh = hex(&Ids::secret_bytes()?);
    let oldest = config.retention.unsent_since(now);
    let (again, key, ended, earlier) = store
        .write(move |tx| {
            let known = store::find_webhook(tx, DEFAULT_WEBHOOK)?;
            let is_known = |url: &str| known.is_some_and(|known| known.webhook.url == url);
            let earlier = match &webhook {
                Some(webhook) if !is_known(&webhook.url) => store::earlier(tx, webhook, oldest)?,
                _ => None,
            };
            store::put_from_settings(tx, DEFAULT_WEBHOOK, webhook.as_ref(), now)?;
            store::put_from_settings(tx, ALERTS_WEBHOOK, alerts.as_ref(), now)?;
            let again = store::requeue_interrupted(tx, &policy, now)?;
            Ok((again, store::session_key(tx, &fresh)?, store::ended_sessions(tx)?, earlier))
        })
        .await
        .map_err(|error| not_written(&config.database, error))?;
    let sessions = Sessions::new(Secret::new(key), ended);
    if again > 0 {
        tracing::info!(
            "[WEBHOOK] Requests under way when the server ended: {again}. Each is sent again with \
             the same webhook-id"
        );
    }
    let secrets = config.secrets().cloned().collect();
    let sender = Sender::new(secrets, config.targets.clone(), &config.trust)?;
    Ok(Prepared { listener, address, sender, sessions, ids, earlier })
}

/// Why the first write failed, with the file and what to do: the store's own words are for clients, who
/// know of no file and cannot mend it.
fn not_written(database: &Path, error: store::Error) -> anyhow::Error {
    let remedy = match error {
        store::Error::Locked => {
            "end that program (a shell, a backup) or its transaction, and start again"
        }
        store::Error::Full => "free some space, or have the quota raised, and start again",
        // It names the file and says what to do.
        store::Error::Damaged(_) => return error.into(),
        _ => "see the log above, mend it, then start again",
    };
    anyhow::anyhow!("{} cannot be written to: {error}; {remedy}", database.display())
}

/// The parts of a server, before they run.
struct Wiring {
    config: Config,
    metrics: Arc<Metrics>,
    store: Arc<Store>,
    sender: Sender,
    sessions: Sessions,
    ids: Arc<Ids>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Wiring {
    #[expect(clippy::disallowed_methods, reason = "the one task that nothing else tracks")]
    fn run(self, stop: CancellationToken, found: StartReport) -> Server {
        let address = self.address;
        Server { address, found, main: tokio::spawn(self.until(stop)) }
    }

    async fn until(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Wiring { config, metrics, store, sender, sessions, ids, listener, address } = self;
        let broken = store.broken();
        store.look_for_damage();
        // Ends when somebody stops the server or the disk fails, whichever is first.
        let ending = stop.child_token();
        let files = listener::Files::share();
        let figures = Arc::new(Figures::default());
        let dispatcher = Arc::new(Dispatcher::new(dispatcher::Services {
            store: Arc::clone(&store),
            sender,
            ids: Arc::clone(&ids),
            metrics: Arc::clone(&metrics),
            figures: Arc::clone(&figures),
            policy: config.policy,
            requests_most: files.requests,
        }));
        let recorder = Arc::new(Recorder::new(Arc::clone(&store), figures));
        let (looking, testing) = (Arc::clone(&dispatcher), Arc::clone(&dispatcher));
        let upkeep = Upkeep {
            store: Arc::clone(&store),
            ids: Arc::clone(&ids),
            policy: config.policy,
            retention: config.retention,
        };
        let naming = Arc::clone(&ids);
        let router = http::router(Services {
            store: Arc::clone(&store),
            ids,
            metrics,
            api_token: config.api_token,
            sessions,
            webhook_secret: config.webhook_secret,
            webhook_url_is_set: config.webhook.is_some(),
            incoming_rate: config.incoming_rate,
            retention: config.retention,
            public_url: config.public_url.as_deref().and_then(|url| url.parse().ok()),
            address: config.public_url.unwrap_or_else(|| format!("http://{address}")),
            ending: ending.clone(),
            is_sending: Box::new(move || looking.is_alive()),
            targets: config.targets,
            try_out: Box::new(move |webhook, event| {
                let testing = Arc::clone(&testing);
                async move { testing.try_out(&webhook, &event).await }.boxed()
            }),
        });
        let tracker = TaskTracker::new();
        // A dispatcher that ends by itself must not leave a server that acknowledges and never sends.
        let (died, ended) = (CancellationToken::new(), ending.clone());
        tracker.spawn({
            let run = dispatcher.run(ending.clone(), tracker.clone());
            let died = died.clone();
            async move {
                let _panic = AssertUnwindSafe(run).catch_unwind().await;
                if !ended.is_cancelled() {
                    died.cancel();
                    ended.cancel();
                }
            }
        });
        tracker.spawn(upkeep.run(ending.clone()));
        tracker.spawn(Arc::clone(&recorder).run(ending.clone()));
        tracker.spawn({
            let (broken, ending) = (broken.clone(), ending.clone());
            async move {
                tokio::select! {
                    () = broken.cancelled() => ending.cancel(),
                    () = ending.cancelled() => {},
                }
            }
        });
        let unreadable = Arc::new(move |status| http::unreadable(&naming, status));
        listener::serve(listener, router, unreadable, files.connections, ending.clone()).await;
        tracker.close();
        if timeout(GRACE, tracker.wait()).await.is_err() {
            tracing::warn!(
                "[WEBHOOK] Some requests did not end in time; they are sent again at the next start"
            );
        }
        // What ended since its last write. A disk that does not take it any more is told of below.
        let _lost = recorder.write_down().await;
        close(store).await;
        if broken.is_cancelled() {
            anyhow::bail!(
                "the database failed, or its files are not what they were; see the log above, mend it, then start again"
            );
        }
        if died.is_cancelled() {
            anyhow::bail!("the dispatcher ended by itself; start the server again");
        }
        Ok(())
    }
}

async fn close(store: Arc<Store>) {
    // Joining its threads blocks. If the task cannot run any more, the process ends anyway.
    let _ended = tokio::task::spawn_blocking(move || store.close()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_write_that_fails_names_the_file_and_what_to_do() {
        for (error, words) in [
            (store::Error::Locked, "another program has locked the database; end that program"),
            (store::Error::Full, "the disk is full; free some space"),
            (store::Error::Broken("gone".to_owned()), "the disk failed: gone; see the log above"),
        ] {
            let said = not_written(Path::new("data/btk.db"), error).to_string();
            assert!(said.starts_with("data/btk.db cannot be written to: "), "{said}");
            assert!(said.contains(words), "{said}");
        }
        let damaged = store::Error::Damaged("btk.db is damaged: what to do".to_owned());
        let said = not_written(Path::new("btk.db"), damaged).to_string();
        assert_eq!(said, "btk.db is damaged: what to do");
    }
}
