//! Sessions of browsers, as far as they last: the key that proves them, and those that were ended
//! before their time.
//!
//! Must not know what a session lets in.

use super::engine::error::Result;
use super::engine::tx::Tx;
use crate::model::Time;
use crate::store::engine::columns::only;

/// The key of this database; `fresh` becomes it if there is none yet.
pub(crate) fn session_key(tx: &mut Tx<'_>, fresh: &str) -> Result<String> {
    tx.execute(
        "INSERT INTO session_key (one, key) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING",
        &[fresh.into()],
    )?;
    Ok(tx.row("SELECT key FROM session_key", &[], only)?.unwrap_or_default())
}

/// Until when each of those that were ended would have held.
pub(crate) fn ended_sessions(tx: &mut Tx<'_>) -> Result<Vec<Time>> {
    tx.rows("SELECT until_ms FROM ended_sessions", &[], only)
}

/// Ends those that would have held until then, and forgets those that would have ended by now.
pub(crate) fn end_sessions(tx: &mut Tx<'_>, untils: &[Time], now: Time) -> Result<()> {
    tx.execute("DELETE FROM ended_sessions WHERE until_ms <= ?1", &[now.into()])?;
    for until in untils {
        tx.execute(
            "INSERT INTO ended_sessions (until_ms) VALUES (?1) ON CONFLICT (until_ms) DO NOTHING",
            &[(*until).into()],
        )?;
    }
    Ok(())
}
