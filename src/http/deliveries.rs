//! Deliveries: what was sent, what was answered, what happens next, and sending it again.
//!
//! Must not send anything itself: asking for a redelivery is a write like any other.

pub(crate) mod jobs;
pub(crate) mod request;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::errors::{Kind, NotNow};
use super::extract::{DeliveryPath, NoParams, Params};
use super::paging::{TOTAL, add_next};
use super::problem::Problem;
use super::query::{Query, parameters};
use super::room::THOUSAND;
use super::takers::Client;
use crate::clock;
use crate::model::{Attempt, Delivery, DeliveryCounts, DeliveryStatus, EventKind, Named, Time};
use crate::store::{self, DeliveryFilter, Edit};

/// Deliveries on a page, unless `limit` says otherwise.
const PAGE: usize = 100;
/// Tasks whose latest delivery is read in one request.
const TASKS_MOST: usize = 100;

parameters! {
    /// Which deliveries: of a list, and of what is done with all of it.
    #[derive(Clone)]
    pub(crate) struct DeliveryParameters {
        /// Only these statuses
        #[param(value_type = Option<Vec<DeliveryStatus>>)]
        "status" status: Vec<DeliveryStatus> = Query::choices,
        /// Only these kinds (`task_created` …) or only this event (`evt_…`)
        #[param(value_type = Option<String>, format = "events-or-kinds")]
        "event" event: (Vec<EventKind>, Option<String>) = events,
        /// Only this task
        #[param(format = "one-id")]
        "taskId" task_id: Option<String> = Query::id,
        /// Only this webhook
        #[param(format = "one-id", example = "default")]
        "webhookId" webhook_id: Option<String> = Query::id,
        /// Only of events committed at this moment or later (RFC 3339 or a date)
        #[param(value_type = Option<String>, format = "moment")]
        "since" since: Option<Time> = Query::time,
        /// Only of events committed at this moment or earlier; a date alone is its beginning
        #[param(value_type = Option<String>, format = "moment")]
        "until" until: Option<Time> = Query::time,
        /// Each of these words is in the task as it was sent, the reason, or the error or answer of an attempt, whatever the case
        #[param(format = "text")]
        "q" q: Option<String> = Query::words,
    }
}

impl From<DeliveryParameters> for DeliveryFilter {
    fn from(asked: DeliveryParameters) -> DeliveryFilter {
        let (kind, event_id) = asked.event;
        let DeliveryParameters { status, task_id, webhook_id, since, until, q, .. } = asked;
        DeliveryFilter { status, kind, event_id, task_id, webhook_id, since, until, q }
    }
}

fn events(query: &Query, name: &str) -> Result<(Vec<EventKind>, Option<String>), Problem> {
    if let [id] = query.values(name)?[..]
        && id.starts_with("evt_")
    {
        return Ok((Vec::new(), Some(id.to_owned())));
    }
    let kinds = EventKind::ALL.iter().map(|(name, kind)| (*name, Some(*kind)));
    let all: Vec<_> = kinds.chain([("an event's id (evt_…) alone", None)]).collect();
    Ok((query.some_of(name, &all)?.into_iter().flatten().collect(), None))
}

parameters! {
    /// Which part of the list.
    pub(crate) struct DeliveryPage {
        /// `taskTitle` adds the title of its task to each
        #[param(value_type = Option<String>, pattern = "^taskTitle$")]
        "include" is_titled: bool = is_titled,
        /// At most this many, 1 to 1000; 100 if absent
        #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
        "limit" limit: Option<usize> = Query::limit,
        /// The X-Next-Cursor of the page before
        #[param(format = "cursor-of-deliveries")]
        "cursor" cursor: Option<String> = Query::place(|text| store::is_delivery_id(text).then(|| text.to_owned())),
    }
}

fn is_titled(query: &Query, name: &str) -> Result<bool, Problem> {
    query.one_of(name, &[("taskTitle", true)]).map(Option::unwrap_or_default)
}

/// A delivery with its attempts.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryDetails {
    /// The delivery.
    #[serde(flatten)]
    pub(crate) delivery: Delivery,
    /// Its requests, the first one first.
    pub(crate) attempts: Vec<Attempt>,
}

/// List deliveries
///
/// The newest 100 first, unless `limit` says otherwise. Several values of a parameter stand with
/// commas between them, or each as a parameter of its own; one match is enough. With `q` a page may have fewer than `limit`,
/// even none, and still be followed by another: one request looks at 5,000 at most. Go on until
/// `X-Next-Cursor` is absent.
#[utoipa::path(get, path = "/api/deliveries", tag = "Deliveries",
    params(DeliveryParameters, DeliveryPage),
    responses((status = 200, description = "The deliveries", body = Vec<Delivery>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page, unless there is a `q`"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub(crate) async fn list_deliveries(
    State(app): State<App>,
    Params((filter, page), query): Params<(DeliveryParameters, DeliveryPage)>,
    client: Client,
) -> Result<Response, Problem> {
    let filter = DeliveryFilter::from(filter);
    let DeliveryPage { is_titled, limit, cursor: after } = page;
    let most = limit.unwrap_or(PAGE);
    let now = clock::now();
    let is_search = filter.q.is_some();
    let make = |mut answer: Answer| {
        let (filter, after) = (filter.clone(), after.clone());
        app.store.list(is_search, move |tx| {
            let (mut found, next) =
                store::list_deliveries(tx, &filter, after.as_deref(), most, now)?;
            if is_titled {
                store::name_tasks(tx, &mut found)?;
            }
            let total = match next {
                _ if after.is_some() || filter.q.is_some() => None,
                Some(_) => Some(store::count_deliveries(tx, &filter)?),
                None => i64::try_from(found.len()).ok(),
            };
            answer.value(&found);
            Ok((answer, (next, total)))
        })
    };
    let (answer, (next, total)) = app.room.list(is_search, THOUSAND, make).await?;
    let mut response = answer.json(&client);
    if let Some(total) = total {
        response.headers_mut().insert(TOTAL, total.into());
    }
    if let Some(cursor) = next {
        add_next(response.headers_mut(), "/api/deliveries", &query, &cursor);
    }
    Ok(response)
}

/// The delivery of a task that is furthest from done, and how the others of its event stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct LatestDelivery {
    /// The delivery.
    #[serde(flatten)]
    pub(crate) delivery: Delivery,
    /// How many of the event stand where, this one included: one for each webhook.
    pub(crate) counts: DeliveryCounts,
}

parameters! {
    /// Of which tasks.
    pub(crate) struct TaskIds {
        /// 1 to 100 tasks, with commas between them
        #[param(value_type = String, format = "task-ids", example = "task_1,task_2")]
        "taskId" ids: Vec<String> = task_ids,
    }
}

fn task_ids(query: &Query, name: &str) -> Result<Vec<String>, Problem> {
    let all = query.all(name)?;
    let ids = all.into_iter().flat_map(|text| text.split(',')).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.is_empty() || ids.len() > TASKS_MOST {
        let found = ids.len();
        let what =
            format!("names {found} tasks; use 1 to {TASKS_MOST} ids with commas between them");
        return Err(Problem::bad_parameter(name, what));
    }
    Ok(ids)
}

/// Read how tasks fare
///
/// Of each task the delivery of its newest event that is furthest from done: failed before held,
/// sending, pending, cancelled and delivered; and how many of that event stand where. A task whose
/// newest event has no delivery, or that is not known, is left out.
#[utoipa::path(get, path = "/api/deliveries/latest", tag = "Deliveries",
    params(TaskIds),
    responses((status = 200, description = "At most one for each task, in the order asked", body = Vec<LatestDelivery>)))]
pub(crate) async fn list_latest_deliveries(
    State(app): State<App>,
    Params(TaskIds { ids: tasks }, _): Params<TaskIds>,
    client: Client,
) -> Result<Response, Problem> {
    let now = clock::now();
    let make = |mut answer: Answer| {
        let tasks = tasks.clone();
        app.store.read(move |tx| {
            let found = store::latest_deliveries(tx, &tasks, now)?.into_iter();
            let latest = found.map(|(delivery, counts)| LatestDelivery { delivery, counts });
            answer.value(&latest.collect::<Vec<_>>());
            Ok((answer, ()))
        })
    };
    let (answer, ()) = app.room.one(make).await?;
    Ok(answer.json(&client))
}

/// Read a delivery with its attempts
#[utoipa::path(get, path = "/api/deliveries/{id}", tag = "Deliveries",
    params(DeliveryPath),
    responses((status = 200, description = "The delivery", body = DeliveryDetails)))]
pub(crate) async fn get_delivery(
    State(app): State<App>,
    DeliveryPath(id): DeliveryPath,
    _: NoParams,
    client: Client,
) -> Result<Response, Problem> {
    let now = clock::now();
    let make = |mut answer: Answer| {
        let id = id.clone();
        app.store.read(move |tx| {
            let found = store::find_delivery(tx, &id, now)?;
            let Some(delivery) = found else { return Ok((answer, false)) };
            let attempts = store::attempts(tx, &id)?;
            answer.value(&DeliveryDetails { delivery, attempts });
            Ok((answer, true))
        })
    };
    let (answer, is_known) = app.room.one(make).await?;
    if is_known { Ok(answer.json(&client)) } else { Err(Problem::not_found("Delivery")) }
}

/// Send a delivery again
///
/// With the same `webhook-id` and body; its attempts count on. It goes out next after the request
/// of its task that is under way.
#[utoipa::path(post, path = "/api/deliveries/{id}/redeliver", tag = "Deliveries",
    params(DeliveryPath),
    responses((status = 202, description = "It waits for its turn", body = Delivery), NotNow))]
pub(crate) async fn redeliver(
    State(app): State<App>,
    DeliveryPath(id): DeliveryPath,
    _: NoParams,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let now = clock::now();
    let edit = app.store.write(move |tx| store::redeliver(tx, &id, now)).await?;
    let delivery = done(edit, |status| NotNow::of(&[status]))?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

/// Cancel a delivery
///
/// It is not sent; the next of its task has its turn. A cancelled one can be sent again.
#[utoipa::path(post, path = "/api/deliveries/{id}/cancel", tag = "Deliveries",
    params(DeliveryPath),
    responses((status = 200, description = "It is cancelled", body = Delivery), NotNow))]
pub(crate) async fn cancel_delivery(
    State(app): State<App>,
    DeliveryPath(id): DeliveryPath,
    _: NoParams,
) -> Result<Json<Delivery>, Problem> {
    let now = clock::now();
    let edit = app.store.write(move |tx| store::cancel(tx, &id, now)).await?;
    let delivery = done(edit, |status| {
        NotNow::saying(format!(
            "The delivery is {status}. Only one that is pending or held can be cancelled"
        ))
    })?;
    Ok(Json(delivery))
}

fn done(edit: Edit, not_now: impl FnOnce(&str) -> Problem) -> Result<Delivery, Problem> {
    match edit {
        Edit::Done(delivery) => Ok(*delivery),
        Edit::Unknown => Err(Problem::not_found("Delivery")),
        Edit::NotNow(status) => Err(not_now(status.as_str())),
        Edit::NoWebhook => Err(Problem::new(
            StatusCode::CONFLICT,
            "webhook_deleted",
            "The webhook of this delivery was deleted: make it again with POST /api/webhooks, then \
             recover what it missed with POST /api/webhooks/<its id>/recover",
        )),
    }
}
