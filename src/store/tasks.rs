//! Tasks: the rows.
//!
//! Must not know of events; `changes` ties the two together. Must not choose among many: that is
//! `task_list`.

use super::{Error, Result, Row, Tx, Value};
use crate::model::{Named, Priority, Status, Task, TaskId, Time};

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
    let damaged = |what: &str| Error::Damaged(format!("a task has a damaged {what}"));
    let status = Status::parse(&row.text(6)?);
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
            status: status.ok_or_else(|| damaged("status"))?,
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
pub fn get(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<Stored>> {
    tx.row(&format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"), &[id.as_str().into()], read)
}

/// The task with this number.
pub(super) fn at(tx: &mut Tx<'_>, num: i64) -> Result<Option<Stored>> {
    tx.row(&format!("SELECT {COLUMNS} FROM tasks WHERE num = ?1"), &[num.into()], read)
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

/// Whether an id had been deleted.
pub(super) fn has_tombstone(tx: &mut Tx<'_>, id: &TaskId) -> Result<bool> {
    let found = tx.row(
        "SELECT version FROM tombstones WHERE task_id = ?1",
        &[id.as_str().into()],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

/// The version at which a deleted id goes on, if it had been deleted.
pub(super) fn take_tombstone(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<i64>> {
    tx.row(
        "DELETE FROM tombstones WHERE task_id = ?1 RETURNING version",
        &[id.as_str().into()],
        |row| row.int(0),
    )
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
