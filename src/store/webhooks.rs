//! Webhooks as the outbox, the dispatcher and the API find them: read whole, and remembered by the
//! writer until something changes, so that an event asks the database nothing about them.
//!
//! Must not change a webhook: see `webhook_edits` for people and `conditions` for the engine.

use std::sync::Arc;

use super::{Error, Result, Row, Tx};
use crate::delivery::health::{Condition, Health, Refusals};
use crate::model::{EventKind, Named, OnReject, Origin, Payload, Profile, Time, Webhook};
use crate::secret::Secret;

/// Whether a webhook is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It gets events.
    Live,
    /// Its setting is gone: events make no delivery for it, what waits stays.
    Retired,
    /// It was deleted; what waits is being cancelled.
    Deleted,
}

/// A webhook and how it stands.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its properties.
    pub webhook: Arc<Webhook>,
    /// Whether it is there.
    pub presence: Presence,
    /// When it was made.
    pub created: Time,
    /// How it is doing.
    pub health: Health,
    /// The receiver asked for quiet until then.
    pub wait_until: Time,
    /// A recovery is putting older events in line; nothing newer may overtake them.
    pub is_recovering: bool,
    /// When a failed delivery was last told of.
    pub told: Time,
    /// When it was last told that it refuses everything.
    pub told_refusing: Time,
    /// A long queue was told of.
    pub is_behind: bool,
}

impl Known {
    /// Whether events go out as they come.
    pub fn is_sending(&self) -> bool {
        self.presence == Presence::Live && self.health.is_up()
    }
}

/// Every webhook, by id.
pub(super) fn all(tx: &mut Tx<'_>) -> Result<Arc<Vec<Known>>> {
    if let Some(remembered) = tx.recall::<Vec<Known>>() {
        return Ok(remembered);
    }
    let all = tx.rows(&format!("{SELECT} ORDER BY w.id"), &[], read)?;
    let all = Arc::new(all);
    tx.remember(Arc::clone(&all));
    Ok(all)
}

/// A webhook was written: what is remembered of the others stays.
pub(super) fn refresh(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let Some(mut all) = tx.recall::<Vec<Known>>() else { return Ok(()) };
    tx.forget();
    let is = tx.row(&format!("{SELECT} WHERE w.id = ?1"), &[id.into()], read)?;
    // Nobody else holds the list now, so this changes it where it is.
    let list = Arc::make_mut(&mut all);
    match (list.binary_search_by(|known| known.webhook.id.as_str().cmp(id)), is) {
        (Ok(at), Some(known)) => list[at] = known,
        (Ok(at), None) => drop(list.remove(at)),
        (Err(at), Some(known)) => list.insert(at, known),
        (Err(_), None) => {}
    }
    tx.remember(all);
    Ok(())
}

const SELECT: &str = "\
    SELECT w.id, w.state, w.created_ms, w.url, w.events, w.source, w.description, w.headers,
        w.secret, w.old_secret, w.old_until_ms, w.payload, w.filter, w.ignore_origin, w.profile,
        w.rate_per_second, w.timeout_s, w.max_attempts, w.on_reject, w.paused, w.condition,
        w.since_ms, w.failures, w.probe_ms, w.refused, w.why, w.wait_until_ms, w.told_ms,
        w.is_behind,
        (SELECT COUNT(*) FROM recoveries r WHERE r.webhook_id = w.id),
        w.refused_events, w.refusing_ms, w.looked_ms, w.told_refusing_ms
    FROM webhooks w";

/// One webhook, also one that is retired or deleted.
pub(super) fn known(tx: &mut Tx<'_>, id: &str) -> Result<Option<Known>> {
    let all = all(tx)?;
    Ok(find(&all, id).cloned())
}

/// One of them all.
pub(super) fn find<'k>(all: &'k [Known], id: &str) -> Option<&'k Known> {
    let at = all.binary_search_by(|known| known.webhook.id.as_str().cmp(id)).ok()?;
    all.get(at)
}

fn named<T: Copy>(all: &[(&str, T)], name: &str, what: &str) -> Result<T> {
    let found = all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    found.ok_or_else(|| damaged(what))
}

fn damaged(what: &str) -> Error {
    Error::Damaged(format!("a webhook has a damaged {what}"))
}

fn parts<T>(text: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(|part| read(part).ok_or_else(|| damaged(what))).collect()
}

fn read(row: &Row<'_>) -> Result<Known> {
    let number = |column, what| -> Result<u32> {
        u32::try_from(row.int(column)?).map_err(|_| damaged(what))
    };
    let old_secret = match (row.opt_text(9)?, row.opt_int(10)?) {
        (Some(secret), Some(until)) => Some((Secret::new(secret), Time(until))),
        _ => None,
    };
    let webhook = Webhook {
        id: row.text(0)?,
        url: row.text(3)?,
        events: parts(&row.text(4)?, "list of events", EventKind::parse)?,
        source: row.opt_text(5)?,
        description: row.opt_text(6)?,
        headers: serde_json::from_str(&row.text(7)?).map_err(|_| damaged("header"))?,
        secret: row.opt_text(8)?.map(Secret::new),
        old_secret,
        payload: named(Payload::ALL, &row.text(11)?, "payload")?,
        filter: serde_json::from_str(&row.text(12)?).map_err(|_| damaged("filter"))?,
        ignore_origin: parts(&row.text(13)?, "list of origins", |name| {
            Origin::parse("ignoreOrigin", name).ok()
        })?,
        profile: named(Profile::ALL, &row.text(14)?, "profile")?,
        rate_per_second: row.opt_int(15)?.and_then(|rate| u32::try_from(rate).ok()),
        timeout_seconds: number(16, "timeout")?,
        max_attempts: number(17, "number of attempts")?,
        on_reject: named(OnReject::ALL, &row.text(18)?, "onReject")?,
    };
    let presence = match row.text(1)?.as_str() {
        "live" => Presence::Live,
        "retired" => Presence::Retired,
        _ => Presence::Deleted,
    };
    let health = Health {
        condition: named(Condition::ALL, &row.text(20)?, "condition")?,
        is_paused: row.int(19)? == 1,
        since: Time(row.int(21)?),
        failures: number(22, "count of probes")?,
        probe_at: row.opt_int(23)?.map(Time),
        looked_at: row.opt_int(32)?.map(Time),
        refused: serde_json::from_str(&row.text(24)?).map_err(|_| damaged("list of refusals"))?,
        refusals: Refusals {
            events: serde_json::from_str(&row.text(30)?)
                .map_err(|_| damaged("list of refused events"))?,
            since: row.opt_int(31)?.map(Time),
        },
        why: row.text(25)?,
    };
    Ok(Known {
        webhook: Arc::new(webhook),
        presence,
        created: Time(row.int(2)?),
        health,
        wait_until: Time(row.int(26)?),
        told: Time(row.int(27)?),
        told_refusing: Time(row.int(33)?),
        is_behind: row.int(28)? == 1,
        is_recovering: row.int(29)? > 0,
    })
}
