//! Simulation: the real claims, lanes, health and pace over a real database in memory, with a clock
//! that is turned by hand, receivers that follow a script, and chance from a seed.
//!
//! Fifty thousand random steps, and twenty times as many where `BTK_EPISODES=1300` asks for them; the promises are
//! checked after each. A seed that fails is named and runs again with `BTK_SEED=<seed> cargo test --lib simulation`.
//! Must not know of threads, sockets or real time.
#![doc = include_str!("../../../docs/internals/simulation.md")]

mod actors;
mod checks;
mod jobs;
mod requests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;

use crate::delivery::health::{Condition, Policy};
use crate::delivery::pace::Gates;
use crate::model::{
    ALERTS_WEBHOOK, EventKind, OnReject, Origin, Profile, Task, TaskId, TaskInput, Time, Unknown,
    Webhook,
};
use crate::store::engine::tx::{Beside, Memory};
use crate::store::engine::{migrate, open};
use crate::store::tests::small_world::START;
use crate::store::{
    AttemptRecord, Change, Claim, Edit, Handover, Tx, cancel, change_webhook, create, delete,
    delivery_id, find_webhook, get, last_version, list_webhooks, make_webhook, put_from_settings,
    record, redeliver, requeue_interrupted, send_due, set_paused, update,
};
use actors::{Dice, MOODS, Mood, answer, webhook};
use requests::handover;

/// Unless `BTK_EPISODES` says otherwise.
const EPISODES: u64 = 65;
const STEPS: u64 = 800;
const TASKS: u64 = 6;
const POLICY: Policy =
    Policy { recovers: true, probe_first_ms: 30_000, probe_max_ms: 600_000, max_age_ms: i64::MAX };

struct World<'c> {
    connection: &'c Connection,
    memory: Memory,
    dice: Dice,
    now: Time,
    /// A clock that never steps back.
    steady_ms: Arc<AtomicI64>,
    handover: Arc<Handover>,
    /// What has left and was not looked at yet.
    handed: Arc<Mutex<Vec<Claim>>>,
    under_way: Vec<Claim>,
    moods: HashMap<String, Mood>,
    /// Deliveries that were put back into their lane, which may be overtaken by one under way.
    rejoined: HashSet<(String, i64)>,
    /// What each event looked like when it was first sent.
    bytes: HashMap<String, String>,
    /// What each webhook has refused since its last 2xx, or since it was not up.
    refusals: HashMap<String, HashSet<i64>>,
    /// When requests left to the webhook that is paced.
    left: VecDeque<i64>,
    events: u64,
    /// What the database had written, and what was under way, when the rows were last checked.
    checked: Option<(u64, usize)>,
}

impl<'c> World<'c> {
    fn new(connection: &'c Connection, seed: u64) -> World<'c> {
        let (steady_ms, handed) = (Arc::new(AtomicI64::new(0)), Arc::default());
        let mut world = World {
            connection,
            memory: Memory::default(),
            dice: Dice(seed),
            now: START,
            handover: Arc::new(handover(Arc::clone(&steady_ms), Arc::clone(&handed))),
            steady_ms,
            handed,
            under_way: Vec::new(),
            moods: HashMap::new(),
            rejoined: HashSet::new(),
            bytes: HashMap::new(),
            refusals: HashMap::new(),
            left: VecDeque::new(),
            events: 0,
            checked: None,
        };
        for (id, profile, on_reject, max_attempts) in [
            ("wh_a", Profile::Auto, OnReject::Skip, 3),
            ("wh_b", Profile::Make, OnReject::Skip, 2),
            ("wh_c", Profile::Plain, OnReject::Hold, 1),
        ] {
            let webhook = webhook(id, profile, on_reject, max_attempts);
            let now = world.now;
            world.tx(|tx| make_webhook(tx, &webhook, now).unwrap());
            world.moods.insert(id.to_owned(), Mood::Well);
        }
        let alerts = webhook(ALERTS_WEBHOOK, Profile::Plain, OnReject::Skip, 3);
        let alerts = Webhook { events: EventKind::ALERTS.to_vec(), ..alerts };
        let now = world.now;
        world.tx(|tx| put_from_settings(tx, ALERTS_WEBHOOK, Some(&alerts), now).unwrap());
        world.moods.insert(ALERTS_WEBHOOK.to_owned(), Mood::Well);
        world
    }

    /// Without a handover: what is due waits for a look.
    fn tx<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let mut tx = Tx::with_memory(self.connection, &self.memory);
        let value = work(&mut tx);
        tx.write_sums().unwrap();
        value
    }

    /// With a handover. A transaction that `fails` is undone.
    fn handing_over<T>(&mut self, fails: bool, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let beside: Beside = self.handover.clone();
        let mut tx = Tx::with_memory(self.connection, &self.memory).beside(Some(beside));
        self.connection.execute_batch("SAVEPOINT change").unwrap();
        let value = work(&mut tx);
        tx.write_sums().unwrap();
        let after = tx.take_after();
        if fails {
            self.connection.execute_batch("ROLLBACK TO change; RELEASE change").unwrap();
            self.memory.clear();
            drop(after);
        } else {
            self.connection.execute_batch("RELEASE change").unwrap();
            for does in after {
                does();
            }
        }
        let handed = std::mem::take(&mut *self.handed.lock().unwrap());
        for claim in handed {
            self.check_claim(&claim);
            self.under_way.push(claim);
        }
        assert_eq!(self.gates().under_way(), self.under_way.len(), "places that are taken");
        value
    }

    fn gates(&self) -> MutexGuard<'_, Gates> {
        self.handover.gates.lock().unwrap()
    }

    fn steady_ms(&self) -> i64 {
        self.steady_ms.load(Ordering::Relaxed)
    }

    fn count(&self, sql: &str) -> i64 {
        self.connection.prepare_cached(sql).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..=24 => self.change_a_task(),
            25..=54 => self.look(),
            55..=84 => self.end_one(),
            85..=91 => {
                let ms = self.dice.pick(&[1, 20, 200, 1_000, 2_000, 11_000, 40_000]);
                self.pass(ms);
            }
            92..=93 => {
                let webhook = self.dice.pick(&["wh_a", "wh_b", "wh_c", ALERTS_WEBHOOK]);
                let mood = self.dice.pick(&MOODS);
                self.moods.insert(webhook.to_owned(), mood);
            }
            94 => self.pause_or_resume(),
            95..=96 => self.edit_a_delivery(),
            97 => self.edit_many(),
            98 if self.dice.below(4) == 0 => self.move_a_webhook(),
            98 => self.pass(600_000),
            _ if self.dice.below(10) == 0 => self.crash(),
            _ => {}
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.steady_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn change_a_task(&mut self) {
        let id = TaskId::parse(&format!("t{}", self.dice.below(TASKS))).unwrap();
        self.events += 1;
        let (n, now) = (self.events, self.now);
        let change = Change { event_id: format!("evt_{n}"), origin: Origin::api(), now };
        let body = serde_json::json!({ "title": format!("Title {n}") });
        let input = TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap();
        let deletes = self.dice.below(8) == 0;
        let change = |tx: &mut Tx<'_>| match get(tx, &id).unwrap() {
            Some(before) if deletes => drop(delete(tx, &before, change).unwrap()),
            Some(before) => {
                let (after, kind) = before.task.apply(input, now, &mut String::new).unwrap();
                update(tx, &before, after, kind, change).unwrap();
            }
            None => {
                let last = last_version(tx, &id).unwrap();
                create(
                    tx,
                    Task::create(id, input.try_into().unwrap(), now, &mut String::new),
                    last,
                    change,
                )
                .unwrap();
            }
        };
        // Either way the same must come of it.
        match self.dice.below(8) {
            0..=2 => self.tx(change),
            n => self.handing_over(n == 3, change),
        }
    }

    fn look(&mut self) {
        let (now, to) = ((self.now, self.steady_ms()), Arc::clone(&self.handover));
        let fails = self.dice.below(20) == 0;
        self.handing_over(fails, |tx| send_due(tx, &to, now).unwrap());
        for id in ["wh_a", "wh_b", "wh_c"] {
            let to = self.under_way.iter().filter(|claim| claim.webhook.id == id).count();
            assert!(to <= 32, "{to} requests at a time to {id}");
        }
    }

    fn end_one(&mut self) {
        if self.under_way.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.below(self.under_way.len() as u64)).unwrap();
        let claim = self.under_way.swap_remove(at);
        let id = claim.webhook.id.clone();
        let (outcome, why) = answer(self.moods[&id], &claim, &mut self.dice);
        let steady_ms = self.steady_ms();
        let seen = self.gates().release(&id, &claim.released(&outcome, steady_ms));
        let end = AttemptRecord {
            alert_id: format!("evt_alert_{}", self.dice.next()),
            ..AttemptRecord::of(&claim, (outcome, why), self.now, steady_ms, seen)
        };
        let before = self.tx(|tx| find_webhook(tx, &id).unwrap()).unwrap();
        let done = self.tx(|tx| record(tx, &POLICY, &claim, &end).unwrap());
        let recorded = done.expect("what was claimed can be recorded");
        let is_same_url = before.webhook.url == claim.webhook.url;
        self.check_refusals(&claim, &end.outcome, recorded.is_rejected, is_same_url);
        if recorded.turned.is_some_and(|(_, health)| health.condition != Condition::Up) {
            for seq in before.health.denied {
                self.rejoined.insert((id.clone(), seq));
            }
        }
    }

    fn pause_or_resume(&mut self) {
        let id = self.dice.pick(&["wh_a", "wh_b", "wh_c"]);
        let (now, pauses) = (self.now, self.dice.below(3) == 0);
        self.tx(|tx| {
            let known = find_webhook(tx, id).unwrap().unwrap();
            set_paused(tx, &known, pauses, now).unwrap();
        });
    }

    fn move_a_webhook(&mut self) {
        let id = self.dice.pick(&["wh_a", "wh_b", "wh_c"]);
        let (now, n) = (self.now, self.dice.next());
        self.tx(|tx| {
            let known = find_webhook(tx, id).unwrap().unwrap();
            let url = format!("http://127.0.0.1:9/{n}");
            let after = Webhook { url, ..(*known.webhook).clone() };
            change_webhook(tx, &known, &after, now).unwrap();
        });
        self.refusals.remove(id);
    }

    fn edit_a_delivery(&mut self) {
        let newest = self.count("SELECT COALESCE(MAX(seq), 0) FROM events");
        if newest == 0 {
            return;
        }
        let seq = newest - i64::try_from(self.dice.below(40)).unwrap();
        let id = self.dice.pick(&["wh_a", "wh_b", "wh_c", ALERTS_WEBHOOK]);
        let delivery = delivery_id(seq, id);
        let (now, cancels) = (self.now, self.dice.below(2) == 0);
        let edit = self.tx(|tx| {
            if cancels { cancel(tx, &delivery, now) } else { redeliver(tx, &delivery, now) }
                .unwrap()
        });
        if !cancels && matches!(edit, Edit::Done(_)) {
            self.rejoined.insert((id.to_owned(), seq));
        }
    }

    fn crash(&mut self) {
        self.under_way.clear();
        *self.gates() = Gates::default();
        self.left.clear();
        self.memory.clear();
        let now = self.now;
        self.tx(|tx| requeue_interrupted(tx, &POLICY, now).unwrap());
    }

    /// Everybody is well again and a person looks after what is left: then nothing is left.
    fn settle(&mut self) {
        for mood in self.moods.values_mut() {
            *mood = Mood::Well;
        }
        for round in 0.. {
            assert!(round < 20_000, "something is never delivered");
            for known in self.tx(|tx| list_webhooks(tx).unwrap()) {
                let now = self.now;
                let needs =
                    matches!(known.health.condition, Condition::Gone | Condition::Misconfigured);
                if known.health.is_paused || (needs && known.health.probe_at.is_none()) {
                    self.tx(|tx| set_paused(tx, &known, false, now).unwrap());
                }
            }
            let asks = "SELECT seq, webhook_id FROM deliveries
                        WHERE status = 'failed' OR (status = 'held' AND reason = 'rejected')
                        ORDER BY seq LIMIT 1";
            let left = self
                .connection
                .query_row(asks, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
            if let Ok((seq, id)) = left {
                let (delivery, now) = (delivery_id(seq, &id), self.now);
                self.rejoined.insert((id, seq));
                self.tx(|tx| redeliver(tx, &delivery, now).unwrap());
            }
            self.step_jobs();
            self.look();
            while !self.under_way.is_empty() {
                self.end_one();
            }
            if self.count(
                "SELECT COUNT(*) FROM deliveries WHERE status NOT IN ('delivered', 'cancelled')",
            ) == 0
            {
                return;
            }
            self.pass(if round % 50 == 49 { 60_000 } else { 500 });
        }
    }
}

/// A database in memory with nothing in it but its tables.
fn empty() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    open::prepare_once(&connection).unwrap();
    open::add_functions(&connection).unwrap();
    migrate::run(&mut connection).unwrap();
    connection
}

/// One episode; afterwards the database is empty again.
fn run(connection: &Connection, seed: u64) {
    connection.execute_batch("BEGIN").unwrap();
    let told = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(connection, seed);
        for n in 0..STEPS {
            world.step();
            world.check_rows();
            if n % 100 == 0 {
                world.check_all_rows();
            }
        }
        world.settle();
        world.check_rows();
        world.check_all_rows();
    }));
    assert!(told.is_ok(), "run this again with BTK_SEED={seed}");
    connection.execute_batch("ROLLBACK").unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no cli that could pass the seed on")]
fn the_promises_hold_in_random_steps() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("BTK_SEED") {
        return run(&empty(), seed);
    }
    let episodes: u64 = number("BTK_EPISODES").unwrap_or(EPISODES);
    // As many at a time as the machine can: each has a database of its own.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || {
                let connection = empty();
                (0..episodes)
                    .filter(|n| n % threads == first)
                    .for_each(|seed| run(&connection, seed));
            });
        }
    });
}
