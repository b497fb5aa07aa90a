//! Looking through the database for damage, once after the start, beside the work.
//!
//! Must not know what follows from damage.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::ErrorCode;

use super::error::{Error, Result};

/// It works for so long and then rests for as long, so that nobody has to wait for it.
const STRETCH: Duration = Duration::from_millis(10);
/// A database so large that this is not enough is left to those who run it.
pub(crate) const MOST: Duration = Duration::from_mins(5);
/// How many of SQLite's steps (pages, cells, instructions) pass between two looks at the clock.
const STEPS: i32 = 200;
/// What is told of damage, at most.
const TOLD: usize = 200;

/// The first damage that is found. A table at a time, so that no picture is kept open for longer than
/// that takes; ends early after `most`, and where `is_in_the_way` says so.
pub(crate) fn look(
    connection: &mut Connection,
    most: Duration,
    is_in_the_way: impl Fn() -> bool + Send + 'static,
) -> Result<Option<String>> {
    let begun = Instant::now();
    let mut resumed = begun;
    connection.progress_handler(
        STEPS,
        Some(move || {
            let worked = resumed.elapsed();
            if worked >= STRETCH {
                thread::sleep(worked);
                resumed = Instant::now();
            }
            begun.elapsed() > most || is_in_the_way()
        }),
    )?;
    let tables: Vec<String> = connection
        // Of one that is kept in others (the search index), these are looked through.
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        let sql = format!("PRAGMA quick_check(\"{table}\")");
        let said: String = connection.query_row(&sql, [], |row| row.get(0)).map_err(|error| {
            match error.sqlite_error_code() {
                Some(ErrorCode::OperationInterrupted) => {
                    let late = begun.elapsed() > most;
                    let why = if late { "it took too long" } else { "it was in the way of others" };
                    Error::Database(format!("{why}, at {table}"))
                }
                _ => error.into(),
            }
        })?;
        if said != "ok" {
            let told: String = said.chars().take(TOLD).collect();
            return Ok(Some(format!("{table}: {}", told.replace('\n', ", "))));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_its_table_is_found_and_what_stops_it_is_told() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE a (x INTEGER NOT NULL) STRICT; CREATE TABLE b (x);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                 INSERT INTO a SELECT i FROM n;",
        )
        .unwrap();
        assert_eq!(look(&mut db, MOST, || false).unwrap(), None);
        let ended = |db: &mut _, most, stop| look(db, most, move || stop).unwrap_err().to_string();
        assert!(ended(&mut db, MOST, true).ends_with("it was in the way of others, at a"));
        assert!(ended(&mut db, Duration::ZERO, false).ends_with("it took too long, at a"));
        db.execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE a (x TEXT NOT NULL) STRICT' WHERE name = 'a';
             PRAGMA writable_schema = RESET;",
        )
        .unwrap();
        let said = look(&mut db, MOST, || false).unwrap().unwrap();
        assert!(said.starts_with("a: ") && said.len() < 300, "{said}");
    }
}
