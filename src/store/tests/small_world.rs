//! A small world for the tests of the slow work: a real database file, webhooks, changes of tasks,
//! answers. Time is turned by hand.
//!
//! Must not check anything: that is what the tests are for.

use std::sync::Mutex;

use rusqlite::Connection;
use serde_json::json;

use crate::delivery::explain;
use crate::delivery::health::Policy;
use crate::delivery::pace::{Gates, Seen};
use crate::model::{
    ALERTS_WEBHOOK, EventKind, Origin, Outcome, Profile, Task, TaskId, TaskInput, Time, Unknown,
    Webhook,
};
use crate::store::deliveries::claims::claim_due;
use crate::store::engine::open::open_writer;
use crate::store::engine::tx::Memory;
use crate::store::*;

pub(crate) const START: Time = Time(1_765_216_530_445);
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const POLICY: Policy =
    Policy { recovers: true, probe_first_ms: 30_000, probe_max_ms: 600_000, max_age_ms: HOUR };

pub(crate) struct World {
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
    pub(crate) now: Time,
    pub(crate) events: u32,
    _home: tempfile::TempDir,
}

pub(crate) fn webhook(id: &str) -> Webhook {
    let is_alerts = id == ALERTS_WEBHOOK;
    Webhook {
        events: if is_alerts { EventKind::ALERTS.to_vec() } else { EventKind::OF_TASKS.to_vec() },
        profile: Profile::Plain,
        max_attempts: 1,
        ..Webhook::new(id, format!("http://127.0.0.1:9/{id}"))
    }
}

impl World {
    pub(crate) fn new(webhooks: &[&str]) -> World {
        let home = tempfile::tempdir().unwrap();
        let (connection, _log) = open_writer(&home.path().join("btk.db")).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        let world =
            World { connection, memory: Memory::default(), now: START, events: 0, _home: home };
        for id in webhooks {
            world.tx(|tx| make_webhook(tx, &webhook(id), START)).unwrap();
        }
        world
    }

    /// As the writer does it: a savepoint in a transaction.
    pub(crate) fn tx<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.connection.execute_batch("BEGIN IMMEDIATE; SAVEPOINT call").unwrap();
        let mut tx = Tx::with_memory(&self.connection, &self.memory);
        let done = work(&mut tx);
        tx.write_sums().unwrap();
        self.connection.execute_batch("RELEASE call; COMMIT").unwrap();
        done
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// What waits for or became of a webhook: `seq status`, with `!` where it has its turn.
    pub(crate) fn lanes(&self, webhook: &str) -> Vec<String> {
        let sql = "SELECT seq || ' ' || status || CASE WHEN due_ms IS NULL THEN '' ELSE '!' END
                   FROM deliveries WHERE webhook_id = ?1 ORDER BY seq";
        let mut statement = self.connection.prepare(sql).unwrap();
        statement.query_map([webhook], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
    }

    /// A change of a task, a second after the one before.
    pub(crate) fn change(&mut self, task: &str, words: &str) {
        self.now = self.now.plus_ms(1_000);
        self.events += 1;
        let (now, event_id) = (self.now, format!("evt_{}", self.events));
        let id = TaskId::parse(task).unwrap();
        let body = json!({"title": words, "type": task.to_ascii_uppercase()});
        let input = TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap();
        let change = Change { event_id, origin: Origin::api(), now };
        self.tx(|tx| match get(tx, &id)? {
            None => {
                let last = last_version(tx, &id)?;
                let task = Task::create(id, input.try_into().unwrap(), now, &mut String::new);
                create(tx, task, last, change)
            }
            Some(stored) => {
                let (after, kind) = stored.task.apply(input, now, &mut String::new).unwrap();
                update(tx, &stored, after, kind, change)
            }
        })
        .unwrap();
    }

    /// A task goes, a second after the change before.
    pub(crate) fn delete(&mut self, task: &str) {
        self.now = self.now.plus_ms(1_000);
        self.events += 1;
        let id = TaskId::parse(task).unwrap();
        let event_id = format!("evt_{}", self.events);
        let change = Change { event_id, origin: Origin::api(), now: self.now };
        self.tx(|tx| {
            let stored = get(tx, &id)?.unwrap();
            delete(tx, &stored, change)
        })
        .unwrap();
    }

    /// Claims what is due; answers it by webhook and order of events.
    pub(crate) fn claim(&self) -> Vec<Claim> {
        let gates = Mutex::new(Gates::default());
        self.tx(|tx| claim_due(tx, self.now, 0, &gates)).unwrap().claims
    }

    pub(crate) fn end(&self, claim: &Claim, status: u16) {
        let outcome = Outcome { status: Some(status), broken: None, ..Outcome::broken("") };
        self.end_so(claim, outcome, self.now.ms_since(claim.started), Seen::default());
    }

    /// The same with any outcome, after so many milliseconds, whatever the wall clock says of that;
    /// `seen` is in milliseconds of the claim's steady clock.
    pub(crate) fn end_so(&self, claim: &Claim, outcome: Outcome, took_ms: i64, seen: Seen) {
        let steady_ms = claim.steady_ms + took_ms;
        let why = explain::what_went_wrong(&claim.webhook, &outcome);
        let end = AttemptRecord {
            alert_id: format!("evt_alert_{}_{}", claim.seq, claim.number),
            ..AttemptRecord::of(claim, (outcome, why), self.now, steady_ms, seen)
        };
        self.tx(|tx| record(tx, &POLICY, claim, &end)).unwrap().unwrap();
    }

    /// Sends all that is due; every answer has this status. Answers the order of events.
    pub(crate) fn send_all(&self, status: u16) -> Vec<i64> {
        let mut sent = Vec::new();
        loop {
            let claims = self.claim();
            if claims.is_empty() {
                return sent;
            }
            for claim in claims {
                self.end(&claim, status);
                sent.push(claim.seq);
            }
        }
    }

    /// Changes rows behind the program's back; what is counted of them is counted anew.
    pub(crate) fn set(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
        self.connection
            .execute_batch(
                "DELETE FROM totals;
                 INSERT INTO totals SELECT webhook_id, kind, COUNT(*), SUM(finished_ms IS NULL)
                     FROM deliveries GROUP BY webhook_id, kind",
            )
            .unwrap();
        self.memory.clear();
    }

    pub(crate) fn delete_old(&self, delivered_ms: i64, failed_ms: i64) -> usize {
        let cutoffs = Cutoffs {
            delivered: self.now.plus_ms(-delivered_ms),
            failed: self.now.plus_ms(-failed_ms),
            events: self.now.plus_ms(-delivered_ms),
            now: self.now,
        };
        while self.tx(index_step).unwrap() > 0 {}
        let (mut after, mut steps) = (0, 0);
        while let Some(stretch) = self.tx(|tx| look_for_old(tx, after, &cutoffs)).unwrap() {
            while stretch.has_old && self.tx(|tx| delete_old(tx, &stretch, &cutoffs)).unwrap() {
                steps += 1;
            }
            after = stretch.up_to;
        }
        steps
    }

    /// Expiry at a server that runs since the beginning.
    pub(crate) fn expire(&self) {
        self.expire_since(START);
    }

    /// Expiry at a server that runs, or whose clock was set, since then.
    pub(crate) fn expire_since(&self, even_since: Time) {
        let by = AgedBy { now: self.now, even_since };
        let cutoff = self.now.plus_ms(-POLICY.max_age_ms);
        let Some(newest) = self.tx(|tx| newest_by(tx, cutoff)).unwrap() else { return };
        for id in self.tx(webhooks_that_age).unwrap() {
            let look =
                |tx: &mut Tx<'_>| look_for_expired(tx, &POLICY, &id, newest, (i64::MIN, 0), by);
            let aged = self.tx(look).unwrap();
            if aged.is_unlooked {
                self.tx(|tx| look_again(tx, &id, self.now)).unwrap();
            }
            let mut lanes = aged.lanes;
            while !lanes.is_empty() {
                let alert = format!("evt_expired_{}", self.now.0);
                lanes = self.tx(|tx| expire_step(tx, &POLICY, &id, &lanes, &alert, by)).unwrap();
            }
        }
    }

    pub(crate) fn recover(&self, webhook: &str, states: &[RecoverState]) -> Recovery {
        let wanted = RecoveryQuery { since: START, until: self.now, states: states.to_vec() };
        match self.tx(|tx| begin_recovery(tx, webhook, &wanted, self.now)).unwrap() {
            RecoveryStart::Runs(recovery) => recovery,
            other => panic!("{other:?}"),
        }
    }

    /// One step; answers whether the recovery is through.
    pub(crate) fn recover_some(&self, webhook: &str, oldest: Time) -> bool {
        let Some(job) = self.tx(|tx| find_recovery(tx, webhook)).unwrap() else { return true };
        let look = |tx: &mut Tx<'_>| {
            look_for_again(tx, webhook, &job.wanted, oldest, job.cursor, job.last)
        };
        let due = self.tx(look).unwrap();
        self.tx(|tx| recover_step(tx, &job, &due, self.now)).unwrap()
    }

    /// One step; answers whether the job is through.
    pub(crate) fn step_job(&self, job: &Job) -> bool {
        let look = |tx: &mut Tx<'_>| {
            look_for_job(tx, job.action, &job.filter, &job.cursor, job.last, self.now)
        };
        let found = self.tx(look).unwrap();
        self.tx(|tx| job_step(tx, job, &found, self.now)).unwrap().is_some()
    }

    pub(crate) fn recover_all(&self, webhook: &str) {
        while !self.recover_some(webhook, START) {}
    }
}
