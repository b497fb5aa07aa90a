//! Sums: numbers to which nearly every write adds. They are added up in memory while the transaction is open and written
//! once, before its commit or before somebody reads them.
//!
//! Must not know a table: what writes a sum is the statement that comes with it.

use std::collections::BTreeMap;

/// The statement that adds to a sum, two numbers under a key of two parts: `?1` and `?2` are the key, `?3` and `?4` the
/// numbers.
pub(crate) type Upsert = &'static str;

/// What was added and is not written yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums(BTreeMap<String, Vec<Sum>>);

/// One of them, of a first part of the key.
#[derive(Clone, Debug)]
struct Sum {
    sql: Upsert,
    part: &'static str,
    by: [i64; 2],
}

impl Sums {
    /// Adds to a sum.
    pub(super) fn add(&mut self, sql: Upsert, (key, part): (&str, &'static str), by: [i64; 2]) {
        let sums = match self.0.get_mut(key) {
            Some(sums) => sums,
            None => self.0.entry(key.to_owned()).or_default(),
        };
        match sums.iter_mut().find(|sum| sum.sql == sql && sum.part == part) {
            Some(sum) => sum.by = [sum.by[0] + by[0], sum.by[1] + by[1]],
            None => sums.push(Sum { sql, part, by }),
        }
    }

    /// All that changes anything: the statement, the key and the numbers. None of it is there any more.
    pub(super) fn take(&mut self) -> Vec<(Upsert, (String, &'static str), [i64; 2])> {
        let all = std::mem::take(&mut self.0).into_iter();
        let all = all.flat_map(|(key, sums)| sums.into_iter().map(move |sum| (key.clone(), sum)));
        all.filter(|(_, sum)| sum.by != [0, 0])
            .map(|(key, Sum { sql, part, by })| (sql, (key, part), by))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_under_a_key_is_written_once() {
        let mut sums = Sums::default();
        for (key, part, by) in [
            ("b", "x", [1, 1]),
            ("a", "x", [1, 1]),
            ("b", "x", [0, -1]),
            ("b", "y", [2, 0]),
            ("c", "x", [1, 1]),
            ("c", "x", [-1, -1]),
        ] {
            sums.add("sql", (key, part), by);
        }
        let written = sums.take();
        let written: Vec<_> =
            written.iter().map(|(_, (key, part), by)| (key.as_str(), *part, *by)).collect();
        assert_eq!(written, [("a", "x", [1, 1]), ("b", "x", [1, 0]), ("b", "y", [2, 0])]);
        assert!(sums.take().is_empty());
    }
}
