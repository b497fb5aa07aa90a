//! What is left when the store has been closed: one file.

use crate::store::*;

#[tokio::test]
async fn the_log_is_in_the_database_however_its_threads_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("btk.db");
    for _ in 0..1_000 {
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
