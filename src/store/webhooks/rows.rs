//! The rows of webhooks: what is kept of one, how it is read and how it is written.
//!
//! Must not decide anything, nor remember what it has read: that is `webhooks`.

use std::sync::Arc;

use crate::delivery::health::{Health, Refusals};
use crate::model::{EventKind, Named, Origin, Time, Webhook, names};
use crate::secret::Secret;
use crate::store::engine::columns::{Row, Value, columns};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

names! {
    /// Whether a webhook is there.
    pub(crate) enum Presence {
        /// It gets events.
        Live = "live",
        /// Its setting is gone: events make no delivery for it, what waits stays.
        Retired = "retired",
        /// It was deleted; what waits is being cancelled.
        Deleted = "deleted",
    }
}

/// A webhook and how it stands.
#[derive(Clone, Debug)]
pub(crate) struct WebhookState {
    /// Its properties.
    pub(crate) webhook: Arc<Webhook>,
    /// Whether it is there.
    pub(crate) presence: Presence,
    /// When it was made.
    pub(crate) created: Time,
    /// How it is doing.
    pub(crate) health: Health,
    /// The receiver asked for quiet until then.
    pub(crate) wait_until: Time,
    /// A recovery is putting older events in line; nothing newer may overtake them.
    pub(crate) is_recovering: bool,
    /// When the last alert of a failed delivery was made.
    pub(crate) failure_alert_at: Time,
    /// When the last alert that it refuses everything was made.
    pub(crate) refusing_alert_at: Time,
    /// There was an alert of its long queue.
    pub(crate) is_behind: bool,
}

impl WebhookState {
    /// Whether events go out as they come.
    pub(crate) fn is_sending(&self) -> bool {
        self.presence == Presence::Live && self.health.is_up()
    }
}

// What people say of a webhook.
columns! {
    properties = url 3, events 4, source 5, description 6, headers 7, secret 8, old_secret 9, old_until_ms 10,
        payload 11, filter 12, ignore_origin 13, profile 14, rate_per_second 15, timeout_s 16, max_attempts 17,
        on_reject 18
}

// How it is doing.
columns! {
    health = paused 2, condition 3, since_ms 4, failures 5, probe_ms 6, looked_ms 7, denied 8, refused_events 9,
        refusing_ms 10, why 11
}

macro_rules! select {
    ($end:literal) => {
        concat!(
            "SELECT id, state, created_ms, ",
            properties!(names),
            ", ",
            health!(names),
            ", wait_until_ms, failure_alert_ms, refusing_alert_ms, is_behind,
                (SELECT COUNT(*) FROM recoveries r WHERE r.webhook_id = w.id) FROM webhooks w ",
            $end
        )
    };
}

/// Every webhook, by id.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<WebhookState>> {
    tx.rows(select!("ORDER BY w.id"), &[], read)
}

/// One of them.
pub(crate) fn one(tx: &mut Tx<'_>, id: &str) -> Result<Option<WebhookState>> {
    tx.row(select!("WHERE w.id = ?1"), &[id.into()], read)
}

const OF: &str = "a webhook";

fn read(row: &Row<'_>) -> Result<WebhookState> {
    let id = row.next()?;
    let presence = row.named(OF, "state")?;
    let created = row.next()?;
    let webhook = Webhook {
        id,
        url: row.next()?,
        events: row.parse(OF, "list of events", |text| parts(text, EventKind::parse))?,
        source: row.next()?,
        description: row.next()?,
        headers: row.json(OF, "header")?,
        secret: row.next::<Option<String>>()?.map(Secret::new),
        old_secret: row.next::<Option<String>>()?.map(Secret::new).zip(row.next()?),
        payload: row.named(OF, "payload")?,
        filter: row.json(OF, "filter")?,
        ignore_origin: row.parse(OF, "list of origins", |text| {
            parts(text, |name| Origin::parse("ignoreOrigin", name).ok())
        })?,
        profile: row.named(OF, "profile")?,
        rate_per_second: row.next::<Option<i64>>()?.and_then(|rate| u32::try_from(rate).ok()),
        timeout_seconds: row.number(OF, "timeout")?,
        max_attempts: row.number(OF, "number of attempts")?,
        on_reject: row.named(OF, "onReject")?,
    };
    let health = Health {
        is_paused: row.next()?,
        condition: row.named(OF, "condition")?,
        since: row.next()?,
        failures: row.number(OF, "count of probes")?,
        probe_at: row.next()?,
        looked_at: row.next()?,
        denied: row.json(OF, "list of denials")?,
        refusals: Refusals { events: row.json(OF, "list of refused events")?, since: row.next()? },
        why: row.next()?,
    };
    Ok(WebhookState {
        webhook: Arc::new(webhook),
        presence,
        created,
        health,
        wait_until: row.next()?,
        failure_alert_at: row.next()?,
        refusing_alert_at: row.next()?,
        is_behind: row.next()?,
        is_recovering: row.next()?,
    })
}

/// Each part of a list; `None` if one is none.
fn parts<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').filter(|part| !part.is_empty()).map(read).collect()
}

/// Writes every property of a webhook, new or not; how it is doing stays.
pub(crate) fn write_properties(tx: &mut Tx<'_>, webhook: &Webhook, created: Time) -> Result<()> {
    const WRITE: &str = concat!(
        "INSERT INTO webhooks (id, created_ms, ",
        properties!(names),
        ", state, paused, condition, since_ms, failures, denied, refused_events, why, wait_until_ms,
            failure_alert_ms, refusing_alert_ms, is_behind)
         VALUES (?1, ?2, ",
        properties!(places),
        ", 'live', 0, 'up', ?2, 0, '[]', '[]', '', 0, 0, 0, 0) ON CONFLICT (id) DO UPDATE SET ",
        properties!(excluded)
    );
    let events: Vec<&str> = webhook.events.iter().map(|kind| kind.as_str()).collect();
    let origins: Vec<&str> = webhook.ignore_origin.iter().map(Origin::as_str).collect();
    let old = webhook.old_secret.as_ref();
    let values: [Value<'_>; 18] = [
        (&webhook.id).into(),
        created.into(),
        (&webhook.url).into(),
        events.join(",").into(),
        webhook.source.as_deref().into(),
        webhook.description.as_deref().into(),
        serde_json::to_string(&webhook.headers).unwrap_or_default().into(),
        webhook.secret.as_ref().map(Secret::expose).into(),
        old.map(|(secret, _)| secret.expose()).into(),
        old.map(|(_, until)| *until).into(),
        webhook.payload.as_str().into(),
        serde_json::to_string(&webhook.filter).unwrap_or_default().into(),
        origins.join(",").into(),
        webhook.profile.as_str().into(),
        webhook.rate_per_second.into(),
        webhook.timeout_seconds.into(),
        webhook.max_attempts.into(),
        webhook.on_reject.as_str().into(),
    ];
    tx.execute(WRITE, &values)?;
    Ok(())
}

/// Writes how a webhook is doing.
pub(crate) fn write_health(tx: &mut Tx<'_>, id: &str, health: &Health) -> Result<()> {
    const WRITE: &str = concat!("UPDATE webhooks SET ", health!(sets), " WHERE id = ?1");
    let list = |events: &[i64]| serde_json::to_string(events).unwrap_or_default();
    let values: [Value<'_>; 11] = [
        id.into(),
        health.is_paused.into(),
        health.condition.as_str().into(),
        health.since.into(),
        health.failures.into(),
        health.probe_at.into(),
        health.looked_at.into(),
        list(&health.denied).into(),
        list(&health.refusals.events).into(),
        health.refusals.since.into(),
        (&health.why).into(),
    ];
    tx.execute(WRITE, &values)?;
    Ok(())
}
