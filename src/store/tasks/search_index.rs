//! The search index: in which tasks three letters stand side by side, by which the words of a search are found among a
//! million tasks.
//!
//! Taking a task in costs as much as all else about it, so the index is filled behind the writing: upkeep takes in what
//! the events after its mark have changed. A search looks through what was changed since as well, and what it finds is
//! only likely: a task may have been changed, or hold the letters elsewhere. Who asks reads the tasks. Its SQL is
//! SQLite's alone. Must not know filters or sorts.

use std::collections::{BTreeSet, HashSet};

use super::get;
use crate::model::{TaskId, folded, payload};
use crate::store::engine::columns::{Value, damaged, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::ends;

/// Events that a search looks through beside the index, at most: upkeep may be behind.
const RECENT_MOST: i64 = 5_000;
/// Tasks that a search takes from the index, at most: to read one takes as long as to walk past ten.
const FOUND_MOST: usize = 50_000;
/// Groups of three letters that a search asks for, at most.
const GROUPS_MOST: usize = 60;
/// Bytes of text after which a step ends. With what follows, they keep the writer for some three milliseconds; the longest
/// description, which is taken in as a whole, for ten times as long.
const STEP_BYTES: usize = 4 * 1024;
/// Pages of 4 KiB that a step writes anew, at most, so that the parts in which the index grows stay few. By itself SQLite
/// would do it now and then, for a tenth of a second and more.
const MERGED: i64 = 8;
/// Events that one step looks at.
const STEP_EVENTS: i64 = 200;

/// The last event that has been taken in.
pub(crate) fn mark(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.row("SELECT seq FROM search_mark", &[], only)?.unwrap_or_default())
}

/// Events that wait to be taken in.
pub(crate) fn index_backlog(tx: &mut Tx<'_>) -> Result<i64> {
    Ok((ends(tx)?.1 - mark(tx)?).max(0))
}

/// Takes some of what has changed in; answers of how many events. 0: nothing is left.
pub(crate) fn index_step(tx: &mut Tx<'_>) -> Result<i64> {
    let (mark, mut looked) = (mark(tx)?, 0);
    let events = tx.rows_until(
        "SELECT seq, task_id, before FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        &[mark.into(), STEP_EVENTS.into()],
        |row| {
            let (seq, id) = (row.next::<i64>()?, row.next::<String>()?);
            Ok((seq, id, row.next::<Option<String>>()?))
        },
        |(_, _, before)| {
            looked += before.as_ref().map_or(0, String::len);
            looked > STEP_BYTES
        },
    )?;
    let (mut last, mut bytes, mut done) = (None, 0, HashSet::new());
    for (seq, id, before) in &events {
        // A task is taken in as it is now, so once will do.
        if is_of_text(before.as_deref()) && done.insert(id) {
            bytes += take_in(tx, id)?;
        }
        last = Some(*seq);
        if bytes > STEP_BYTES {
            break;
        }
    }
    let Some(last) = last else { return Ok(0) };
    if bytes > 0 {
        let merge = "INSERT INTO task_search (task_search, rank) VALUES ('merge', ?1)";
        tx.execute(merge, &[MERGED.into()])?;
    }
    if tx.execute("UPDATE search_mark SET seq = ?1", &[last.into()])? == 0 {
        return Err(damaged("the search index", "mark"));
    }
    Ok(last - mark)
}

/// Whether a change may have changed what is searched.
fn is_of_text(before: Option<&str>) -> bool {
    let changed = payload::changed(before);
    changed.is_empty() || changed.iter().any(|name| ["title", "description"].contains(name))
}

/// Takes a task in as it is, or out, if it was deleted; answers the bytes of its text.
fn take_in(tx: &mut Tx<'_>, id: &str) -> Result<usize> {
    let Ok(id) = TaskId::parse(id) else { return Ok(0) };
    let Some(stored) = get(tx, &id)? else {
        // It was deleted, or the event is an alert and tells of no task.
        let sql = "SELECT num FROM tombstones WHERE task_id = ?1";
        if let Some(num) = tx.row(sql, &[id.as_str().into()], only)? {
            take_out(tx, num)?;
        }
        return Ok(0);
    };
    let task = &stored.task;
    let text =
        folded(&format!("{}\n{}", task.title, task.description.as_deref().unwrap_or_default()));
    let bytes = text.len();
    let sql = "INSERT OR REPLACE INTO task_search (rowid, text) VALUES (?1, ?2)";
    tx.execute(sql, &[stored.num.into(), Value::Owned(text)])?;
    Ok(bytes)
}

/// Takes out what stands under a number, unless another task has it by now.
pub(super) fn take_out(tx: &mut Tx<'_>, num: i64) -> Result<()> {
    let sql = "DELETE FROM task_search
               WHERE rowid = ?1 AND NOT EXISTS (SELECT 1 FROM tasks WHERE num = ?1)";
    tx.execute(sql, &[num.into()]).map(drop)
}

/// That a task is one of [`likely`], whose numbers are the value `?`.
pub(super) const IS_LIKELY: &str = "num IN (SELECT value FROM json_each(?))";

/// The numbers of all tasks that may hold each of the words, and of some more, as JSON. `None`: the index does not help,
/// since no word has three letters, too many tasks hold them, or too much has changed.
pub(super) fn likely(tx: &mut Tx<'_>, words: &str) -> Result<Option<String>> {
    let (mark, groups) = (mark(tx)?, groups(words));
    if groups.is_empty() || ends(tx)?.1 - mark > RECENT_MOST {
        return Ok(None);
    }
    let mut found: Vec<i64> = tx.rows(
        "SELECT rowid FROM task_search WHERE task_search MATCH ?1 LIMIT ?2",
        &[Value::Owned(groups), (FOUND_MOST + 1).into()],
        only,
    )?;
    if found.len() > FOUND_MOST {
        return Ok(None);
    }
    found.extend(tx.rows(
        "SELECT t.num FROM events e JOIN tasks t ON t.id = e.task_id WHERE e.seq > ?1",
        &[mark.into()],
        only::<i64>,
    )?);
    Ok(serde_json::to_string(&found).ok())
}

/// What is asked of the index: that groups of three letters, which cover each of the words, are there. Empty: there is
/// none. All groups of a word would find hardly fewer tasks and take three times as long.
fn groups(words: &str) -> String {
    let mut groups = BTreeSet::new();
    for word in folded(words).split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        let last = letters.len().saturating_sub(3);
        let of_three = letters.windows(3).enumerate();
        let covering = of_three.filter(|(at, _)| at % 3 == 0 || *at == last);
        groups.extend(covering.map(|(_, three)| three.iter().collect::<String>()));
    }
    // No task holds the letter 0, and for SQLite it would end the question.
    groups.retain(|group| !group.contains('\0'));
    let quoted = groups.iter().map(|group| format!("\"{}\"", group.replace('"', "\"\"")));
    quoted.take(GROUPS_MOST).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::deliveries::search::SearchWords;
    use crate::store::tasks::list::{Sort, SortKey, TaskFilter, list_count, numbers};
    use crate::store::tests::small_world::World;

    fn found(world: &World, q: &str, key: SortKey) -> Vec<i64> {
        let filter = TaskFilter { q: Some(q.to_owned()), ..TaskFilter::default() };
        let sort = Sort { key, descending: true };
        let (nums, count) = world
            .tx(|tx| Ok((numbers(tx, &filter, sort, None, None)?, list_count(tx, &filter)?)))
            .unwrap();
        assert_eq!(i64::try_from(nums.len()).unwrap(), count, "{q}");
        nums
    }

    fn is_likely(world: &World, q: &str) -> Option<BTreeSet<i64>> {
        let found = world.tx(|tx| likely(tx, q)).unwrap();
        found.map(|nums| serde_json::from_str(&nums).unwrap())
    }

    fn take_all_in(world: &World) {
        while world.tx(index_step).unwrap() > 0 {}
    }

    #[test]
    fn what_is_taken_in_and_what_came_since_is_found_as_without_it() {
        let mut world = World::new(&[]);
        world.change("a", "Send the Offer");
        world.change("b", "Gro\u{308}ße \"XL\"");
        world.change("c", "Read the offer");
        take_all_in(&world);
        world.change("d", "Another offer");
        world.change("a", "Send the bill");
        for (q, nums) in [
            ("OFFER", &[4, 3][..]),
            ("größe", &[2]),
            ("\"xl\"", &[2]),
            ("\"xl", &[2]),
            ("the offer", &[4, 3]),
            ("read offer", &[3]),
            ("bill send", &[1]),
            ("offer\0", &[]),
            ("xl", &[2]),
            ("offers", &[]),
            ("* OR NOT", &[]),
        ] {
            for key in [SortKey::CreatedAt, SortKey::Title, SortKey::Priority] {
                let mut all = found(&world, q, key);
                all.sort_by_key(|num| -num);
                assert_eq!(all, nums, "{q} {key:?}");
            }
        }
        // Task 1 holds the word no longer, and 4 is not taken in: both are read.
        assert_eq!(is_likely(&world, "offer"), Some(BTreeSet::from([1, 3, 4])));
        assert_eq!(is_likely(&world, "of"), None, "no three letters");
        take_all_in(&world);
        assert_eq!(is_likely(&world, "offer"), Some(BTreeSet::from([3, 4])));
    }

    /// Letters that mean something to SQLite, that are composed, that grow when they are made small.
    const LETTERS: [&str; 16] =
        ["a", "b", "ab", "\"", "'", "*", "^", "-", ":", "(", "é", "e\u{301}", "İ", "Σ", "😀", " "];

    #[test]
    fn any_words_are_found_in_what_a_walk_finds_them_in() {
        let mut state = 7_u32;
        let mut text = |most: u32| {
            let mut next = |n: u32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) % n
            };
            (0..=next(most)).map(|_| LETTERS[next(16) as usize]).collect::<String>()
        };
        let mut world = World::new(&[]);
        let mut titles = Vec::new();
        for n in 0..200 {
            titles.push(format!("x{}", text(20)));
            world.change(&format!("t{n}"), &titles[n]);
            if n == 150 {
                take_all_in(&world);
            }
        }
        let mut hits = 0;
        for _ in 0..500 {
            let q = text(5);
            let needle = SearchWords::new(&q);
            let is_in = |n: &usize| needle.is_in(&[titles[*n].trim()]);
            let all: Vec<i64> =
                (0..200).rev().filter(is_in).map(|n| i64::try_from(n + 1).unwrap()).collect();
            assert_eq!(found(&world, &q, SortKey::CreatedAt), all, "{q}");
            hits += usize::from(is_likely(&world, &q).is_some() && !all.is_empty());
        }
        assert!(hits > 50, "{hits}");
    }

    #[test]
    fn a_step_ends_and_goes_on_where_it_was() {
        let mut world = World::new(&[]);
        for n in 0..50 {
            world.change(&format!("t{n}"), &"long ".repeat(99));
        }
        let first = world.tx(index_step).unwrap();
        assert_eq!(world.count("SELECT seq FROM search_mark"), first);
        assert!((1..50).contains(&first), "{first}");
        take_all_in(&world);
        assert_eq!(world.count("SELECT seq FROM search_mark"), 50);
        assert_eq!(world.count("SELECT COUNT(*) FROM task_search_docsize"), 50);
        assert_eq!(world.tx(index_step).unwrap(), 0);
    }

    #[test]
    fn what_is_deleted_goes_and_a_change_of_anything_else_is_not_taken_in() {
        let mut world = World::new(&[]);
        world.change("a", "Send the offer");
        world.change("b", "Read the offer");
        take_all_in(&world);
        assert_eq!(is_likely(&world, "offer"), Some(BTreeSet::from([1, 2])));
        world.delete("b");
        take_all_in(&world);
        assert_eq!(is_likely(&world, "offer"), Some(BTreeSet::from([1])));
        // Another task has its number, when an alert comes that bears its name; and it is made again.
        world.change("c", "Pay the offer");
        take_all_in(&world);
        world.set("INSERT INTO events SELECT 99, 'evt_99', 'webhook_down', 'engine', 'b', 1, at_ms, '{}', NULL FROM events WHERE seq = 1");
        take_all_in(&world);
        assert_eq!(is_likely(&world, "offer"), Some(BTreeSet::from([1, 2])));
        world.delete("a");
        world.change("a", "Send the bill");
        assert_eq!(world.count("SELECT COUNT(*) FROM task_search_docsize"), 1);
        for (before, is) in [
            (None, true),
            (Some(r#"{"updatedAt":"x"}"#), true),
            (Some(r#"{"title":"x"}"#), true),
            (Some(r#"{"status":"OPEN","updatedAt":"x"}"#), false),
        ] {
            assert_eq!(is_of_text(before), is, "{before:?}");
        }
    }

    #[test]
    fn no_event_goes_that_is_not_taken_in() {
        let mut world = World::new(&[]);
        world.change("a", "Send the offer");
        let cutoffs = crate::store::Cutoffs {
            delivered: world.now,
            failed: world.now,
            events: world.now.plus_ms(1),
            now: world.now,
        };
        let old =
            |world: &World| world.tx(|tx| crate::store::look_for_old(tx, 0, &cutoffs)).unwrap();
        assert!(old(&world).is_none_or(|stretch| !stretch.has_old));
        take_all_in(&world);
        assert!(old(&world).is_some_and(|stretch| stretch.has_old));
    }
}
