//! Webhooks: what the settings say of `default`, kept where the outbox and the dispatcher find it.
//!
//! Must not know how settings are read.

use super::{Error, Result, Row, Tx, Value};
use crate::model::{DEFAULT_WEBHOOK, Origin, Time, Webhook};

/// A webhook that may be sent to.
pub(super) struct Active {
    pub(super) webhook: Webhook,
    /// The receiver asked for quiet until then.
    pub(super) wait_until: Time,
}

/// Writes what the settings say of `default`. Another URL makes a fresh start: what the old
/// receiver asked for, and what was tried there, no longer counts.
pub fn put_default(tx: &mut Tx<'_>, webhook: &Webhook, now: Time) -> Result<()> {
    let old =
        tx.row("SELECT url FROM webhooks WHERE id = ?1", &[Value::from(&webhook.id)], |row| {
            row.text(0)
        })?;
    if old.is_some_and(|url| url != webhook.url) {
        tx.execute(
            "UPDATE deliveries SET due_ms = CASE WHEN due_ms > ?2 THEN ?2 ELSE due_ms END, tries = 0
             WHERE webhook_id = ?1 AND due_ms IS NOT NULL",
            &[Value::from(&webhook.id), now.0.into()],
        )?;
    }
    let headers = serde_json::to_string(&webhook.headers).unwrap_or_default();
    let origins: Vec<&str> = webhook.ignore_origin.iter().map(Origin::as_str).collect();
    tx.execute(
        "INSERT INTO webhooks (id, active, url, headers, ignore_origin, max_attempts, wait_until_ms)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, 0)
         ON CONFLICT (id) DO UPDATE SET
             active = 1,
             wait_until_ms = CASE WHEN webhooks.url = excluded.url
                                  THEN webhooks.wait_until_ms ELSE 0 END,
             url = excluded.url,
             headers = excluded.headers,
             ignore_origin = excluded.ignore_origin,
             max_attempts = excluded.max_attempts",
        &[
            Value::from(&webhook.id),
            Value::from(&webhook.url),
            Value::from(&headers),
            Value::from(&origins.join(",")),
            i64::from(webhook.max_attempts).into(),
        ],
    )?;
    tx.wake();
    Ok(())
}

/// There is no `WEBHOOK_URL`: events make no delivery for `default`, and what waits stays.
pub fn retire_default(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET active = 0, url = '', headers = '[]' WHERE id = ?1",
        &[DEFAULT_WEBHOOK.into()],
    )?;
    Ok(())
}

/// Every webhook that may be sent to.
pub(super) fn active(tx: &mut Tx<'_>) -> Result<Vec<Active>> {
    tx.rows(
        "SELECT id, url, headers, ignore_origin, max_attempts, wait_until_ms
         FROM webhooks WHERE active = 1 ORDER BY id",
        &[],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Active> {
    let damaged = |what: &str| Error::Database(format!("a webhook has damaged {what}"));
    let headers = serde_json::from_str(&row.text(2)?).map_err(|_| damaged("headers"))?;
    let ignore_origin = row
        .text(3)?
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| Origin::parse("ignoreOrigin", name))
        .collect::<Result<_, _>>()
        .map_err(|_| damaged("origins"))?;
    Ok(Active {
        webhook: Webhook {
            id: row.text(0)?,
            url: row.text(1)?,
            headers,
            ignore_origin,
            max_attempts: u32::try_from(row.int(4)?).map_err(|_| damaged("attempts"))?,
        },
        wait_until: Time(row.int(5)?),
    })
}

/// The receiver asked that nothing is sent until then.
pub(super) fn wait_until(tx: &mut Tx<'_>, webhook_id: &str, until: Time) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET wait_until_ms = ?2 WHERE id = ?1 AND wait_until_ms < ?2",
        &[webhook_id.into(), until.0.into()],
    )?;
    Ok(())
}
