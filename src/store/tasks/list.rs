//! The list of tasks with its filters, its sorts and its pages by key.
//!
//! Must not write a task.

use super::search_index::{IS_LIKELY, likely};
use super::{Stored, at, escape_tag};
use crate::model::{Named, Priority, Status, Time, alphabetical, composed};
use crate::store::engine::columns::{Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::{PAGE_BYTES, Tx};

/// Which tasks a list shows. Everything that is empty or `None` does not narrow it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskFilter {
    /// Each once.
    pub(crate) status: Vec<Status>,
    /// Any of these.
    pub(crate) priority: Vec<Priority>,
    /// Any of these labels.
    pub(crate) r#type: Vec<String>,
    /// Any of these labels.
    pub(crate) category: Vec<String>,
    /// Has any of these tags.
    pub(crate) tag: Vec<String>,
    /// Each of these words is in the title or the description, whatever the case.
    pub(crate) q: Option<String>,
    /// Due before this moment.
    pub(crate) due_before: Option<Time>,
    /// Due at this moment or later.
    pub(crate) due_after: Option<Time>,
    /// Changed at this moment or later.
    pub(crate) updated_since: Option<Time>,
}

impl TaskFilter {
    /// Whether no index leads to what it lets through, in this order: it may read every row for a single one.
    pub(crate) fn is_search(&self, sort: Sort) -> bool {
        let is_sorted = matches!(sort.key, SortKey::CreatedAt | SortKey::UpdatedAt);
        let is_narrowed = !(self.priority.is_empty()
            && self.r#type.is_empty()
            && self.category.is_empty()
            && self.tag.is_empty());
        let is_due = self.due_before.is_some() || self.due_after.is_some();
        !is_sorted || is_narrowed || is_due || self.q.is_some()
    }

    /// The conditions as SQL, but for the status, with their values appended to `args`; and whether the search index
    /// leads to what they let through.
    fn conditions(
        &self,
        tx: &mut Tx<'_>,
        args: &mut Vec<Value<'static>>,
    ) -> Result<(String, bool)> {
        let mut sql = String::new();
        let likely = match &self.q {
            Some(words) => likely(tx, words)?,
            None => None,
        };
        let is_led = likely.is_some();
        // A condition that one of the values fulfils.
        let mut any = |condition: &str, values: Vec<Value<'static>>| {
            let mut each = Vec::new();
            for value in values {
                args.push(value);
                each.push(condition.replace('?', &format!("?{}", args.len())));
            }
            if !each.is_empty() {
                sql.push_str(&format!(" AND ({})", each.join(" OR ")));
            }
        };
        let texts = |all: &[String]| all.iter().cloned().map(Value::Owned).collect();
        any(IS_LIKELY, likely.into_iter().map(Value::Owned).collect());
        any("priority = ?", self.priority.iter().map(|p| p.rank().into()).collect());
        any("type = ?", texts(&self.r#type));
        any("category = ?", texts(&self.category));
        any(
            // One letter in ASCII is written in one way.
            if self.tag.iter().all(|tag| tag.is_ascii()) {
                "strpos(tags, ?) > 0"
            } else {
                "strpos(normalize(tags), ?) > 0"
            },
            (self.tag.iter())
                .map(|tag| Value::Owned(format!("\n{}\n", escape_tag(&composed(tag)))))
                .collect(),
        );
        any(
            "has_words(?, title, description)",
            self.q.iter().map(|text| Value::Owned(text.clone())).collect(),
        );
        let time = |time: Option<Time>| time.into_iter().map(Value::from).collect();
        any("due_ms < ?", time(self.due_before));
        any("due_ms >= ?", time(self.due_after));
        any("updated_ms >= ?", time(self.updated_since));
        Ok((sql, is_led))
    }

    /// The statuses that it lets through.
    fn status_names(&self) -> Vec<&'static str> {
        let all = Status::ALL.iter();
        let wanted = all.filter(|(_, s)| self.status.is_empty() || self.status.contains(s));
        wanted.map(|(name, _)| *name).collect()
    }

    /// The condition on the status as SQL. The index of a board begins with it, so it is named also
    /// where all are wanted. `reads_all`: every row has to be read from the table, which is quicker
    /// in the table's own order than by that index: no index serves an expression (`COALESCE`).
    fn statuses(&self, reads_all: bool) -> String {
        let column = if reads_all { "COALESCE(status, '')" } else { "status" };
        if self.status.is_empty() && (self.updated_since.is_none() || reads_all) {
            return "1 = 1".to_owned();
        }
        match self.status_names()[..] {
            [name] => format!("{column} = '{name}'"),
            ref names => format!("{column} IN ('{}')", names.join("', '")),
        }
    }
}

/// What a list is sorted by. Ties are in order of creation, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortKey {
    /// The order of creation.
    CreatedAt,
    /// The last change.
    UpdatedAt,
    /// The due date; tasks without one come last either way.
    DueDate,
    /// From low to urgent.
    Priority,
    /// As in a dictionary.
    Title,
}

/// A sort key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    /// By what.
    pub(crate) key: SortKey,
    /// From the highest down.
    pub(crate) descending: bool,
}

impl Sort {
    /// The expression that is sorted by.
    fn expression(self) -> &'static str {
        match self.key {
            SortKey::CreatedAt => "num",
            SortKey::UpdatedAt => "updated_ms",
            SortKey::DueDate if self.descending => "COALESCE(due_ms, -9223372036854775807)",
            SortKey::DueDate => "COALESCE(due_ms, 9223372036854775807)",
            SortKey::Priority => "priority",
            SortKey::Title => "alphabetical(title)",
        }
    }
}

/// Where a page ended: the sort key and the number of its last task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The value of the sort expression.
    pub(crate) key: CursorKey,
    /// The tie-breaker.
    pub(crate) num: i64,
}

/// The value of a sort expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CursorKey {
    /// Of every key but the title.
    Int(i64),
    /// Of the title.
    Text(String),
}

impl Cursor {
    /// Where a page that ends with this task ends.
    fn after(stored: &Stored, sort: Sort) -> Cursor {
        let task = &stored.task;
        let none = if sort.descending { -i64::MAX } else { i64::MAX };
        let key = match sort.key {
            SortKey::CreatedAt => CursorKey::Int(stored.num),
            SortKey::UpdatedAt => CursorKey::Int(task.updated_at.0),
            SortKey::DueDate => CursorKey::Int(task.due_date.map_or(none, |t| t.0)),
            SortKey::Priority => CursorKey::Int(task.priority.rank()),
            SortKey::Title => CursorKey::Text(alphabetical(&task.title)),
        };
        Cursor { key, num: stored.num }
    }
}

/// One page of at most `most` tasks after the cursor, where the next one begins, if there is one, and how many tasks there
/// are after the cursor, if that is known without counting them.
pub(crate) fn list_page(
    tx: &mut Tx<'_>,
    filter: &TaskFilter,
    sort: Sort,
    after: Option<&Cursor>,
    most: usize,
) -> Result<(Vec<Stored>, Option<Cursor>, Option<usize>)> {
    // One more than asked for tells whether there is a next page.
    let nums = numbers(tx, filter, sort, after, Some(most + 1))?;
    let (mut found, mut bytes) = (Vec::new(), 0);
    for num in nums.iter().take(most) {
        let Some(stored) = at(tx, *num)? else { continue };
        bytes += stored.task.size();
        found.push(stored);
        if bytes > PAGE_BYTES {
            break;
        }
    }
    let more = found.len() < nums.len();
    let next = found.last().filter(|_| more).map(|last| Cursor::after(last, sort));
    // So many were asked for; any other number is that of all.
    let total = (nums.len() != most + 1).then_some(nums.len());
    Ok((found, next, total))
}

/// The tasks that a list shows, by their numbers and in its order: those after the cursor, or the first so many. Where
/// the search index leads to them and there is no cursor, all. The numbers alone, since what is sorted is in memory and a task may be long.
pub(crate) fn numbers(
    tx: &mut Tx<'_>,
    filter: &TaskFilter,
    sort: Sort,
    after: Option<&Cursor>,
    most: Option<usize>,
) -> Result<Vec<i64>> {
    let mut args = Vec::new();
    let (mut conditions, is_led) = filter.conditions(tx, &mut args)?;
    let by = sort.expression();
    let (than, direction) = if sort.descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(cursor) = after {
        let key = match &cursor.key {
            CursorKey::Int(number) => (*number).into(),
            CursorKey::Text(text) => Value::Owned(text.clone()),
        };
        args.push(cursor.num.into());
        let num = args.len();
        if sort.key == SortKey::CreatedAt {
            conditions.push_str(&format!(" AND num {than} ?{num}"));
        } else {
            args.push(key);
            conditions.push_str(&format!(" AND ({by}, num) {than} (?{}, ?{num})", num + 1));
        }
    }
    let mut order = if sort.key == SortKey::CreatedAt {
        format!("ORDER BY num {direction}")
    } else {
        format!("ORDER BY {by} {direction}, num {direction}")
    };
    // Of the first page all are read, since their number is asked for.
    if let Some(most) = most.filter(|_| !is_led || after.is_some()) {
        args.push(most.into());
        order.push_str(&format!(" LIMIT ?{}", args.len()));
    }
    let of = |columns: &str, statuses: &str| {
        format!("SELECT {columns} FROM tasks WHERE {statuses}{conditions} {order}")
    };
    if sort.key == SortKey::UpdatedAt && filter.status.len() != 1 && !is_led {
        // Each status is in this order already; what is left is to merge them.
        let each = filter.status_names().into_iter().map(|name| {
            let one = of("updated_ms, num", &format!("status = '{name}'"));
            format!("SELECT * FROM ({one}) {name}")
        });
        let merged = format!("{} {order}", each.collect::<Vec<_>>().join(" UNION ALL "));
        return tx.rows(&merged, &args, |row| {
            let _updated: i64 = row.next()?;
            row.next()
        });
    }
    let reads_all = match sort.key {
        SortKey::UpdatedAt => is_led,
        // Titles and descriptions stand in the table alone.
        SortKey::Title => true,
        SortKey::CreatedAt | SortKey::DueDate | SortKey::Priority => filter.q.is_some(),
    };
    tx.rows(&of("num", &filter.statuses(reads_all)), &args, only)
}

/// How many tasks a filter lets through.
pub(crate) fn list_count(tx: &mut Tx<'_>, filter: &TaskFilter) -> Result<i64> {
    let mut args = Vec::new();
    let (conditions, _is_led) = filter.conditions(tx, &mut args)?;
    let statuses = filter.statuses(filter.q.is_some());
    let sql = format!("SELECT COUNT(*) FROM tasks WHERE {statuses}{conditions}");
    Ok(tx.row(&sql, &args, only)?.unwrap_or_default())
}

/// A field of tasks that holds a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelOf {
    /// `type`.
    Type,
    /// `category`.
    Category,
}

/// The labels that tasks have there, in the order of the alphabet, at most `most` of them. Reads an
/// index from end to end: 100,000 tasks take about 20 ms.
pub(crate) fn labels_in_use(tx: &mut Tx<'_>, label: LabelOf, most: usize) -> Result<Vec<String>> {
    let column = match label {
        LabelOf::Type => "type",
        LabelOf::Category => "category",
    };
    let sql = format!(
        "SELECT DISTINCT {column} FROM tasks WHERE {column} IS NOT NULL ORDER BY {column} LIMIT ?1"
    );
    tx.rows(&sql, &[most.into()], only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_read_every_row_waits_with_the_searches() {
        use SortKey::{CreatedAt, DueDate, Priority as ByPriority, Title, UpdatedAt};
        let sorted = |key| Sort { key, descending: true };
        let (all, open) = (
            TaskFilter::default(),
            TaskFilter { status: vec![Status::Open], ..Default::default() },
        );
        for (key, is_search) in [
            (CreatedAt, false),
            (UpdatedAt, false),
            (DueDate, true),
            (ByPriority, true),
            (Title, true),
        ] {
            assert_eq!(all.is_search(sorted(key)), is_search, "{key:?}");
            assert_eq!(open.is_search(sorted(key)), is_search, "{key:?}");
        }
        for narrow in [
            TaskFilter { q: Some("a".to_owned()), ..Default::default() },
            TaskFilter { tag: vec!["a".to_owned()], ..Default::default() },
            TaskFilter { priority: vec![Priority::Low], ..Default::default() },
            TaskFilter { r#type: vec!["A".to_owned()], ..Default::default() },
            TaskFilter { due_after: Some(Time(0)), ..Default::default() },
        ] {
            assert!(narrow.is_search(sorted(CreatedAt)), "{narrow:?}");
        }
    }
}
