//! Webhooks as the outbox, the dispatcher and the API find them: read whole, and remembered by the
//! writer until something changes, so that an event asks the database nothing about them.
//!
//! Must not change a webhook: see `edits` for people and `conditions` for the engine.

pub(crate) mod alerts;
pub(crate) mod conditions;
pub(crate) mod edits;
pub(crate) mod figures;
pub(crate) mod recoveries;
pub(crate) mod recovery_steps;
pub(crate) mod removals;
pub(crate) mod rows;

use std::sync::Arc;

use super::engine::error::Result;
use super::engine::tx::Tx;

pub(crate) use self::rows::{Presence, WebhookState};

/// Every webhook, by id.
pub(super) fn all(tx: &mut Tx<'_>) -> Result<Arc<Vec<WebhookState>>> {
    if let Some(remembered) = tx.recall::<Vec<WebhookState>>() {
        return Ok(remembered);
    }
    let all = rows::all(tx)?;
    let all = Arc::new(all);
    tx.remember(Arc::clone(&all));
    Ok(all)
}

/// A webhook was written: what is remembered of the others stays.
pub(super) fn refresh(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let Some(mut all) = tx.recall::<Vec<WebhookState>>() else { return Ok(()) };
    tx.forget();
    let is = rows::one(tx, id)?;
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

/// One webhook, also one that is retired or deleted.
pub(super) fn known(tx: &mut Tx<'_>, id: &str) -> Result<Option<WebhookState>> {
    let all = all(tx)?;
    Ok(find(&all, id).cloned())
}

/// One of these by its id, by which they are sorted.
pub(super) fn find<'k>(all: &'k [WebhookState], id: &str) -> Option<&'k WebhookState> {
    let at = all.binary_search_by(|known| known.webhook.id.as_str().cmp(id)).ok()?;
    all.get(at)
}

/// Every webhook that is there, the oldest first.
pub(crate) fn list_webhooks(tx: &mut Tx<'_>) -> Result<Vec<WebhookState>> {
    let mut found: Vec<WebhookState> =
        all(tx)?.iter().filter(|known| known.presence == Presence::Live).cloned().collect();
    found.sort_by_key(|known| (known.created, known.webhook.id.clone()));
    Ok(found)
}

/// One webhook that is there.
pub(crate) fn find_webhook(tx: &mut Tx<'_>, id: &str) -> Result<Option<WebhookState>> {
    Ok(known(tx, id)?.filter(|known| known.presence == Presence::Live))
}
