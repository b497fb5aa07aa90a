//! The list of tasks: a page of it, or all of them from one picture, streamed page by page.
//!
//! No transaction stays open while a client reads, and no more than a page is in memory. Must not
//! know SQL.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;

use crate::http::answer::Answer;
use crate::http::answer::written_json;
use crate::http::app::App;
use crate::http::extract::Params;
use crate::http::paging::{TOTAL, add_next};
use crate::http::pool::Share;
use crate::http::problem::Problem;
use crate::http::query::{Query, parameters};
use crate::http::takers::Client;
use crate::model::{Event, Priority, Status, Task, Text, Time, quoted};
use crate::secret::hex;
use crate::store::{self, Cursor, CursorKey, Picture, Sort, SortKey, TaskFilter, Tx};

/// So many tasks are read at first; if these are all, the list is answered in one piece.
const PAGE: usize = 500;
/// Bytes of such a piece, about: the limit that the store has for a page, and the task that goes beyond it.
const WHOLE: usize = store::PAGE_BYTES + 512 * 1024;

parameters! {
    /// Which tasks, in which order.
    pub(crate) struct TaskParameters {
        /// Only these statuses
        #[param(value_type = Option<Vec<Status>>)]
        "status" status: Vec<Status> = Query::choices,
        /// Only these priorities
        #[param(value_type = Option<Vec<Priority>>)]
        "priority" priority: Vec<Priority> = Query::choices,
        /// Only these types
        #[param(value_type = Option<Vec<Text>>)]
        "type" r#type: Vec<String> = Query::texts,
        /// Only these categories
        #[param(value_type = Option<Vec<Text>>)]
        "category" category: Vec<String> = Query::texts,
        /// Only with one of these tags
        #[param(value_type = Option<Vec<Text>>)]
        "tag" tag: Vec<String> = tags,
        /// Each of these words is in the title or the description, whatever the case
        #[param(format = "text")]
        "q" q: Option<String> = Query::words,
        /// Due before this moment (RFC 3339 or a date)
        #[param(value_type = Option<String>, format = "moment")]
        "dueBefore" due_before: Option<Time> = Query::time,
        /// Due at this moment or later
        #[param(value_type = Option<String>, format = "moment")]
        "dueAfter" due_after: Option<Time> = Query::time,
        /// Changed at this moment or later
        #[param(value_type = Option<String>, format = "moment")]
        "updatedSince" updated_since: Option<Time> = Query::time,
        /// createdAt, updatedAt, dueDate, priority or title; a minus in front for descending
        #[param(value_type = Option<String>, pattern = "^-?(createdAt|updatedAt|dueDate|priority|title)$")]
        "sort" order: Order = order,
        /// At most this many, 1 to 1000
        #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
        "limit" limit: Option<usize> = Query::limit,
        /// The X-Next-Cursor of the page before; its order goes on, whatever `sort` says
        #[param(value_type = Option<String>, format = "cursor-of-tasks")]
        "cursor" cursor: Option<(Order, Cursor)> = Query::place(read_cursor),
    }
}

/// A tag may have a comma itself, so the whole is one of the readings.
fn tags(query: &Query, name: &str) -> Result<Vec<String>, Problem> {
    let texts = [query.all(name)?, query.values(name)?].concat();
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// An order, and the letter of its cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    letter: char,
    sort: Sort,
}

/// Every sort with its name and the letter of its cursors.
const SORTS: [(&str, (char, SortKey)); 5] = [
    ("createdAt", ('c', SortKey::CreatedAt)),
    ("updatedAt", ('u', SortKey::UpdatedAt)),
    ("dueDate", ('d', SortKey::DueDate)),
    ("priority", ('p', SortKey::Priority)),
    ("title", ('t', SortKey::Title)),
];

/// List tasks
///
/// All of them, oldest first, unless asked otherwise. Several values of a parameter stand with commas
/// between them, or each as a parameter of its own; one match is enough. With `limit`, `X-Next-Cursor` and `Link` lead
/// to the next page; `X-Total-Count` stands on the first.
#[utoipa::path(get, path = "/api/tasks", tag = "Tasks",
    params(TaskParameters),
    responses((status = 200, description = "The tasks", body = Vec<Task>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub(crate) async fn list_tasks(
    State(app): State<App>,
    Params(asked, query): Params<TaskParameters>,
    client: Client,
) -> Result<Response, Problem> {
    let TaskParameters { limit, cursor, order, .. } = asked;
    // A list goes on in the order in which it began.
    let (order, after) = cursor.map_or((order, None), |(order, after)| (order, Some(after)));
    let filter = Arc::new(TaskFilter {
        status: asked.status,
        priority: asked.priority,
        r#type: asked.r#type,
        category: asked.category,
        tag: asked.tag,
        q: asked.q,
        due_before: asked.due_before,
        due_after: asked.due_after,
        updated_since: asked.updated_since,
    });
    let sort = order.sort;
    let is_first = after.is_none();
    let is_search = filter.is_search(sort);

    let make = |mut answer: Answer| {
        let (page, from) = (Arc::clone(&filter), after.clone());
        app.store.list(is_search || limit.is_none(), move |tx| {
            let (tasks, next, total) =
                store::list_page(tx, &page, sort, from.as_ref(), limit.unwrap_or(PAGE))?;
            if limit.is_none() && next.is_some() {
                return Ok((answer, Err(store::picture_size(tx)?)));
            }
            let total = match next {
                _ if !is_first => None,
                Some(_) if total.is_none() => Some(store::list_count(tx, &page)?),
                _ => total.and_then(|total| i64::try_from(total).ok()),
            };
            answer.array(false);
            // One after the other: they may be large.
            for stored in tasks {
                answer.item(Event::snapshot(&stored.task).get());
            }
            answer.end();
            Ok((answer, Ok((next, total))))
        })
    };
    // All that was asked for, or the bytes of a picture from which so many are sent page by page.
    let whole = if limit.is_none() && app.room.is_short(WHOLE) {
        // That needs little room.
        Err(app.store.search(store::picture_size).await?)
    } else {
        let (answer, found) = app.room.list(is_search, WHOLE, make).await?;
        found.map(|(next, total)| (answer, next, total))
    };
    let (mut response, next, total) = match whole {
        Ok((answer, next, total)) => (answer.json(&client), next, total),
        Err(size) => {
            let (list, first) = LongList::begin(app, client, filter, sort, after, size).await?;
            let total = i64::try_from(list.picture.count()).ok().filter(|_| is_first);
            (written_json(Body::from_stream(list.pages(first))), None, total)
        }
    };
    let headers = response.headers_mut();
    if let Some(total) = total {
        headers.insert(TOTAL, HeaderValue::from(total));
    }
    if let Some(cursor) = next {
        add_next(headers, "/api/tasks", &query, &write_cursor(order, &cursor));
    }
    Ok(response)
}

/// A long list on its way.
struct LongList {
    app: App,
    client: Client,
    picture: Arc<Picture>,
    _share: Share,
}

/// What is left of it.
enum Remainder {
    /// A page that is ready, and the place where the next one begins.
    Ready(Bytes, Option<usize>),
    /// Pages from a place on, the next to be made when the client has taken the one before.
    From(usize),
    Nothing,
}

impl LongList {
    /// Takes the picture and makes its first page: what goes wrong until then is told in words.
    async fn begin(
        app: App,
        client: Client,
        filter: Arc<TaskFilter>,
        sort: Sort,
        after: Option<Cursor>,
        size: usize,
    ) -> Result<(LongList, Remainder), store::Error> {
        let mut share = app.room.picture(size).await?;
        let look = move |tx: &mut Tx<'_>| store::take_picture(tx, &filter, sort, after.as_ref());
        let picture = Arc::new(app.store.search(look).await?);
        share.shrink(picture.size());
        let list = LongList { app, client, picture, _share: share };
        let (first, next) = list.page(0).await?;
        Ok((list, Remainder::Ready(first, next)))
    }

    async fn page(&self, place: usize) -> Result<(Bytes, Option<usize>), store::Error> {
        let make = |mut answer: Answer| {
            let (picture, bytes) = (Arc::clone(&self.picture), answer.room());
            self.app.store.search_patiently(move |tx| {
                answer.array(place > 0);
                let next = picture.page(tx, place, bytes, |task| answer.item(task))?;
                if next.is_none() {
                    answer.end();
                }
                Ok((answer, next))
            })
        };
        let (answer, next) = self.app.room.page(make).await?;
        Ok((answer.sent(&self.client), next))
    }

    /// The answer. A fault in the middle breaks the connection off, so that half an array never looks
    /// like a whole one.
    fn pages(self, left: Remainder) -> impl stream::Stream<Item = Result<Bytes, store::Error>> {
        stream::try_unfold((self, left), |(list, left)| async move {
            let (bytes, next) = match left {
                Remainder::Nothing => return Ok(None),
                Remainder::Ready(bytes, next) => (bytes, next),
                Remainder::From(place) => list.page(place).await?,
            };
            Ok(Some((bytes, (list, next.map_or(Remainder::Nothing, Remainder::From)))))
        })
    }
}

fn order(query: &Query, name: &str) -> Result<Order, Problem> {
    let text = query.text(name)?;
    let text = text.as_deref().unwrap_or("createdAt");
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let Some((_, (letter, key))) = SORTS.iter().find(|(known, _)| *known == key) else {
        let names: Vec<&str> = SORTS.iter().map(|(known, _)| *known).collect();
        let (shown, names) = (quoted(&text.into()), names.join(", "));
        let what =
            format!("{shown} is not allowed; use one of {names}, with a minus for descending");
        return Err(Problem::bad_parameter(name, what));
    };
    let letter = if descending { letter.to_ascii_uppercase() } else { *letter };
    Ok(Order { letter, sort: Sort { key: *key, descending } })
}

/// A cursor as text: the letter of its order, the tie-breaker, the key.
fn write_cursor(order: Order, cursor: &Cursor) -> String {
    let key = match &cursor.key {
        CursorKey::Int(number) => number.to_string(),
        CursorKey::Text(text) => hex(text.as_bytes()),
    };
    format!("{}.{}.{key}", order.letter, cursor.num)
}

fn read_cursor(text: &str) -> Option<(Order, Cursor)> {
    let mut parts = text.splitn(3, '.');
    let (letter, num, key) = (parts.next()?, parts.next()?, parts.next()?);
    let letter: char = letter.parse().ok()?;
    let (_, (_, sort)) =
        SORTS.iter().find(|(_, (known, _))| known.eq_ignore_ascii_case(&letter))?;
    let key = match sort {
        SortKey::Title => CursorKey::Text(from_hex(key)?),
        _ => CursorKey::Int(key.parse().ok()?),
    };
    let sort = Sort { key: *sort, descending: letter.is_ascii_uppercase() };
    Some((Order { letter, sort }, Cursor { key, num: num.parse().ok()? }))
}

fn from_hex(text: &str) -> Option<String> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_knows_its_sort() {
        let query = Query::read(Some("sort=-title"), &["sort"]).unwrap();
        let title = order(&query, "sort").unwrap();
        let cursor = Cursor { key: CursorKey::Text("Zürich. \"1\"".into()), num: 7 };
        let text = write_cursor(title, &cursor);
        assert_eq!(read_cursor(&text), Some((title, cursor)));
        for bad in ["", "x.1.1", "c", "c.1", "c.x.1", "c.1.x", "T.1.zz", "cc.1.1"] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }
}
