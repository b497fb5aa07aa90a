//! What is left when the store has been closed: one file.

use crate::store::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_is_in_the_database_however_its_threads_end() {
    // Four at a time: most of each is a wait for the disk, and the threads come in other orders.
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..4 {
        all.spawn(opened_and_closed(250));
    }
    all.join_all().await;
}

async fn opened_and_closed(times: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("btk.db");
    for _ in 0..times {
        let store = Store::open(&path).unwrap();
        store
            .write(|tx| tx.execute("UPDATE write_check SET n = n + 1", &[]).map(drop))
            .await
            .unwrap();
        store.close();
        let left: Vec<_> =
            folder.path().read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name == "btk.db" || name == "btk.db.lock"), "{left:?}");
    }
}
