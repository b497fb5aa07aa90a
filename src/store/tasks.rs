//! Tasks: the rows.
//!
//! Must not know of events: `change` writes row and event together. Must not choose among many: that
//! is `list`.

pub(crate) mod change;
pub(crate) mod earlier;
pub(crate) mod idempotency;
pub(crate) mod list;
pub(crate) mod picture;
pub(crate) mod search_index;

use super::engine::error::Result;
use super::engine::tx::Tx;
use crate::model::{Named, Priority, Task, TaskId};
use crate::store::engine::columns::{Row, Value, columns, damaged, only};

/// A task and what is kept beside it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The task.
    pub(crate) task: Task,
    /// 1, 2, 3 …; one more with each change.
    pub(crate) version: i64,
    /// Its place in the order of creation.
    pub(crate) num: i64,
}

columns! {
    written = version 2, title 3, description 4, type 5, category 6, status 7, priority 8, due_ms 9, tags 10,
        attachments 11, created_ms 12, updated_ms 13
}

/// The values of `written`, in its order; the first one says which task.
fn values<'v>(which: Value<'v>, task: &'v Task, version: i64) -> [Value<'v>; 13] {
    [
        which,
        version.into(),
        (&task.title).into(),
        task.description.as_deref().into(),
        task.r#type.as_deref().into(),
        task.category.as_deref().into(),
        task.status.as_str().into(),
        task.priority.rank().into(),
        task.due_date.into(),
        join_tags(&task.tags).into(),
        serde_json::to_string(&task.attachments).unwrap_or_default().into(),
        task.created_at.into(),
        task.updated_at.into(),
    ]
}

const BY_ID: &str = concat!("SELECT num, id, ", written!(names), " FROM tasks WHERE id = ?1");
const BY_NUM: &str = concat!("SELECT num, id, ", written!(names), " FROM tasks WHERE num = ?1");

fn read(row: &Row<'_>) -> Result<Stored> {
    const OF: &str = "a task";
    let num = row.next()?;
    let id = row.parse(OF, "id", |id| TaskId::parse(id).ok())?;
    let version = row.next()?;
    let task = Task {
        id,
        title: row.next()?,
        description: row.next()?,
        r#type: row.next()?,
        category: row.next()?,
        status: row.named(OF, "status")?,
        priority: {
            let rank: usize = row.number(OF, "priority")?;
            Priority::ALL.get(rank).ok_or_else(|| damaged(OF, "priority"))?.1
        },
        due_date: row.next()?,
        tags: split_tags(row.str()?),
        attachments: row.json(OF, "list of attachments")?,
        created_at: row.next()?,
        updated_at: row.next()?,
    };
    Ok(Stored { task, version, num })
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

pub(super) fn escape_tag(tag: &str) -> String {
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
pub(crate) fn get(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<Stored>> {
    tx.row(BY_ID, &[id.as_str().into()], read)
}

/// The task with this number.
pub(super) fn at(tx: &mut Tx<'_>, num: i64) -> Result<Option<Stored>> {
    tx.row(BY_NUM, &[num.into()], read)
}

pub(super) fn insert(tx: &mut Tx<'_>, task: &Task, version: i64) -> Result<()> {
    const INSERT: &str = concat!(
        "INSERT INTO tasks (id, ",
        written!(names),
        ") VALUES (?1, ",
        written!(places),
        ")"
    );
    tx.execute(INSERT, &values(task.id.as_str().into(), task, version))?;
    Ok(())
}

pub(super) fn update(tx: &mut Tx<'_>, num: i64, task: &Task, version: i64) -> Result<()> {
    const UPDATE: &str = concat!("UPDATE tasks SET ", written!(sets), " WHERE num = ?1");
    tx.execute(UPDATE, &values(num.into(), task, version))?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, stored: &Stored, version: i64) -> Result<()> {
    tx.execute("DELETE FROM tasks WHERE num = ?1", &[stored.num.into()])?;
    tx.execute(
        "INSERT INTO tombstones (task_id, version, num) VALUES (?1, ?2, ?3)
         ON CONFLICT (task_id) DO UPDATE SET version = excluded.version, num = excluded.num",
        &[stored.task.id.as_str().into(), version.into(), stored.num.into()],
    )?;
    Ok(())
}

/// Whether an id had been deleted.
pub(super) fn has_tombstone(tx: &mut Tx<'_>, id: &TaskId) -> Result<bool> {
    let found = tx.row(
        "SELECT version FROM tombstones WHERE task_id = ?1",
        &[id.as_str().into()],
        only::<i64>,
    )?;
    Ok(found.is_some())
}

/// The version at which a deleted id goes on, if it had been deleted.
pub(super) fn take_tombstone(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<i64>> {
    let taken = tx.row(
        "DELETE FROM tombstones WHERE task_id = ?1 RETURNING version, num",
        &[id.as_str().into()],
        |row| Ok((row.next::<i64>()?, row.next::<i64>()?)),
    )?;
    let Some((version, num)) = taken else { return Ok(None) };
    // Nothing else tells that it stood there.
    search_index::take_out(tx, num)?;
    Ok(Some(version))
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
