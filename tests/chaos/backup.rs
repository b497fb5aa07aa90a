//! A copy that is made under load, as the book says one is made, and a power cut right after it.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;

use crate::power::{noted, undo, whole};
use crate::rounds::{Plan, Proof, rounds};

pub(crate) async fn cut(plan: Plan) -> Proof {
    rounds(plan, noted, async |server, _, round| {
        // What was acknowledged before it began is in it.
        let before = newest(&server.home().join("btk.db"));
        let copy = server.home().join(format!("copy-{round}.db"));
        let live = Connection::open(server.home().join("btk.db")).expect("the database");
        live.execute("VACUUM INTO ?1", [copy.to_str()]).expect("a copy");
        File::open(&copy).and_then(|file| file.sync_all()).expect("on disk");
        drop(live);
        server.kill9();
        undo(server.home(), plan.chance(round));
        whole(&copy);
        assert!(newest(&copy) >= before, "it lacks what was there before");
        server.restart().await;
        whole(&server.home().join("btk.db"));
    })
    .await
}

/// The order of the newest event.
fn newest(path: &Path) -> i64 {
    let database = Connection::open(path).expect("a database");
    database.query_row("SELECT max(seq) FROM events", [], |row| row.get(0)).expect("it is read")
}
