//! What goes into statements and comes out of rows: values, rows that are read column after column, and lists of
//! columns that more than one statement names.
//!
//! Must not know any table.

use std::cell::Cell;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;

use super::error::{Error, Result};
use crate::model::{Named, Time};

/// A value in a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    /// Nothing.
    Null,
    /// A number, a time in milliseconds, a flag.
    Int(i64),
    /// Text.
    Text(&'v str),
    /// Text that was put together for the statement.
    Owned(String),
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Value::Text(text)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Value::Text(text)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Owned(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Value::Int(number.into())
    }
}

/// More than fits is as good as no limit.
impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(is_so: bool) -> Self {
        Value::Int(is_so.into())
    }
}

impl From<Time> for Value<'_> {
    fn from(time: Time) -> Self {
        Value::Int(time.0)
    }
}

impl<'v, T: Into<Value<'v>>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Owned(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Time)
    }
}

/// One row of an answer. Each look takes the next column, so what is read stands in the order of what is selected.
pub(crate) struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    next: Cell<usize>,
}

impl<'r> Row<'r> {
    pub(crate) fn new(row: &'r rusqlite::Row<'r>) -> Row<'r> {
        Row { row, next: Cell::new(0) }
    }

    fn column(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }

    /// The next column; an `Option`, if it may be NULL.
    pub(crate) fn next<T: FromSql>(&self) -> Result<T> {
        Ok(self.row.get(self.column())?)
    }

    /// Text that is always there, to look at and not to keep.
    pub(crate) fn str(&self) -> Result<&'r str> {
        Ok(self.row.get_ref(self.column())?.as_str().map_err(rusqlite::Error::from)?)
    }

    /// What a text says; `read` answers `None` if it is damaged: then `of` has a damaged `what`.
    pub(crate) fn parse<T>(
        &self,
        of: &str,
        what: &str,
        read: impl FnOnce(&'r str) -> Option<T>,
    ) -> Result<T> {
        read(self.str()?).ok_or_else(|| damaged(of, what))
    }

    /// The same of a text that may be NULL.
    pub(crate) fn parse_if<T>(
        &self,
        of: &str,
        what: &str,
        read: impl FnOnce(&'r str) -> Option<T>,
    ) -> Result<Option<T>> {
        let value = self.row.get_ref(self.column())?;
        let text = value.as_str_or_null().map_err(rusqlite::Error::from)?;
        text.map(|text| read(text).ok_or_else(|| damaged(of, what))).transpose()
    }

    /// One of a closed set.
    pub(crate) fn named<T: Named>(&self, of: &str, what: &str) -> Result<T> {
        self.parse(of, what, T::parse)
    }

    /// What stands there as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, of: &str, what: &str) -> Result<T> {
        self.parse(of, what, |text| serde_json::from_str(text).ok())
    }

    /// A number within the bounds of its type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, of: &str, what: &str) -> Result<T> {
        T::try_from(self.next()?).map_err(|_| damaged(of, what))
    }
}

/// The only column of a row.
pub(crate) fn only<T: FromSql>(row: &Row<'_>) -> Result<T> {
    row.next()
}

/// What was not written by us, or no longer is what was written.
pub(crate) fn damaged(of: &str, what: &str) -> Error {
    Error::Damaged(format!("{of} has a damaged {what}"))
}

/// A list of columns, each with the number of its value, as text for constant statements:
///
/// ```ignore
/// columns! { sizes = width 2, height 3 }
/// sizes!(names)    // width, height
/// sizes!(places)   // ?2, ?3
/// sizes!(sets)     // width = ?2, height = ?3
/// sizes!(excluded) // width = excluded.width, height = excluded.height
/// ```
macro_rules! columns {
    ($list:ident = $first:ident $one:literal $(, $name:ident $number:literal)* $(,)?) => {
        macro_rules! $list {
            (names) => {
                concat!(stringify!($first) $(, ", ", stringify!($name))*)
            };
            (places) => {
                concat!("?", $one $(, ", ?", $number)*)
            };
            (sets) => {
                concat!(stringify!($first), " = ?", $one $(, ", ", stringify!($name), " = ?", $number)*)
            };
            (excluded) => {
                concat!(stringify!($first), " = excluded.", stringify!($first)
                    $(, ", ", stringify!($name), " = excluded.", stringify!($name))*)
            };
        }
    };
}

pub(crate) use columns;
