//! What the engine writes about a webhook: its health, and the quiet its receiver asked for.
//!
//! Must not decide how a webhook is doing: that is `health`.

use super::rows;
use crate::delivery::health::{Condition, Health};
use crate::model::Time;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, Presence, WebhookState};

/// Writes how a webhook is doing.
pub(crate) fn put_health(tx: &mut Tx<'_>, id: &str, health: &Health) -> Result<()> {
    rows::write_health(tx, id, health)?;
    tx.wake();
    webhooks::refresh(tx, id)
}

/// What waits for a webhook at which nobody looks by himself is about to be given up: one probe looks
/// before.
pub(crate) fn look_again(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<()> {
    let Some(known) = webhooks::known(tx, id)? else { return Ok(()) };
    let health = &known.health;
    if health.condition == Condition::Up || health.probe_at.is_some() {
        return Ok(());
    }
    put_health(tx, id, &Health { probe_at: Some(now), ..health.clone() })
}

/// The receiver asked that nothing is sent until then.
pub(crate) fn wait_until(tx: &mut Tx<'_>, id: &str, until: Time) -> Result<()> {
    let changed = tx.execute(
        "UPDATE webhooks SET wait_until_ms = ?2 WHERE id = ?1 AND wait_until_ms < ?2",
        &[id.into(), until.0.into()],
    )?;
    if changed > 0 {
        webhooks::refresh(tx, id)?;
    }
    Ok(())
}

/// The webhook got another URL: what the old receiver asked for, and what was tried there, no
/// longer counts.
pub(crate) fn begin_anew(tx: &mut Tx<'_>, before: &WebhookState, now: Time) -> Result<()> {
    let id = before.webhook.id.as_str();
    let health = Health { is_paused: before.health.is_paused, ..Health::fresh(now) };
    put_health(tx, id, &health)?;
    tx.execute("UPDATE webhooks SET wait_until_ms = 0 WHERE id = ?1", &[id.into()])?;
    // At most those that failed lately have a time to come.
    tx.execute(
        "UPDATE deliveries SET due_ms = ?2, tries = 0 WHERE webhook_id = ?1 AND due_ms > ?2",
        &[id.into(), now.0.into()],
    )?;
    tx.forget();
    Ok(())
}

/// At a start: what was tried before it no longer counts, no wait is longer than `latest`, and
/// where health is switched off everything is up. (That those of the settings are probed once is
/// `edits::put_from_settings`.)
pub(crate) fn restart(tx: &mut Tx<'_>, recovers: bool, now: Time, latest: Time) -> Result<()> {
    for known in webhooks::all(tx)?.iter().filter(|known| known.presence != Presence::Deleted) {
        let mut health = known.health.clone();
        if !recovers && health.condition != Condition::Up {
            health = Health { is_paused: health.is_paused, ..Health::fresh(now) };
        }
        if health.condition == Condition::Up {
            health.since = now;
        }
        health.probe_at = health.probe_at.map(|at| at.min(latest));
        if health != known.health {
            put_health(tx, &known.webhook.id, &health)?;
        }
    }
    tx.execute(
        "UPDATE webhooks SET wait_until_ms = ?1 WHERE wait_until_ms > ?1",
        &[latest.0.into()],
    )?;
    tx.forget();
    Ok(())
}
