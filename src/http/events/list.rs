//! The list of events: what happened to tasks, as the full payload writes it.
//!
//! The text is put together from what is stored, byte for byte as a receiver gets it. Must not know
//! what became of an event.

use axum::extract::State;
use axum::response::Response;

use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::errors::{Kind, NoEvent};
use crate::http::extract::Params;
use crate::http::paging::{TOTAL, add_next};
use crate::http::problem::Problem;
use crate::http::query::{Query, parameters};
use crate::http::takers::Client;
use crate::model::payload::{self, EventParts, TaskEvent};
use crate::model::{EventKind, Named, TaskEventKind, quoted};
use crate::store::{self, EventFilter};

/// Events on a page, unless `limit` says otherwise.
const PAGE: usize = 100;
/// Bytes of a page, about: an event has its task twice where it was changed.
const WHOLE: usize = 2 * store::PAGE_BYTES;

parameters! {
    /// Which events.
    pub(crate) struct EventParameters {
        /// Only of this task
        #[param(format = "one-id")]
        "taskId" task_id: Option<String> = Query::id,
        /// Only these kinds
        #[param(value_type = Option<Vec<TaskEventKind>>)]
        "event" kind: Vec<EventKind> = kinds,
        /// Only those committed after this event (`evt_…`)
        #[param(format = "text")]
        "since" since: Option<String> = Query::text,
        /// At most this many, 1 to 1000; 100 if absent
        #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
        "limit" limit: Option<usize> = Query::limit,
        /// The X-Next-Cursor of the page before
        #[param(format = "cursor-of-events")]
        "cursor" cursor: Option<String> = Query::place(|id| is_event_id(id).then(|| id.to_owned())),
    }
}

fn kinds(query: &Query, name: &str) -> Result<Vec<EventKind>, Problem> {
    query.some_of(name, &EventKind::OF_TASKS.map(|kind| (kind.as_str(), kind)))
}

/// List events
///
/// What happened to tasks, the newest 100 first, unless `limit` says otherwise; each as the payload
/// `full` tells it. One request looks at no more than 5,000 events and answers about 1 MiB: it may
/// answer fewer than `limit`, even none, and still give `X-Next-Cursor`. Go on until that is absent.
#[utoipa::path(get, path = "/api/events", tag = "Deliveries",
    params(EventParameters),
    responses((status = 200, description = "The events", body = Vec<TaskEvent>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page, with taskId and without event"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\""))), NoEvent))]
pub(crate) async fn list_events(
    State(app): State<App>,
    Params(asked, query): Params<EventParameters>,
    client: Client,
) -> Result<Response, Problem> {
    let EventParameters { task_id, kind, since, limit, cursor } = asked;
    let most = limit.unwrap_or(PAGE);
    let make = |mut answer: Answer| {
        let filter = EventFilter { kind: kind.clone(), task_id: task_id.clone(), since: None };
        let (since, cursor) = (since.clone(), cursor.clone());
        app.store.list(false, move |tx| {
            let since = match since {
                None => None,
                Some(id) => match store::event_seq(tx, &id)? {
                    None => return Ok((answer, Lookup::NoSince)),
                    found => found,
                },
            };
            let before = match &cursor {
                None => None,
                Some(id) => match store::event_seq(tx, id)? {
                    None => return Ok((answer, Lookup::NoCursor)),
                    found => found,
                },
            };
            // Of one kind, each event would have to be looked at.
            let total = match &filter.task_id {
                Some(task) if filter.kind.is_empty() && cursor.is_none() => {
                    Some(store::count_events(tx, task, since)?)
                }
                _ => None,
            };
            let filter = EventFilter { since, ..filter };
            let page = store::list_events(tx, &filter, before, most)?;
            answer.array(false);
            // One after the other: they may be large.
            for event in page.events {
                answer.item(&payload::full(&EventParts::from(&event)));
            }
            answer.end();
            Ok((answer, Lookup::Page { next: page.next, total }))
        })
    };
    let (answer, found) = app.room.whole(WHOLE, make).await?;
    let (next, total) = match found {
        Lookup::Page { next, total } => (next, total),
        Lookup::NoSince => return Err(no_event(&since.unwrap_or_default())),
        Lookup::NoCursor => {
            return Err(Problem::not_found("The event that cursor names was"));
        }
    };
    let mut response = answer.json(&client);
    let headers = response.headers_mut();
    if let Some(total) = total {
        headers.insert(TOTAL, total.into());
    }
    if let Some(next) = next {
        add_next(headers, "/api/events", &query, &next);
    }
    Ok(response)
}

/// A time is asked for in the list of deliveries.
fn no_event(since: &str) -> Problem {
    if is_event_id(since) {
        return NoEvent::problem();
    }
    let shown = quoted(&since.into());
    NoEvent::saying(format!(
        "since {shown} is no event's id (evt_…), after which events are listed; GET /api/deliveries takes a time"
    ))
}

/// Whether it looks like one.
fn is_event_id(text: &str) -> bool {
    let digits = text.strip_prefix("evt_").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What the database had.
enum Lookup {
    Page { next: Option<String>, total: Option<i64> },
    NoSince,
    NoCursor,
}
