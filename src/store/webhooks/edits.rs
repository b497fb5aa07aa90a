//! Webhooks as people change them: made, changed, deleted, paused, resumed, given a new secret, or set by the settings of
//! a start.
//!
//! Must not check what people send: that is done before it gets here.

use super::conditions::{begin_anew, put_health};
use super::rows;
use crate::delivery::health::Health;
use crate::model::{OnReject, Time, Webhook, is_same_url};
use crate::secret::Secret;
use crate::store::deliveries::bulk;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, WebhookState, find_webhook, list_webhooks};

/// How many webhooks there may be, those of the settings not counted.
pub(crate) const WEBHOOKS_MOST: usize = 500;
/// How long the secret before the last rotation signs too, in milliseconds: 24 hours.
const OVERLAP_MS: i64 = 24 * 3_600_000;

/// What came of asking for a webhook.
#[derive(Clone, Debug)]
pub(crate) enum CreateResult {
    /// It is new.
    New(WebhookState),
    /// One with the same URL and events was there.
    Same(WebhookState),
    /// There are as many as there may be.
    TooMany,
}

/// Another webhook with the same URL and the same events as this one.
pub(crate) fn find_same(tx: &mut Tx<'_>, webhook: &Webhook) -> Result<Option<WebhookState>> {
    let is_same = |known: &WebhookState| {
        let other = &known.webhook;
        other.id != webhook.id
            && !other.is_from_settings()
            && is_same_url(&other.url, &webhook.url)
            && other.events.len() == webhook.events.len()
            && other.events.iter().all(|kind| webhook.events.contains(kind))
    };
    Ok(list_webhooks(tx)?.into_iter().find(is_same))
}

/// Makes a webhook, unless one with the same URL and events is there.
pub(crate) fn make_webhook(tx: &mut Tx<'_>, webhook: &Webhook, now: Time) -> Result<CreateResult> {
    if let Some(same) = find_same(tx, webhook)? {
        return Ok(CreateResult::Same(same));
    }
    let there = list_webhooks(tx)?;
    if there.iter().filter(|known| !known.webhook.is_from_settings()).count() >= WEBHOOKS_MOST {
        return Ok(CreateResult::TooMany);
    }
    put_properties(tx, webhook, after_all(&there, now))?;
    Ok(match find_webhook(tx, &webhook.id)? {
        Some(made) => CreateResult::New(made),
        None => CreateResult::TooMany,
    })
}

/// When a webhook is made: after all that are there, so that lists have them in the order in which they were made, also
/// two of one millisecond. A clock that was set back by more than a second is believed.
fn after_all(there: &[WebhookState], now: Time) -> Time {
    let latest = there.iter().map(|known| known.created).max();
    let is_close = |latest: &Time| (0..=1_000).contains(&latest.ms_since(now));
    latest.filter(is_close).map_or(now, |latest| latest.plus_ms(1))
}

/// Writes the properties of a webhook that is there. Another URL is another receiver: it begins as
/// one that is up.
pub(crate) fn change_webhook(
    tx: &mut Tx<'_>,
    before: &WebhookState,
    after: &Webhook,
    now: Time,
) -> Result<()> {
    put_properties(tx, after, before.created)?;
    if before.webhook.url != after.url {
        begin_anew(tx, before, now)?;
    }
    release_if_moved(tx, &before.webhook, after, now)
}

/// Refusals that are held wait for a person. Who sets another receiver, or wants refusals to be
/// skipped from now on, has decided about these.
fn release_if_moved(tx: &mut Tx<'_>, before: &Webhook, after: &Webhook, now: Time) -> Result<()> {
    let holds_no_more = before.on_reject == OnReject::Hold && after.on_reject == OnReject::Skip;
    if holds_no_more || before.url != after.url {
        bulk::release(tx, &after.id, now)?;
    }
    Ok(())
}

/// Writes what the settings say of a webhook; `None`: its setting is gone. Events then make no
/// delivery for it, and what waits stays.
pub(crate) fn put_from_settings(
    tx: &mut Tx<'_>,
    id: &str,
    webhook: Option<&Webhook>,
    now: Time,
) -> Result<()> {
    let before = webhooks::known(tx, id)?;
    let Some(webhook) = webhook else {
        tx.execute(
            "UPDATE webhooks SET state = 'retired', url = '', headers = '[]', secret = NULL
             WHERE id = ?1",
            &[id.into()],
        )?;
        tx.forget();
        return Ok(());
    };
    put_properties(tx, webhook, before.as_ref().map_or(now, |known| known.created))?;
    if let Some(before) = before {
        // The URL of a retired one is not kept, so its return counts as another URL.
        if before.webhook.url != webhook.url {
            begin_anew(tx, &before, now)?;
        } else if before.health.condition.needs_person() {
            // A start is a person's "look again".
            let probe_at = Some(now);
            put_health(tx, id, &Health { probe_at, ..before.health.clone() })?;
        }
        release_if_moved(tx, &before.webhook, webhook, now)?;
    }
    tx.execute("UPDATE webhooks SET state = 'live' WHERE id = ?1", &[id.into()])?;
    tx.forget();
    tx.wake();
    Ok(())
}

/// Deletes a webhook: nothing is sent to it from now on; what waits is cancelled step by step.
pub(crate) fn delete_webhook(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET state = 'deleted', secret = NULL, old_secret = NULL, headers = '[]'
         WHERE id = ?1",
        &[id.into()],
    )?;
    tx.execute("DELETE FROM recoveries WHERE webhook_id = ?1", &[id.into()])?;
    tx.forget();
    Ok(())
}

/// Stops a webhook, or lets it go on, with all that it holds.
pub(crate) fn set_paused(
    tx: &mut Tx<'_>,
    before: &WebhookState,
    is_paused: bool,
    now: Time,
) -> Result<()> {
    let health = if is_paused {
        Health { is_paused, ..before.health.clone() }
    } else {
        bulk::release(tx, &before.webhook.id, now)?;
        before.health.resumed(now)
    };
    put_health(tx, &before.webhook.id, &health)
}

/// Gives a webhook a new secret; the old one signs too for 24 hours.
pub(crate) fn rotate_secret(tx: &mut Tx<'_>, id: &str, secret: &Secret, now: Time) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET old_secret = secret, old_until_ms = ?3, secret = ?2 WHERE id = ?1",
        &[id.into(), secret.expose().into(), now.plus_ms(OVERLAP_MS).0.into()],
    )?;
    tx.forget();
    Ok(())
}

/// Writes every property of a webhook, new or not; how it is doing stays.
fn put_properties(tx: &mut Tx<'_>, webhook: &Webhook, created: Time) -> Result<()> {
    rows::write_properties(tx, webhook, created)?;
    tx.forget();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::small_world::World;

    #[test]
    fn webhooks_of_one_millisecond_are_listed_in_the_order_in_which_they_were_made() {
        let world = World::new(&["wh_c", "wh_a", "wh_b"]);
        let listed = world.tx(list_webhooks).unwrap();
        let ids: Vec<&str> = listed.iter().map(|known| known.webhook.id.as_str()).collect();
        assert_eq!(ids, ["wh_c", "wh_a", "wh_b"]);
        assert!(listed.is_sorted_by(|one, next| one.created < next.created));
    }
}
