//! A 404 from a receiver that was not ready just before: it is not back yet, and this is no refusal.
//!
//! Must not decide what counts as not ready: that is `retry`.

use super::claims::Claim;
use crate::delivery::explain;
use crate::delivery::health::Condition;
use crate::delivery::retry::{self, PastAttempt};
use crate::model::{AttemptOutcome, Later, Named, Outcome, Time};
use crate::store::engine::columns::Value;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::WebhookState;

/// What such a 404 is, and in words. Who was not ready is told by what its webhook answered to others, as far as this
/// process knows, that is `not_ready_ago_ms` before the end, and by the attempts of its own series, which a restart does
/// not forget.
pub(super) fn read(
    tx: &mut Tx<'_>,
    known: &WebhookState,
    claim: &Claim,
    outcome: &Outcome,
    ended: Time,
    not_ready_ago_ms: Option<i64>,
) -> Result<Option<(Outcome, Option<String>)>> {
    if outcome.status != Some(404) {
        return Ok(None);
    }
    let (profile, health) = (claim.webhook.profile, &known.health);
    // What was at another URL says nothing: a new one begins as `up`.
    let is_of_this_url =
        |ago: &i64| health.condition != Condition::Up || ended.plus_ms(-ago) >= health.since;
    let ago = not_ready_ago_ms.filter(is_of_this_url);
    let is_not_back = ago.is_some_and(|ago| retry::is_still_starting(ago, profile))
        || retry::is_not_back(outcome, &attempts_before(tx, claim)?, profile);
    if !is_not_back {
        return Ok(None);
    }
    let outcome = Outcome { later: Some(Later::NotBack), ..outcome.clone() };
    let why = explain::what_went_wrong(&claim.webhook, &outcome);
    Ok(Some((outcome, why)))
}

/// The attempts before this one that tell whether the receiver was ready, the newest first.
fn attempts_before(tx: &mut Tx<'_>, claim: &Claim) -> Result<Vec<PastAttempt>> {
    // A series is bounded; one that is tried for days, alone or as a probe, is not. A start that outlasts
    // a series goes on into the probes.
    let most = match (claim.is_alone, claim.is_probe) {
        _ if claim.number == 1 => return Ok(Vec::new()),
        (true, _) => 1,
        (false, true) => claim.tries.max(claim.webhook.max_attempts),
        (false, false) => claim.tries,
    };
    tx.rows(
        "SELECT status, outcome, excerpt FROM attempts WHERE seq = ?1 AND webhook_id = ?2 AND number < ?3
         ORDER BY number DESC LIMIT ?4",
        &[
            claim.seq.into(),
            Value::from(&claim.webhook.id),
            claim.number.into(),
            most.into(),
        ],
        |row| {
            Ok(PastAttempt {
                status: row.next()?,
                is_delivered: row.str()? == AttemptOutcome::Delivered.as_str(),
                excerpt: row.next::<Option<String>>()?.unwrap_or_default(),
            })
        },
    )
}
