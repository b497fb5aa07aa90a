//! Migrations: numbered scripts, each run once, in order, and never changed once it was released.
//!
//! Must not know what the scripts do.

use rusqlite::{Connection, TransactionBehavior};

use super::opening::Why;
use crate::secret::hex;

/// The scripts of this program; the first has the number 1.
const SCRIPTS: [&str; 1] = [include_str!("../../../migrations/sqlite/0001_init.sql")];

/// Brings the database to this program's version, a transaction a script.
///
/// # Errors
/// The database was made by a newer program, or a script that already ran has been altered.
pub(crate) fn run(connection: &mut Connection) -> Result<(), Why> {
    run_scripts(connection, &SCRIPTS)
}

fn run_scripts(connection: &mut Connection, scripts: &[&str]) -> Result<(), Why> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
             number INTEGER PRIMARY KEY, checksum TEXT NOT NULL) STRICT",
    )?;
    let done: Vec<(i64, String)> = connection
        .prepare("SELECT number, checksum FROM migrations ORDER BY number")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if done.len() > scripts.len() {
        return Err(Why::Newer { found: done.len(), known: scripts.len() });
    }
    for (at, script) in scripts.iter().enumerate() {
        let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
        let checksum = checksum(script);
        match done.get(at) {
            Some(known) if *known == (number, checksum.clone()) => {}
            Some(_) => return Err(Why::Altered(number)),
            None => {
                run_one(connection, script, number, &checksum).map_err(|error| match Why::from(
                    error,
                ) {
                    Why::Database(said) => Why::Migration { number, said },
                    other => other,
                })?;
            }
        }
    }
    Ok(())
}

fn run_one(
    connection: &mut Connection,
    script: &str,
    number: i64,
    checksum: &str,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(script)?;
    tx.execute("INSERT INTO migrations VALUES (?1, ?2)", (number, checksum))?;
    tx.commit()
}

/// SHA-256 of a script in hexadecimal, whatever its line ends are.
fn checksum(script: &str) -> String {
    hex(&hmac_sha256::Hash::hash(script.replace("\r\n", "\n").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::health::Condition;
    use crate::model::{AttemptOutcome, DeliveryStatus, Named as _, Status};
    use crate::store::Presence;

    #[test]
    fn a_script_runs_once_and_may_not_change() {
        let mut db = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x INTEGER)";
        run_scripts(&mut db, &[first]).unwrap();
        run_scripts(&mut db, &[first, "CREATE TABLE b (x INTEGER)"]).unwrap();
        let altered = run_scripts(&mut db, &["CREATE TABLE a (y INTEGER)", "x"]).unwrap_err();
        assert!(matches!(altered, Why::Altered(1)), "{altered}");
        let newer = run_scripts(&mut db, &[first]).unwrap_err();
        assert!(matches!(newer, Why::Newer { found: 2, known: 1 }), "{newer}");
    }

    #[test]
    fn a_script_that_fails_leaves_nothing_behind() {
        let mut db = Connection::open_in_memory().unwrap();
        let failed = run_scripts(&mut db, &["CREATE TABLE a (x INTEGER); nonsense"]).unwrap_err();
        let said = failed.to_string();
        assert!(said.contains("migration 1 failed") && !said.contains("CREATE TABLE"), "{said}");
        run_scripts(&mut db, &["CREATE TABLE a (x INTEGER)"]).unwrap();
    }

    /// The words that a column may have, as its check says.
    fn checked<'a>(sql: &'a str, table: &str, column: &str) -> Vec<&'a str> {
        let (_, table) = sql.split_once(&format!("CREATE TABLE {table} (")).unwrap();
        let (table, _) = table.split_once(") STRICT").unwrap();
        let (_, check) = table.split_once(&format!("CHECK ({column} = '")).unwrap();
        let (check, _) = check.split_once(')').unwrap();
        check.split('\'').step_by(2).collect()
    }

    #[test]
    fn what_a_column_may_have_is_what_there_is() {
        let sql = SCRIPTS[0];
        for (table, column, names) in [
            ("tasks", "status", Status::names()),
            ("webhooks", "state", Presence::names()),
            ("webhooks", "condition", Condition::names()),
            ("deliveries", "status", DeliveryStatus::names()),
            ("other_attempts", "outcome", AttemptOutcome::names()),
        ] {
            assert_eq!(checked(sql, table, column), names, "{table}.{column}");
        }
        assert_eq!(sql.matches("TEXT NOT NULL CHECK").count(), 5, "one that is not compared");
    }

    #[test]
    fn the_scripts_of_this_program_run() {
        run(&mut Connection::open_in_memory().unwrap()).unwrap();
    }
}
