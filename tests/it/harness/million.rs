//! A hundred thousand tasks and a million deliveries, put into the file of a stopped server.
//!
//! It must not know what is asked of them.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::json;

use super::hooks::id;
use super::{Receiver, Server};

/// What the deliveries look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nearly all arrived; some thousands wait for the webhook that is paused, a few hundred failed.
    Usual,
    /// Nearly all wait; three arrived.
    Held,
    /// All but three are of one webhook, arrived, and of one kind.
    Rare,
    /// A third of all is of one task.
    OneTask,
}

impl Shape {
    /// Where a delivery stands: of event `e`, whose number is `e.n` and chance `e.h`, for `w.id`.
    fn status(self) -> &'static str {
        match self {
            Shape::Held => {
                "CASE WHEN e.n IN (3, 70000, 300000) AND w.nth = 0 THEN 'delivered' ELSE 'pending' END"
            }
            Shape::Rare => "CASE WHEN w.nth = 1 THEN 'failed' ELSE 'delivered' END",
            Shape::Usual | Shape::OneTask => {
                "CASE WHEN w.nth = 2 AND e.n > 329000 THEN 'pending'
                      WHEN (e.h + w.nth) % 2500 = 0 THEN 'failed'
                      WHEN (e.h + w.nth) % 5000 = 1 THEN 'cancelled'
                      WHEN (e.h + w.nth) % 20000 = 2 THEN 'held'
                      ELSE 'delivered' END"
            }
        }
    }

    /// Which events a webhook gets.
    fn wanted(self) -> &'static str {
        match self {
            Shape::Rare => "w.nth < 2 AND (w.nth = 0 OR e.n IN (5, 500000, 999999))",
            _ => "1 = 1",
        }
    }

    /// Events, so that a million deliveries come of them.
    fn events(self) -> usize {
        if self == Shape::Rare { 1_000_000 } else { 333_334 }
    }

    /// Of which task, by its number, an event is.
    fn task(self) -> &'static str {
        match self {
            Shape::OneTask => {
                "CASE WHEN n > 100000 AND n % 3 = 0 THEN 77 WHEN n <= 100000 THEN n ELSE (n * 7919) % 100000 + 1 END"
            }
            _ => "CASE WHEN n <= 100000 THEN n ELSE (n * 7919) % 100000 + 1 END",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Shape::Rare => "CASE WHEN n = 500 THEN 'task_deleted' ELSE 'task_updated' END",
            _ => {
                "CASE WHEN n <= 100000 THEN 'task_created' WHEN h % 3 = 0 THEN 'task_status_changed'
                      WHEN h % 997 = 1 THEN 'task_deleted' ELSE 'task_updated' END"
            }
        }
    }
}

/// A task as it is sent, from its row.
const SNAPSHOT: &str = "json_object('id', t.id, 'title', t.title, 'description', t.description,
    'type', t.type, 'category', t.category, 'status', t.status,
    'priority', json_extract('[\"LOW\",\"MEDIUM\",\"HIGH\",\"URGENT\"]', '$[' || t.priority || ']'),
    'dueDate', strftime('%Y-%m-%dT%H:%M:%fZ', t.due_ms / 1000.0, 'unixepoch'),
    'tags', json_array('q' || (t.num % 4), 'team-' || (t.num % 12)), 'attachments', json('[]'),
    'createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', t.created_ms / 1000.0, 'unixepoch'),
    'updatedAt', strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch'))";

/// Chance from a number: the same each time.
fn chance(n: &str, salt: u32) -> String {
    format!("(({n} * 2654435761 + {salt}) % 4294967291 / 7)")
}

/// One of some words, by chance.
fn one_of(words: &[&str], n: &str, salt: u32) -> String {
    let list = json!(words).to_string().replace('\'', "''");
    format!("json_extract('{list}', '$[' || ({} % {}) || ']')", chance(n, salt), words.len())
}

/// A hundred thousand tasks and a million deliveries of the last six days, up to `now`.
fn fill(home: &Path, shape: Shape, now_ms: u128) {
    let database = Connection::open(home.join("btk.db")).expect("the file of a stopped server");
    let verbs = ["Send", "Check", "Write", "Call about", "Review", "Translate", "Pay", "Plan"];
    let things = [
        "the offer",
        "the invoice",
        "Müller's contract",
        "the newsletter",
        "the “spring” campaign",
        "the delivery note",
        "the meeting in Zürich",
        "the complaint",
        "the website",
        "the budget",
    ];
    let people = ["Anna", "Björn", "Chloé", "Dmitri", "Emre", "Farah", "Giulia", "Haruto", "Ines"];
    let about = [
        "Ask whether the old terms still hold, and by when they need an answer.",
        "See the mail of last week; the numbers in the table on page 3 are not right yet.",
        "Call first. If nobody answers, write, and put a reminder for Thursday.",
        "The customer wants this before the end of the month, in two languages.",
    ];
    let title = format!(
        "{} || ' ' || {} || ' for ' || {} || ' #' || n",
        one_of(&verbs, "n", 1),
        one_of(&things, "n", 2),
        one_of(&people, "n", 3)
    );
    let description = format!("{} || ' ' || {}", one_of(&about, "n", 4), one_of(&about, "n", 5));
    let kind = one_of(&["task", "bug", "meeting", "order", "lead"], "n", 6);
    let category = one_of(&["sales", "support", "marketing", "finance", "it", "legal"], "n", 7);
    let status = one_of(&["OPEN", "OPEN", "IN_PROGRESS", "DONE", "DONE", "CANCELLED"], "n", 8);
    let (events, span) = (shape.events(), 6 * 86_400_000);
    let (step, due, h) = (span / events, chance("n", 9), chance("n", 10));
    let (event_task, event_kind) = (shape.task(), shape.kind());
    let (delivery_status, wanted) = (shape.status(), shape.wanted());
    database
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF;
             BEGIN;
             CREATE TEMP TABLE numbers AS
                 WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {events})
                 SELECT n FROM c;
             CREATE TEMP TABLE happened AS
                 SELECT n, h, {event_task} AS task, {event_kind} AS kind,
                     {now_ms} - {span} - 60000 + n * {step} AS at
                 FROM (SELECT n, {h} AS h FROM numbers);
             CREATE TEMP TABLE ends AS SELECT task, MAX(at) AS last, COUNT(*) AS version
                 FROM happened GROUP BY task;
             CREATE UNIQUE INDEX ends_by_task ON ends (task);
             INSERT INTO main.tasks (num, id, version, title, description, type, category, status,
                     priority, due_ms, tags, attachments, created_ms, updated_ms)
                 SELECT n, 'task_' || n, COALESCE(version, 1), {title},
                     CASE WHEN n % 5 THEN {description} END, {kind}, {category}, {status},
                     {due} % 4,
                     CASE WHEN n % 3 THEN {now_ms} - {span} + {due} % (5 * {span}) / 60000 * 60000 END,
                     char(10) || 'q' || (n % 4) || char(10) || 'team-' || (n % 12) || char(10), '[]',
                     {now_ms} - {span} - 60000 + n * {step}, COALESCE(last, {now_ms} - {span})
                 FROM numbers LEFT JOIN ends ON ends.task = n WHERE n <= 100000;
             INSERT INTO main.events (seq, id, kind, origin, task_id, version, at_ms, task, before)
                 SELECT e.n, 'evt_' || e.n, e.kind, 'api', t.id, e.n, e.at, {SNAPSHOT}, '{{}}'
                 FROM happened e JOIN main.tasks t ON t.num = e.task ORDER BY e.n;
             CREATE TEMP TABLE receivers AS
                 SELECT id, ROW_NUMBER() OVER (ORDER BY created_ms, id) - 1 AS nth FROM main.webhooks;
             INSERT INTO main.deliveries (seq, webhook_id, task_id, kind, status, due_ms, attempts, tries,
                     first_ms, payload, finished_ms, answered_ms, answer_took_ms, answer_status,
                     answer_excerpt, reason, reason_text)
                 SELECT e.n, w.id, 'task_' || e.task, e.kind, s, NULL, s <> 'pending', s <> 'pending',
                     CASE WHEN s <> 'pending' THEN e.at + 20 END,
                     CASE WHEN s <> 'pending' THEN 'full' END,
                     CASE WHEN s IN ('delivered', 'failed', 'cancelled') THEN e.at + 150 END,
                     CASE s WHEN 'delivered' THEN e.at + 20 END, CASE s WHEN 'delivered' THEN 90 + e.n % 300 END,
                     CASE s WHEN 'delivered' THEN 200 END, CASE s WHEN 'delivered' THEN 'Accepted' END,
                     CASE s WHEN 'failed' THEN 'rejected' WHEN 'cancelled' THEN 'by_person'
                            WHEN 'held' THEN 'rejected' END,
                     CASE s WHEN 'failed' THEN 'The receiver answered 400: its scenario does not take this.'
                            WHEN 'cancelled' THEN 'A person cancelled it.'
                            WHEN 'held' THEN 'The receiver answered 422 and will not take it as it is.' END
                 FROM (SELECT e.n, e.task, e.kind, e.at, w.id, {delivery_status} AS s
                       FROM happened e CROSS JOIN receivers w WHERE {wanted}) AS e
                     JOIN receivers w ON w.id = e.id
                 ORDER BY e.n, w.id;
             CREATE TEMP TABLE heads AS SELECT MIN(seq) AS seq, webhook_id FROM main.deliveries
                 WHERE finished_ms IS NULL GROUP BY webhook_id, task_id;
             UPDATE main.deliveries SET due_ms = (SELECT at_ms FROM main.events e WHERE e.seq = deliveries.seq)
                 FROM heads h WHERE h.seq = deliveries.seq AND h.webhook_id = deliveries.webhook_id
                     AND deliveries.status = 'pending';
             INSERT INTO main.other_attempts (seq, webhook_id, number, started_ms, ms, status, error, excerpt, outcome)
                 SELECT d.seq, d.webhook_id, 1, d.first_ms, 90 + d.seq % 300,
                     CASE d.status WHEN 'held' THEN 422 ELSE 400 END, 'The receiver refused it.', 'Scenario is inactive',
                     CASE d.status WHEN 'held' THEN 'held' ELSE 'failed' END
                 FROM main.deliveries d WHERE d.attempts > 0 AND d.answered_ms IS NULL ORDER BY d.seq, d.webhook_id;
             {RECOUNT};
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .expect("the schema is as this knows it");
    drop(database);
    sync(home);
}

/// What the program itself keeps of all that is there: how many deliveries, and the search index.
pub(crate) const RECOUNT: &str = "
    INSERT OR REPLACE INTO main.task_search (rowid, text)
        SELECT num, lower(title || char(10) || COALESCE(description, '')) FROM main.tasks;
    UPDATE main.search_mark SET seq = (SELECT MAX(seq) FROM main.events);
    DELETE FROM main.totals;
    INSERT INTO main.totals SELECT webhook_id, kind, COUNT(*), SUM(finished_ms IS NULL)
        FROM main.deliveries GROUP BY webhook_id, kind";

/// Writes out what was put into the file of a stopped server; else the server's own syncs would have to.
pub(crate) fn sync(home: &Path) {
    let file = std::fs::File::open(home.join("btk.db")).expect("the file of a stopped server");
    file.sync_all().expect("a disk");
}

/// A server over such a file. Its webhooks are paused, so nothing moves.
pub(crate) async fn filled(receiver: &Receiver, shape: Shape) -> Server {
    let mut server = Server::open(&[("WEBHOOK_URL", &receiver.url())]).await;
    for name in ["sales", "support"] {
        let url = format!("{}/{name}", receiver.url());
        let about = format!("To the {name} scenario");
        let hook = server.hook(&json!({"url": url, "source": name, "description": about})).await;
        server.tell(id(&hook), "pause").await.expect(200);
    }
    if shape == Shape::Held {
        server.tell("default", "pause").await.expect(200);
    }
    assert!(server.stop().await.success());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let began = Instant::now();
    fill(server.home(), shape, now.expect("after 1970").as_millis());
    println!("{shape:?}: filled in {:?}", began.elapsed());
    if let (Ok(path), Shape::Usual) = (std::env::var("BTK_KEEP"), shape) {
        std::fs::copy(server.home().join("btk.db"), path).expect("a place for the copy");
    }
    server.restart().await;
    server
}
