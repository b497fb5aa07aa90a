//! The list of tasks: a page of it, or all of them from one picture, streamed page by page.
//!
//! No transaction stays open while a client reads, and no more than a page is in memory. Must not
//! know SQL.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, header};

use super::answer::Answer;
use super::forms::Text;
use super::problem::Problem;
use super::query::Query;
use super::room::Share;
use super::takers::Client;
use super::{App, written_json};
use crate::model::{Event, Named, Priority, Status, Task, quoted};
use crate::secret::hex;
use crate::store::{self, Cursor, CursorKey, Picture, Sort, SortKey, TaskFilter, Tx};

/// So many tasks are read at first; if these are all, the list is answered in one piece.
const PAGE: usize = 500;
/// Bytes of such a piece, about: the limit that the store has for a page, and the task that goes beyond it.
const WHOLE: usize = 1_536 * 1024;
/// How many there are in all, on the first page.
pub const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// Where the next page begins.
pub const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// What a list may be narrowed by with several values, and with one.
const SEVERAL: [&str; 5] = ["status", "priority", "type", "category", "tag"];
const SINGLE: [&str; 7] = ["q", "dueBefore", "dueAfter", "updatedSince", "sort", "limit", "cursor"];

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
    params(
        ("status" = Option<Vec<Status>>, Query, description = "Only these statuses"),
        ("priority" = Option<Vec<Priority>>, Query, description = "Only these priorities"),
        ("type" = Option<Vec<Text>>, Query, description = "Only these types"),
        ("category" = Option<Vec<Text>>, Query, description = "Only these categories"),
        ("tag" = Option<Vec<Text>>, Query, description = "Only with one of these tags"),
        ("q" = Option<String>, Query, format = "text", description = "Each of these words is in the title or the description, whatever the case"),
        ("dueBefore" = Option<String>, Query, format = "moment", description = "Due before this moment (RFC 3339 or a date)"),
        ("dueAfter" = Option<String>, Query, format = "moment", description = "Due at this moment or later"),
        ("updatedSince" = Option<String>, Query, format = "moment", description = "Changed at this moment or later"),
        ("sort" = Option<String>, Query, pattern = "^-?(createdAt|updatedAt|dueDate|priority|title)$", description = "createdAt, updatedAt, dueDate, priority or title; a minus in front for descending"),
        ("limit" = Option<u16>, Query, description = "At most this many, 1 to 1000", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, format = "cursor-of-tasks", description = "The X-Next-Cursor of the page before; its order goes on, whatever `sort` says")),
    responses((status = 200, description = "The tasks", body = Vec<Task>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub async fn list_tasks(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let query = Query::read_several(request.uri().query(), &SEVERAL, &SINGLE)?;
    let filter = Arc::new(filter(&query)?);
    let cursor = query.get("cursor");
    // A list goes on in the order in which it began.
    let asked = sort(&query)?;
    let (letter, sort) = cursor.map(sort_of_cursor).transpose()?.unwrap_or(asked);
    let limit = query.limit()?;
    let after = cursor.map(|text| read_cursor(text, sort)).transpose()?;
    let is_first = after.is_none();
    let is_search = filter.is_search();

    let client = Client::of(&request);
    let make = |mut answer: Answer| {
        let (page, from) = (Arc::clone(&filter), after.clone());
        app.store.list(is_search || limit.is_none(), move |tx| {
            let (tasks, next) =
                store::list_page(tx, &page, sort, from.as_ref(), limit.unwrap_or(PAGE))?;
            if limit.is_none() && next.is_some() {
                return Ok((answer, Err(store::picture_size(tx)?)));
            }
            let total = match next {
                _ if !is_first => None,
                Some(_) => Some(store::list_count(tx, &page)?),
                None => i64::try_from(tasks.len()).ok(),
            };
            answer.array(false);
            // One after the other: they may be large.
            for stored in tasks {
                answer.item(&Event::snapshot(&stored.task));
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
            let (list, first) = Long::begin(app, client, filter, sort, after, size).await?;
            let total = i64::try_from(list.picture.count()).ok().filter(|_| is_first);
            (written_json(Body::from_stream(list.pages(first))), None, total)
        }
    };
    let headers = response.headers_mut();
    if let Some(total) = total {
        headers.insert(TOTAL, HeaderValue::from(total));
    }
    if let Some(cursor) = next {
        add_next(headers, "/api/tasks", &query, &write_cursor(letter, &cursor));
    }
    Ok(response)
}

/// `X-Next-Cursor` and `Link` to the next page of a list.
pub fn add_next(headers: &mut http::HeaderMap, path: &str, query: &Query, cursor: &str) {
    let link = format!("<{path}?{}>; rel=\"next\"", query.with_cursor(cursor));
    // Cursors and encoded queries are ASCII, so neither can fail.
    if let (Ok(cursor), Ok(link)) = (HeaderValue::from_str(cursor), HeaderValue::from_str(&link)) {
        headers.insert(NEXT, cursor);
        headers.insert(header::LINK, link);
    }
}

/// A long list on its way.
struct Long {
    app: App,
    client: Client,
    picture: Arc<Picture>,
    _share: Share,
}

/// What is left of it.
enum Left {
    /// A page that is ready, and the place where the next one begins.
    Ready(Bytes, Option<usize>),
    /// Pages from a place on, the next to be made when the client has taken the one before.
    From(usize),
    Nothing,
}

impl Long {
    /// Takes the picture and makes its first page: what goes wrong until then is told in words.
    async fn begin(
        app: App,
        client: Client,
        filter: Arc<TaskFilter>,
        sort: Sort,
        after: Option<Cursor>,
        size: usize,
    ) -> Result<(Long, Left), store::Error> {
        let mut share = app.room.picture(size).await?;
        let look = move |tx: &mut Tx<'_>| store::take_picture(tx, &filter, sort, after.as_ref());
        let picture = Arc::new(app.store.search(look).await?);
        share.shrink(picture.size());
        let list = Long { app, client, picture, _share: share };
        let (first, next) = list.page(0).await?;
        Ok((list, Left::Ready(first, next)))
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
    fn pages(self, left: Left) -> impl stream::Stream<Item = Result<Bytes, store::Error>> {
        stream::try_unfold((self, left), |(list, left)| async move {
            let (bytes, next) = match left {
                Left::Nothing => return Ok(None),
                Left::Ready(bytes, next) => (bytes, next),
                Left::From(place) => list.page(place).await?,
            };
            Ok(Some((bytes, (list, next.map_or(Left::Nothing, Left::From)))))
        })
    }
}

fn texts(values: Vec<&str>) -> Vec<String> {
    values.into_iter().map(str::to_owned).collect()
}

fn filter(query: &Query) -> Result<TaskFilter, Problem> {
    Ok(TaskFilter {
        status: query.choices("status", Status::ALL)?,
        priority: query.choices("priority", Priority::ALL)?,
        r#type: texts(query.values("type")?),
        category: texts(query.values("category")?),
        // A tag may have a comma itself, so the whole is one of the readings.
        tag: texts([query.all("tag")?, query.values("tag")?].concat()),
        q: query.words("q")?,
        due_before: query.time("dueBefore")?,
        due_after: query.time("dueAfter")?,
        updated_since: query.time("updatedSince")?,
    })
}

fn sort(query: &Query) -> Result<(char, Sort), Problem> {
    let text = query.get("sort").unwrap_or("createdAt");
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let Some((_, (letter, key))) = SORTS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = SORTS.iter().map(|(known, _)| *known).collect();
        let shown = quoted(&text.into());
        return Err(Problem::bad_parameter(
            "sort",
            format!(
                "{shown} is not allowed; use one of {}, with a minus for descending",
                names.join(", ")
            ),
        ));
    };
    let letter = if descending { letter.to_ascii_uppercase() } else { *letter };
    Ok((letter, Sort { key: *key, descending }))
}

/// A cursor as text: the letter of its sort, the tie-breaker, the key.
fn write_cursor(letter: char, cursor: &Cursor) -> String {
    let key = match &cursor.key {
        CursorKey::Int(number) => number.to_string(),
        CursorKey::Text(text) => hex(text.as_bytes()),
    };
    format!("{letter}.{}.{key}", cursor.num)
}

/// The sort that a cursor's letter names.
fn sort_of_cursor(text: &str) -> Result<(char, Sort), Problem> {
    let letter = text.chars().next().unwrap_or_default();
    let found = SORTS.iter().find(|(_, (known, _))| known.eq_ignore_ascii_case(&letter));
    let (_, (_, key)) = found.ok_or_else(no_cursor)?;
    Ok((letter, Sort { key: *key, descending: letter.is_ascii_uppercase() }))
}

fn read_cursor(text: &str, sort: Sort) -> Result<Cursor, Problem> {
    let read = || {
        let mut parts = text.splitn(3, '.');
        let (letter, num, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = match sort.key {
            _ if letter.len() != 1 => return None,
            SortKey::Title => CursorKey::Text(from_hex(key)?),
            _ => CursorKey::Int(key.parse().ok()?),
        };
        Some(Cursor { key, num: num.parse().ok()? })
    };
    read().ok_or_else(no_cursor)
}

fn no_cursor() -> Problem {
    Problem::bad_parameter("cursor", "is not one of this list; take it from X-Next-Cursor")
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
        let query = Query::read(Some("sort=-title"), &SINGLE).unwrap();
        let (letter, title) = sort(&query).unwrap();
        let cursor = Cursor { key: CursorKey::Text("Zürich. \"1\"".into()), num: 7 };
        let text = write_cursor(letter, &cursor);
        assert_eq!(sort_of_cursor(&text).unwrap(), (letter, title));
        assert_eq!(read_cursor(&text, title).unwrap(), cursor);
        for bad in ["", "x.1.1", "c", "c.1", "c.x.1", "c.1.x", "T.1.zz", "cc.1.1"] {
            let read = sort_of_cursor(bad).and_then(|(_, sort)| read_cursor(bad, sort));
            assert!(read.is_err(), "{bad}");
        }
    }
}
