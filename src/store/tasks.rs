//! Tasks: the rows, and the list with its filters, its sorts and its pages by key.
//!
//! Must not know of events; `changes` ties the two together.

use super::{Error, Result, Row, Tx, Value};
use crate::model::{Priority, Status, Task, TaskId, Time};

/// A task and what is kept beside it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The task.
    pub task: Task,
    /// 1, 2, 3 …; one more with each change.
    pub version: i64,
    /// Its place in the order of creation.
    pub num: i64,
}

const COLUMNS: &str = "id, version, title, description, type, category, status, priority, \
                       due_ms, tags, attachments, created_ms, updated_ms, num";

fn read(row: &Row<'_>) -> Result<Stored> {
    let damaged = |what: &str| Error::Database(format!("a task has a damaged {what}"));
    let status = row.text(6)?;
    let status = Status::ALL.iter().find(|(name, _)| *name == status);
    let priority = usize::try_from(row.int(7)?).ok().and_then(|n| Priority::ALL.get(n));
    Ok(Stored {
        version: row.int(1)?,
        num: row.int(13)?,
        task: Task {
            id: TaskId::parse(&row.text(0)?).map_err(|_| damaged("id"))?,
            title: row.text(2)?,
            description: row.opt_text(3)?,
            r#type: row.opt_text(4)?,
            category: row.opt_text(5)?,
            status: status.ok_or_else(|| damaged("status"))?.1,
            priority: priority.ok_or_else(|| damaged("priority"))?.1,
            due_date: row.opt_int(8)?.map(Time),
            tags: split_tags(&row.text(9)?),
            attachments: serde_json::from_str(&row.text(10)?)
                .map_err(|_| damaged("list of attachments"))?,
            created_at: Time(row.int(11)?),
            updated_at: Time(row.int(12)?),
        },
    })
}

/// Tags as one text that can be searched for one of them: each on a line of its own.
fn join_tags(tags: &[String]) -> String {
    let mut text = String::from("\n");
    for tag in tags {
        text.push_str(&escape_tag(tag));
        text.push('\n');
    }
    text
}

fn escape_tag(tag: &str) -> String {
    tag.replace('\\', "\\\\").replace('\n', "\\n")
}

fn split_tags(text: &str) -> Vec<String> {
    let unescape = |line: &str| {
        let mut tag = String::with_capacity(line.len());
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (c, if c == '\\' { chars.next() } else { None }) {
                ('\\', Some('n')) => tag.push('\n'),
                ('\\', Some(escaped)) => tag.push(escaped),
                _ => tag.push(c),
            }
        }
        tag
    };
    text.split('\n').filter(|line| !line.is_empty()).map(unescape).collect()
}

/// One task.
pub fn get(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<Stored>> {
    tx.row(&format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"), &[id.as_str().into()], read)
}

pub(super) fn insert(tx: &mut Tx<'_>, task: &Task, version: i64) -> Result<()> {
    let attachments = serde_json::to_string(&task.attachments).unwrap_or_default();
    tx.execute(
        "INSERT INTO tasks (id, version, title, description, type, category, status, priority,
             due_ms, tags, attachments, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        &[
            task.id.as_str().into(),
            version.into(),
            Value::from(&task.title),
            task.description.as_deref().into(),
            task.r#type.as_deref().into(),
            task.category.as_deref().into(),
            task.status.as_str().into(),
            task.priority.rank().into(),
            task.due_date.map(|t| t.0).into(),
            Value::from(&join_tags(&task.tags)),
            Value::from(&attachments),
            task.created_at.0.into(),
            task.updated_at.0.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn update(tx: &mut Tx<'_>, num: i64, task: &Task, version: i64) -> Result<()> {
    let attachments = serde_json::to_string(&task.attachments).unwrap_or_default();
    tx.execute(
        "UPDATE tasks SET version = ?2, title = ?3, description = ?4, type = ?5, category = ?6,
             status = ?7, priority = ?8, due_ms = ?9, tags = ?10, attachments = ?11,
             updated_ms = ?12
         WHERE num = ?1",
        &[
            num.into(),
            version.into(),
            Value::from(&task.title),
            task.description.as_deref().into(),
            task.r#type.as_deref().into(),
            task.category.as_deref().into(),
            task.status.as_str().into(),
            task.priority.rank().into(),
            task.due_date.map(|t| t.0).into(),
            Value::from(&join_tags(&task.tags)),
            Value::from(&attachments),
            task.updated_at.0.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, stored: &Stored, version: i64) -> Result<()> {
    tx.execute("DELETE FROM tasks WHERE num = ?1", &[stored.num.into()])?;
    tx.execute(
        "INSERT INTO tombstones (task_id, version) VALUES (?1, ?2)
         ON CONFLICT (task_id) DO UPDATE SET version = excluded.version",
        &[stored.task.id.as_str().into(), version.into()],
    )?;
    Ok(())
}

/// The version at which a deleted id goes on, if it had been deleted.
pub(super) fn take_tombstone(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<i64>> {
    tx.row(
        "DELETE FROM tombstones WHERE task_id = ?1 RETURNING version",
        &[id.as_str().into()],
        |row| row.int(0),
    )
}

/// Which tasks a list shows. Everything that is `None` does not narrow it.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// One of the four.
    pub status: Option<Status>,
    /// One of the four.
    pub priority: Option<Priority>,
    /// A label.
    pub r#type: Option<String>,
    /// A label.
    pub category: Option<String>,
    /// Has this tag.
    pub tag: Option<String>,
    /// Title or description contains this, whatever the case.
    pub q: Option<String>,
    /// Due before this moment.
    pub due_before: Option<Time>,
    /// Due at this moment or later.
    pub due_after: Option<Time>,
    /// Changed at this moment or later.
    pub updated_since: Option<Time>,
}

impl TaskFilter {
    /// The conditions as SQL, with their values appended to `args`. `reads_all`: every row of the
    /// status has to be read from the table, so a walk through all of it in its own order is quicker
    /// than one by the index of the status.
    fn conditions(&self, reads_all: bool, args: &mut Vec<Owned>) -> String {
        let mut sql = String::from("1 = 1");
        let mut add = |condition: &str, value: Owned| {
            args.push(value);
            let place = format!("?{}", args.len());
            sql.push_str(" AND ");
            sql.push_str(&condition.replace('?', &place));
        };
        if let Some(status) = self.status {
            let column = if reads_all { "COALESCE(status, '')" } else { "status" };
            add(&format!("{column} = ?"), Owned::Text(status.as_str().to_owned()));
        }
        if let Some(priority) = self.priority {
            add("priority = ?", Owned::Int(priority.rank()));
        }
        if let Some(label) = &self.r#type {
            add("type = ?", Owned::Text(label.clone()));
        }
        if let Some(label) = &self.category {
            add("category = ?", Owned::Text(label.clone()));
        }
        if let Some(tag) = &self.tag {
            add("strpos(tags, ?) > 0", Owned::Text(format!("\n{}\n", escape_tag(tag))));
        }
        if let Some(text) = &self.q {
            add(
                "(strpos(lower(title), ?) > 0 OR strpos(lower(COALESCE(description, '')), ?) > 0)",
                Owned::Text(text.to_lowercase()),
            );
        }
        if let Some(time) = self.due_before {
            add("due_ms < ?", Owned::Int(time.0));
        }
        if let Some(time) = self.due_after {
            add("due_ms >= ?", Owned::Int(time.0));
        }
        if let Some(time) = self.updated_since {
            add("updated_ms >= ?", Owned::Int(time.0));
        }
        sql
    }
}

/// What a list is sorted by. Ties are in order of creation, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The order of creation.
    CreatedAt,
    /// The last change.
    UpdatedAt,
    /// The due date; tasks without one come last either way.
    DueDate,
    /// From low to urgent.
    Priority,
    /// By code point, capitals as small letters.
    Title,
}

/// A sort key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// From the highest down.
    pub descending: bool,
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
            SortKey::Title => "lower(title)",
        }
    }
}

/// Where a page ended: the sort key and the number of its last task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The value of the sort expression.
    pub key: CursorKey,
    /// The tie-breaker.
    pub num: i64,
}

/// The value of a sort expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorKey {
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
            SortKey::Title => CursorKey::Text(task.title.to_lowercase()),
        };
        Cursor { key, num: stored.num }
    }
}

/// A value that outlives the statement it is put together for.
enum Owned {
    Int(i64),
    Text(String),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Owned::Int(number) => Value::Int(*number),
            Owned::Text(text) => Value::Text(text),
        }
    }
}

/// A page ends early when its tasks are larger than this together: 1 MiB. Readers that take nothing
/// hold a page each.
const PAGE_BYTES: usize = 1024 * 1024;

/// One page of at most `most` tasks after the cursor, and where the next one begins, if there is
/// one.
pub fn list_page(
    tx: &mut Tx<'_>,
    filter: &TaskFilter,
    sort: Sort,
    after: Option<&Cursor>,
    most: usize,
) -> Result<(Vec<Stored>, Option<Cursor>)> {
    let mut args = Vec::new();
    // Titles and descriptions stand in the table alone.
    let reads_all = match sort.key {
        SortKey::Title => true,
        SortKey::UpdatedAt => false,
        SortKey::CreatedAt | SortKey::DueDate | SortKey::Priority => filter.q.is_some(),
    };
    let conditions = filter.conditions(reads_all, &mut args);
    let mut sql = format!("SELECT {COLUMNS} FROM tasks WHERE {conditions}");
    let by = sort.expression();
    let (than, direction) = if sort.descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(cursor) = after {
        let key = match &cursor.key {
            CursorKey::Int(number) => Owned::Int(*number),
            CursorKey::Text(text) => Owned::Text(text.clone()),
        };
        args.push(Owned::Int(cursor.num));
        let num = args.len();
        if sort.key == SortKey::CreatedAt {
            sql.push_str(&format!(" AND num {than} ?{num}"));
        } else {
            args.push(key);
            sql.push_str(&format!(" AND ({by}, num) {than} (?{}, ?{num})", num + 1));
        }
    }
    let order = if sort.key == SortKey::CreatedAt {
        format!("num {direction}")
    } else {
        format!("{by} {direction}, num {direction}")
    };
    // One more than asked for tells whether there is a next page.
    args.push(Owned::Int(i64::try_from(most + 1).unwrap_or(i64::MAX)));
    sql.push_str(&format!(" ORDER BY {order} LIMIT ?{}", args.len()));
    let args: Vec<Value<'_>> = args.iter().map(Owned::value).collect();
    let (mut bytes, mut count) = (0, 0);
    let mut found = tx.rows_until(&sql, &args, read, |stored| {
        (bytes, count) = (bytes + stored.task.size(), count + 1);
        bytes > PAGE_BYTES && count <= most
    })?;
    let is_cut = found.len() <= most && bytes > PAGE_BYTES;
    let more = found.len() > most || is_cut;
    found.truncate(most);
    let next = found.last().filter(|_| more).map(|last| Cursor::after(last, sort));
    Ok((found, next))
}

/// How many tasks a filter lets through.
pub fn list_count(tx: &mut Tx<'_>, filter: &TaskFilter) -> Result<i64> {
    let mut args = Vec::new();
    let conditions = filter.conditions(filter.q.is_some(), &mut args);
    let sql = format!("SELECT COUNT(*) FROM tasks WHERE {conditions}");
    let args: Vec<Value<'_>> = args.iter().map(Owned::value).collect();
    Ok(tx.row(&sql, &args, |row| row.int(0))?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_as_they_went_in() {
        let tags = ["a", "b\nc", "\\n", "\\", "a,b", "\"", "x\\ny"].map(str::to_owned);
        assert_eq!(split_tags(&join_tags(&tags)), tags);
        assert_eq!(split_tags(&join_tags(&[])), Vec::<String>::new());
    }

    #[test]
    fn a_tag_is_found_only_as_a_whole() {
        let text = join_tags(&["ab".to_owned(), "c\nd".to_owned()]);
        let has = |tag: &str| text.contains(&format!("\n{}\n", escape_tag(tag)));
        assert!(has("ab") && has("c\nd"));
        assert!(!has("a") && !has("c") && !has("d"));
    }
}
