//! Deliveries: what was sent, what was answered, what happens next, and sending it again.
//!
//! Must not send anything itself: asking for a redelivery is a write like any other.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::problem::Problem;
use super::query::Query;
use super::room::THOUSAND;
use super::takers::Client;
use super::task_list::{TOTAL, add_next};
use super::{App, Id};
use crate::model::{Attempt, Delivery, DeliveryCounts, DeliveryStatus, EventKind, Named};
use crate::store::{self, DeliveryFilter, Edit};

/// Deliveries on a page, unless `limit` says otherwise.
const PAGE: usize = 100;
/// Tasks whose latest delivery is read in one request.
const TASKS_MOST: usize = 100;

/// What a list may be narrowed by with several values,
pub(super) const SEVERAL: [&str; 2] = ["status", "event"];
/// and with one.
pub(super) const SINGLE: [&str; 5] = ["taskId", "webhookId", "since", "until", "q"];

/// A delivery with its attempts.
#[derive(Serialize, ToSchema)]
pub struct DeliveryDetails {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its requests, the first one first.
    pub attempts: Vec<Attempt>,
}

/// List deliveries
///
/// The newest 100 first, unless `limit` says otherwise. Several values of a parameter stand with
/// commas between them, or each as a parameter of its own; one match is enough. With `q` a page may have fewer than `limit`,
/// even none, and still be followed by another: one request looks at 5,000 at most. Go on until
/// `X-Next-Cursor` is absent.
#[utoipa::path(get, path = "/api/deliveries", tag = "Deliveries",
    params(
        ("status" = Option<Vec<DeliveryStatus>>, Query, description = "Only these statuses"),
        ("event" = Option<String>, Query, format = "events-or-kinds", description = "Only these kinds (`task_created` …) or only this event (`evt_…`)"),
        ("taskId" = Option<String>, Query, format = "one-id", description = "Only this task"),
        ("webhookId" = Option<String>, Query, format = "one-id", description = "Only this webhook"),
        ("since" = Option<String>, Query, format = "moment", description = "Only of events committed at this moment or later (RFC 3339 or a date)"),
        ("until" = Option<String>, Query, format = "moment", description = "Only of events committed at this moment or earlier"),
        ("q" = Option<String>, Query, format = "text", description = "Each of these words is in the task as it was sent, the reason, or the error or answer of an attempt, whatever the case"),
        ("include" = Option<String>, Query, pattern = "^taskTitle$", description = "`taskTitle` adds the title of its task to each"),
        ("limit" = Option<u16>, Query, description = "At most this many, 1 to 1000; 100 if absent", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, format = "cursor-of-deliveries", description = "The X-Next-Cursor of the page before")),
    responses((status = 200, description = "The deliveries", body = Vec<Delivery>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page, unless there is a `q`"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub async fn list_deliveries(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let single = [&SINGLE[..], &["include", "limit", "cursor"]].concat();
    let query = Query::read_several(request.uri().query(), &SEVERAL, &single)?;
    let filter = filter(&query)?;
    let most = query.limit()?.unwrap_or(PAGE);
    let is_titled = query.choice("include", &[("taskTitle", true)])?.unwrap_or(false);
    let after = query.get("cursor").map(str::to_owned);
    if after.as_deref().is_some_and(|cursor| !store::is_delivery_id(cursor)) {
        return Err(Problem::bad_parameter(
            "cursor",
            "is not one of this list; take it from X-Next-Cursor",
        ));
    }
    let now = app.clock.now();
    let client = Client::of(&request);
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

pub(super) fn filter(query: &Query) -> Result<DeliveryFilter, Problem> {
    let (kind, event_id) = match query.values("event")?[..] {
        [id] if id.starts_with("evt_") => (Vec::new(), Some(id.to_owned())),
        _ => {
            let kinds = EventKind::ALL.iter().map(|(name, kind)| (*name, Some(*kind)));
            let mut all: Vec<_> = kinds.collect();
            all.push(("an event's id (evt_…) alone", None));
            let kinds = query.choices("event", &all)?;
            (kinds.into_iter().flatten().collect(), None)
        }
    };
    Ok(DeliveryFilter {
        status: query.choices("status", DeliveryStatus::ALL)?,
        kind,
        event_id,
        task_id: query.id("taskId")?,
        webhook_id: query.id("webhookId")?,
        since: query.time("since")?,
        until: query.time("until")?,
        q: query.words("q")?,
    })
}

/// The delivery of a task that is furthest from done, and how the others of its event stand.
#[derive(Serialize, ToSchema)]
pub struct LatestDelivery {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// How many of the event stand where, this one included: one for each webhook.
    pub counts: DeliveryCounts,
}

/// Read how tasks fare
///
/// Of each task the delivery of its newest event that is furthest from done: failed before held,
/// sending, pending, cancelled and delivered; and how many of that event stand where. A task whose
/// newest event has no delivery, or that is not known, is left out.
#[utoipa::path(get, path = "/api/deliveries/latest", tag = "Deliveries",
    params(("taskId" = String, Query, format = "task-ids", description = "1 to 100 tasks, with commas between them", example = "task_1,task_2")),
    responses((status = 200, description = "At most one for each task, in the order asked", body = Vec<LatestDelivery>)))]
pub async fn list_latest_deliveries(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Vec<LatestDelivery>>, Problem> {
    let query = Query::read(request.uri().query(), &["taskId"])?;
    let ids = query.get("taskId").unwrap_or_default().split(',').filter(|id| !id.is_empty());
    let tasks: Vec<String> = ids.map(str::to_owned).collect();
    if tasks.is_empty() || tasks.len() > TASKS_MOST {
        let what = format!(
            "names {} tasks; use 1 to {TASKS_MOST} ids with commas between them",
            tasks.len()
        );
        return Err(Problem::bad_parameter("taskId", what));
    }
    let now = app.clock.now();
    let read = move |tx: &mut store::Tx<'_>| store::latest_deliveries(tx, &tasks, now);
    let found = app.store.read(read).await?.into_iter();
    Ok(Json(found.map(|(delivery, counts)| LatestDelivery { delivery, counts }).collect()))
}

/// Read a delivery with its attempts
#[utoipa::path(get, path = "/api/deliveries/{id}", tag = "Deliveries",
    params(("id" = String, Path, description = "The delivery", example = "dlv_42_default")),
    responses((status = 200, description = "The delivery", body = DeliveryDetails)))]
pub async fn get_delivery(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Json<DeliveryDetails>, Problem> {
    Query::read(request.uri().query(), &[])?;
    let now = app.clock.now();
    let found = app
        .store
        .read(move |tx| {
            let Some(delivery) = store::find_delivery(tx, &id, now)? else { return Ok(None) };
            let attempts = store::attempts(tx, &id)?;
            Ok(Some(DeliveryDetails { delivery, attempts }))
        })
        .await?;
    found.map(Json).ok_or_else(|| Problem::not_found("Delivery"))
}

/// Send a delivery again
///
/// With the same `webhook-id` and body; its attempts count on. It goes out next after the request
/// of its task that is under way.
#[utoipa::path(post, path = "/api/deliveries/{id}/redeliver", tag = "Deliveries",
    params(("id" = String, Path, description = "The delivery", example = "dlv_42_default")),
    responses((status = 202, description = "It waits for its turn", body = Delivery)))]
pub async fn redeliver(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    Query::read(request.uri().query(), &[])?;
    let now = app.clock.now();
    let edit = app.store.write(move |tx| store::redeliver(tx, &id, now)).await?;
    let delivery = done(edit, |status| {
        format!(
            "The delivery is {status}: it goes out by itself. Only one that has ended, or is held for \
             its own sake, can be sent again"
        )
    })?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

/// Cancel a delivery
///
/// It is not sent; the next of its task has its turn. A cancelled one can be sent again.
#[utoipa::path(post, path = "/api/deliveries/{id}/cancel", tag = "Deliveries",
    params(("id" = String, Path, description = "The delivery", example = "dlv_42_default")),
    responses((status = 200, description = "It is cancelled", body = Delivery)))]
pub async fn cancel_delivery(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Delivery>, Problem> {
    Query::read(request.uri().query(), &[])?;
    let now = app.clock.now();
    let edit = app.store.write(move |tx| store::cancel(tx, &id, now)).await?;
    let delivery = done(edit, |status| {
        format!("The delivery is {status}. Only one that is pending or held can be cancelled")
    })?;
    Ok(Json(delivery))
}

fn done(edit: Edit, not_now: impl FnOnce(&str) -> String) -> Result<Delivery, Problem> {
    match edit {
        Edit::Done(delivery) => Ok(*delivery),
        Edit::Unknown => Err(Problem::not_found("Delivery")),
        Edit::NotNow(status) => {
            let text = not_now(status.as_str());
            Err(Problem::new(StatusCode::CONFLICT, "not_now", text))
        }
        Edit::NoWebhook => Err(Problem::new(
            StatusCode::CONFLICT,
            "webhook_deleted",
            "The webhook of this delivery was deleted: make it again with POST /api/webhooks, then \
             recover what it missed with POST /api/webhooks/<its id>/recover",
        )),
    }
}
