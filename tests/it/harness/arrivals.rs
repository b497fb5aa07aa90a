//! What has arrived at a receiver, task by task, and that it came in order.
//!
//! It must not know what should have arrived.

use std::collections::HashMap;

use bytes::Bytes;

use super::Hit;

/// The requests at a receiver.
pub(crate) struct Arrivals<'h> {
    /// Of each task its versions, each with the id of its event, in order of arrival.
    pub(crate) of_task: HashMap<String, Vec<(u64, &'h str)>>,
    /// Requests that were made again.
    pub(crate) repeats: usize,
}

impl<'h> Arrivals<'h> {
    /// Ends the test where a repeat carries other bytes.
    #[track_caller]
    pub(crate) fn of(hits: &'h [Hit]) -> Arrivals<'h> {
        let mut bodies = HashMap::<&str, &Bytes>::new();
        let mut of_task = HashMap::<String, Vec<(u64, &str)>>::new();
        for hit in hits {
            let id = hit.header("webhook-id");
            let body = bodies.entry(id).or_insert(&hit.body);
            assert_eq!(*body, &hit.body, "a repeat of {id} carries other bytes");
            of_task.entry(hit.task("id")).or_default().push((hit.version(), id));
        }
        Arrivals { of_task, repeats: hits.len() - bodies.len() }
    }

    /// Takes out a task; answers its last version. Ends the test unless all from the first on came, in order, each under
    /// one id.
    #[track_caller]
    pub(crate) fn last_of(&mut self, task: &str) -> u64 {
        let mut seen = self.of_task.remove(task).unwrap_or_default();
        assert!(seen.is_sorted_by_key(|(version, _)| *version), "{task} turned round: {seen:?}");
        seen.dedup();
        let numbers: Vec<_> = seen.iter().map(|(version, _)| *version).collect();
        let last = numbers.len() as u64;
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{task} arrived as {seen:?}");
        last
    }
}
