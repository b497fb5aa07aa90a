//! What must hold of the rows of a simulated world, whatever has happened.
//!
//! Must not change anything.

use std::collections::HashMap;

use super::World;

impl World<'_> {
    /// What must hold of the rows after every step. A step that wrote nothing cannot have broken it.
    pub(crate) fn check_rows(&mut self) {
        let seen = (self.connection.total_changes(), self.under_way.len());
        if self.checked == Some(seen) {
            return;
        }
        self.checked = Some(seen);
        self.check_lanes();
        self.check_totals();
    }

    fn check_lanes(&self) {
        let mut lanes = self
            .connection
            .prepare_cached(
                "SELECT webhook_id, task_id, SUM(due_ms IS NOT NULL OR started_ms IS NOT NULL),
                     SUM(started_ms IS NOT NULL)
                 FROM deliveries WHERE finished_ms IS NULL GROUP BY webhook_id, task_id",
            )
            .unwrap();
        let mut rows = lanes.query([]).unwrap();
        let mut sending = 0_i64;
        while let Some(row) = rows.next().unwrap() {
            let (webhook, task): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let turns: i64 = row.get(2).unwrap();
            assert!(turns <= 1, "two of a lane have the turn");
            if turns == 0 {
                let first = "SELECT reason FROM deliveries
                     WHERE webhook_id = ?1 AND task_id = ?2 AND finished_ms IS NULL
                     ORDER BY seq LIMIT 1";
                let mut first = self.connection.prepare_cached(first).unwrap();
                let reason: Option<String> =
                    first.query_row((&webhook, &task), |row| row.get(0)).unwrap();
                assert_eq!(reason.as_deref(), Some("rejected"), "a lane waits for nothing");
            }
            sending += row.get::<_, i64>(3).unwrap();
        }
        assert_eq!(usize::try_from(sending).unwrap(), self.under_way.len());
    }

    /// What is kept of how many there are. That the status says what has ended is checked with all rows.
    fn check_totals(&self) {
        let mut counted: HashMap<(String, String), (i64, i64)> = HashMap::new();
        // In the order of the index that holds all three, so that nothing is sorted.
        let mut runs = self
            .connection
            .prepare_cached(
                "SELECT webhook_id, status, kind, COUNT(*) FROM deliveries
                 GROUP BY webhook_id, status, kind",
            )
            .unwrap();
        let mut rows = runs.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (n, status): (i64, String) = (row.get(3).unwrap(), row.get(1).unwrap());
            let has_ended = ["delivered", "failed", "cancelled"].contains(&status.as_str());
            let count = counted.entry((row.get(0).unwrap(), row.get(2).unwrap())).or_default();
            count.0 += n;
            count.1 += if has_ended { 0 } else { n };
        }
        let mut kept = self
            .connection
            .prepare_cached("SELECT webhook_id, kind, n, unfinished FROM totals")
            .unwrap();
        let kept: HashMap<(String, String), (i64, i64)> = kept
            .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(counted, kept, "a count of what there is is wrong");
    }

    /// What must hold of all rows, also of those that nothing touches any more.
    pub(crate) fn check_all_rows(&self) {
        let wrong = self.count(
            "SELECT COUNT(*) FROM deliveries WHERE
                 (status IN ('delivered', 'failed', 'cancelled')) <> (finished_ms IS NOT NULL)
                 OR (status IN ('held', 'failed', 'cancelled')) <> (reason IS NOT NULL)
                 OR (status = 'sending') <> (started_ms IS NOT NULL)
                 OR (finished_ms IS NOT NULL AND due_ms IS NOT NULL)",
        );
        assert_eq!(wrong, 0, "a delivery is in no state that there is");
        let missing = self.count(
            "SELECT 3 * (SELECT COUNT(*) FROM events WHERE kind LIKE 'task%')
                 + (SELECT COUNT(*) FROM events WHERE kind NOT LIKE 'task%')
                 - (SELECT COUNT(*) FROM deliveries)",
        );
        assert_eq!(missing, 0, "an event has no delivery");
    }
}
