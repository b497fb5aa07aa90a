//! The list of deliveries against a plain look at every row, over random rows and all filters.

use rusqlite::params;

use super::small_world::{START, World};
use crate::model::{Delivery, DeliveryCounts, DeliveryStatus, EventKind, Named, Time};
use crate::store::deliveries::backlog::oldest_waiting;
use crate::store::deliveries::totals;
use crate::store::*;

/// Chance from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % n
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(u32::try_from(all.len()).unwrap()) as usize].clone()
    }

    fn perhaps<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if self.below(3) == 0 { Some(self.one_of(all)) } else { None }
    }
}

impl Chance {
    /// None, one or two of them.
    fn some<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let first = self.perhaps(all);
        let second = self.perhaps(all).filter(|_| first.is_some());
        first.into_iter().chain(second).collect()
    }
}

fn without_names<T>(named: Vec<(&str, T)>) -> Vec<T> {
    named.into_iter().map(|(_, found)| found).collect()
}

/// `gone` has deliveries and is no longer there.
const WEBHOOKS: [&str; 5] = ["a", "b", "gone", "paused", "retired"];
const TASKS: [&str; 4] = ["t1", "t2", "t3", "t4"];

fn put(
    world: &World,
    seq: u32,
    webhook: &str,
    kind: EventKind,
    task: &str,
    status: DeliveryStatus,
) {
    let is_ended = matches!(
        status,
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Cancelled
    );
    let has_reason = !matches!(
        status,
        DeliveryStatus::Delivered | DeliveryStatus::Pending | DeliveryStatus::Sending
    );
    world
        .connection
        .execute(
            "INSERT INTO deliveries (seq, webhook_id, task_id, kind, status, due_ms, attempts, tries,
                 started_ms, finished_ms, reason, reason_text)
             VALUES (?1, ?2, ?3, ?4, ?5, NULL, 1, 0, ?6, ?7, ?8, ?9)",
            params![
                seq,
                webhook,
                task,
                kind.as_str(),
                status.as_str(),
                (status == DeliveryStatus::Sending).then_some(5),
                is_ended.then_some(5),
                has_reason.then_some("rejected"),
                has_reason.then_some("The receiver did not like it."),
            ],
        )
        .unwrap();
    let tx = &mut Tx::new(&world.connection);
    totals::made(tx, webhook, kind).unwrap();
    if is_ended {
        totals::ended(tx, webhook, kind).unwrap();
    }
    if status == DeliveryStatus::Failed {
        let sql =
            "INSERT INTO other_attempts (seq, webhook_id, number, started_ms, excerpt, outcome)
                   VALUES (?1, ?2, 1, 5, 'Szenario für Ärzte', 'failed')";
        world.connection.execute(sql, params![seq, webhook]).unwrap();
    }
}

fn put_event(world: &World, seq: u32, kind: EventKind, task: &str, at: Time, title: &str) {
    let snapshot = serde_json::json!({"id": task, "title": title}).to_string();
    let sql = "INSERT INTO events (seq, id, kind, origin, task_id, version, at_ms, task)
               VALUES (?1, ?2, ?3, 'api', ?4, 1, ?5, ?6)";
    let id = format!("evt_{seq}");
    world.connection.execute(sql, params![seq, id, kind.as_str(), task, at.0, snapshot]).unwrap();
}

/// Events with gaps between them, some at the same time, each for some of the webhooks.
fn world(chance: &mut Chance) -> World {
    let world = World::new(&["a", "b", "paused", "retired"]);
    world.set(
        "UPDATE webhooks SET paused = 1 WHERE id = 'paused';
         UPDATE webhooks SET state = 'retired' WHERE id = 'retired'",
    );
    let (mut seq, mut at) = (1, START);
    for _ in 0..60 {
        seq += 1 + chance.below(3) * chance.below(4);
        at = at.plus_ms(i64::from(chance.below(3)) * 1_000);
        let kind = chance.one_of(EventKind::ALL).1;
        let task = chance.one_of(&TASKS);
        put_event(&world, seq, kind, task, at, chance.one_of(&["Größe \"XL\"", "Offer", "a\\b"]));
        for webhook in WEBHOOKS {
            if chance.below(3) > 0 {
                put(&world, seq, webhook, kind, task, chance.one_of(DeliveryStatus::ALL).1);
            }
        }
    }
    world
}

/// Each row as it is shown, the newest first.
fn every(world: &World) -> Vec<Delivery> {
    let sql = "SELECT 'dlv_' || seq || '_' || webhook_id FROM deliveries
               ORDER BY seq DESC, webhook_id DESC";
    let mut statement = world.connection.prepare(sql).unwrap();
    let ids = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    ids.map(|id| world.tx(|tx| find_delivery(tx, &id.unwrap(), START)).unwrap().unwrap()).collect()
}

/// What is looked for, and whether it is in a delivery.
type Words = (&'static str, fn(&World, &Delivery) -> bool);

const WORDS: [Words; 7] = [
    ("größe \"xl", |world, delivery| title(world, delivery).contains("XL")),
    ("ßE XL Gro\u{308}", |world, delivery| title(world, delivery).contains("XL")),
    ("like offer not", |world, delivery| {
        let is_said = |text: &String| text.contains("did not like");
        title(world, delivery) == "Offer" && delivery.reason_text.as_ref().is_some_and(is_said)
    }),
    ("OFFER", |world, delivery| title(world, delivery) == "Offer"),
    ("ÄRZTE", |_, delivery| delivery.status == DeliveryStatus::Failed),
    ("did not LIKE", |_, delivery| {
        delivery.reason_text.as_ref().is_some_and(|text| text.contains("did not like"))
    }),
    ("title", |_, _| false),
];

fn title(world: &World, delivery: &Delivery) -> String {
    let sql = "SELECT task FROM events WHERE id = ?1";
    let task: String =
        world.connection.query_row(sql, [&delivery.event_id], |row| row.get(0)).unwrap();
    let task: serde_json::Value = serde_json::from_str(&task).unwrap();
    task["title"].as_str().unwrap().to_owned()
}

fn ids<'d>(deliveries: impl IntoIterator<Item = &'d Delivery>) -> Vec<&'d str> {
    deliveries.into_iter().map(|delivery| delivery.id.as_str()).collect()
}

#[test]
fn every_filter_finds_what_a_look_at_every_row_finds() {
    for seed in 1..=12 {
        let mut chance = Chance(seed);
        let world = world(&mut chance);
        let every = every(&world);
        let events: Vec<String> = every.iter().map(|delivery| delivery.event_id.clone()).collect();
        for round in 0..150 {
            let words = chance.perhaps(&WORDS);
            let mut time = || {
                let seconds = i64::from(chance.below(70)) - 4;
                (chance.below(3) == 0).then(|| START.plus_ms(seconds * 1_000))
            };
            let (since, until) = (time(), time());
            let filter = DeliveryFilter {
                status: without_names(chance.some(DeliveryStatus::ALL)),
                kind: without_names(chance.some(EventKind::ALL)),
                event_id: chance.perhaps(&events).filter(|_| round % 4 == 0),
                task_id: chance.perhaps(&TASKS).map(str::to_owned).filter(|_| round % 2 == 0),
                webhook_id: chance.perhaps(&WEBHOOKS).map(str::to_owned),
                since,
                until,
                q: words.map(|(text, _)| text.to_owned()),
            };
            let narrowed: Vec<&Delivery> = every
                .iter()
                .filter(|d| filter.status.is_empty() || filter.status.contains(&d.status))
                .filter(|d| filter.kind.is_empty() || filter.kind.contains(&d.event))
                .filter(|d| filter.event_id.as_ref().is_none_or(|id| d.event_id == *id))
                .filter(|d| filter.task_id.as_ref().is_none_or(|id| d.task_id == *id))
                .filter(|d| filter.webhook_id.as_ref().is_none_or(|id| d.webhook_id == *id))
                .filter(|d| since.is_none_or(|since| d.created_at >= since))
                .filter(|d| until.is_none_or(|until| d.created_at <= until))
                .collect();
            let counted = world.tx(|tx| count_deliveries(tx, &filter)).unwrap();
            assert_eq!(usize::try_from(counted).unwrap(), narrowed.len(), "{seed} {filter:?}");
            let expected: Vec<&Delivery> = narrowed
                .into_iter()
                .filter(|d| words.is_none_or(|(_, is_in)| is_in(&world, d)))
                .collect();
            let most = chance.one_of(&[1, 7, 50, 1_000]);
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page =
                    |tx: &mut Tx<'_>| list_deliveries(tx, &filter, after.as_deref(), most, START);
                let (page, next) = world.tx(page).unwrap();
                assert!(page.len() == most || next.is_none(), "only the last page is short");
                found.extend(page);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(ids(&found), ids(expected), "seed {seed}, {filter:?}, pages of {most}");
        }
    }
}

#[test]
fn what_waits_and_since_when_is_told_from_the_runs() {
    let mut chance = Chance(7);
    let world = world(&mut chance);
    let unfinished = |webhook: &str| -> (i64, Option<i64>) {
        let sql = "SELECT COUNT(*), MIN(at_ms) FROM deliveries d JOIN events e ON e.seq = d.seq
                   WHERE finished_ms IS NULL AND (webhook_id = ?1 OR ?1 = '')";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        world.connection.query_row(sql, [webhook], read).unwrap()
    };
    for webhook in ["a", "b", "gone", "nobody"] {
        let waits = world.tx(|tx| waiting(tx, webhook)).unwrap();
        let oldest = world.tx(|tx| oldest_waiting(tx, webhook)).unwrap();
        assert_eq!((waits, oldest), (unfinished(webhook).0, unfinished(webhook).1.map(Time)));
    }
    let all = world.tx(backlog).unwrap();
    let sending = world.count("SELECT COUNT(*) FROM deliveries WHERE status = 'sending'");
    let (waits, oldest) = unfinished("");
    assert_eq!(
        (all.sending, all.pending, all.oldest),
        (sending, waits - sending, oldest.map(Time))
    );
}

#[test]
fn a_search_looks_at_so_many_and_goes_on_with_the_next_page() {
    let world = World::new(&["a"]);
    for seq in 1..=5_100 {
        let title = if seq == 50 { "Needle" } else { "hay" };
        put_event(&world, seq, EventKind::Created, "t1", START, title);
        put(&world, seq, "a", EventKind::Created, "t1", DeliveryStatus::Delivered);
    }
    let filter = DeliveryFilter { q: Some("needle".to_owned()), ..DeliveryFilter::default() };
    let page = |after: Option<&str>| {
        let (page, next) = world.tx(|tx| list_deliveries(tx, &filter, after, 10, START)).unwrap();
        (page.into_iter().map(|delivery| delivery.id).collect::<Vec<_>>(), next)
    };
    let (found, next) = page(None);
    assert_eq!((found, next.as_deref()), (vec![], Some("dlv_101_a")));
    assert_eq!(page(next.as_deref()), (vec!["dlv_50_a".to_owned()], None));
}

#[test]
fn the_latest_of_a_task_is_what_is_furthest_from_done_of_its_newest_event() {
    use DeliveryStatus::{Cancelled, Delivered, Failed, Held, Pending, Sending};
    let world = World::new(&["a", "b", "paused"]);
    world.set("UPDATE webhooks SET paused = 1 WHERE id = 'paused'");
    let mut seq = 0;
    let mut event = |task: &str, deliveries: &[(&str, DeliveryStatus)]| {
        seq += 1;
        put_event(&world, seq, EventKind::Updated, task, START, "x");
        for (webhook, status) in deliveries {
            put(&world, seq, webhook, EventKind::Updated, task, *status);
        }
    };
    event("t1", &[("a", Failed), ("b", Failed)]);
    event("t1", &[("a", Delivered), ("b", Sending), ("paused", Pending)]);
    event("t2", &[("a", Pending), ("b", Sending)]);
    event("t3", &[("a", Cancelled), ("b", Delivered)]);
    event("t4", &[("a", Failed), ("b", Held)]);
    event("t5", &[("a", Pending), ("b", Cancelled)]);
    event("t6", &[]);
    let asked = ["t5", "t6", "t4", "nobody", "t3", "t2", "t1"].map(str::to_owned);
    let found = world.tx(|tx| latest_deliveries(tx, &asked, START)).unwrap();
    let (found, counts): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    assert_eq!(ids(&found), ["dlv_6_a", "dlv_5_a", "dlv_4_a", "dlv_3_b", "dlv_2_paused"]);
    assert_eq!(found[4].status, Held, "as it is shown");
    let none = DeliveryCounts::default();
    assert_eq!(counts[4], DeliveryCounts { delivered: 1, sending: 1, held: 1, ..none });
    assert_eq!(counts[1], DeliveryCounts { failed: 1, held: 1, ..none });
}
