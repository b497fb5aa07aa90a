//! Jobs: all deliveries that a filter finds sent again or cancelled at once, as work that goes on after a
//! crash and can be looked at.
//!
//! Must not do the work: a job is a row in the database, which upkeep works off.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::DeliveryParameters;
use crate::clock;
use crate::http::app::App;
use crate::http::errors::{Kind, TooManyJobs};
use crate::http::extract::{Bodyless, JobPath, NoParams, Params, WebhookPath};
use crate::http::paging::TOTAL;
use crate::http::problem::Problem;
use crate::http::query::{Parameters as _, Query, parameters};
use crate::model::{Named, Time};
use crate::store::{self, Action, DeliveryFilter, Job};

/// Jobs on a page, unless `limit` says otherwise; no more are kept.
const PAGE: usize = 100;

/// A job: what is done with which deliveries, and how far it has come. Every key is always there.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobView {
    /// Its id.
    #[schema(example = "job_7")]
    pub(crate) id: String,
    /// `redeliver` or `cancel`.
    #[schema(example = "redeliver")]
    pub(crate) action: &'static str,
    /// With which deliveries, as in the address of `GET /api/deliveries`.
    #[schema(example = "status=failed&webhookId=default")]
    pub(crate) filter: String,
    /// `running` or `done`.
    #[schema(example = "running")]
    pub(crate) state: &'static str,
    /// How many deliveries there were when it was asked for; null if they were not counted.
    #[schema(required, example = 420)]
    pub(crate) expected: Option<i64>,
    /// How many it has put in line again, or cancelled, so far.
    #[schema(example = 200)]
    pub(crate) changed: i64,
    /// How much of its way it has come, 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.5)]
    pub(crate) progress: f64,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T09:00:00.000Z")]
    pub(crate) created_at: Time,
    /// When it was through; null while it is under way.
    #[schema(required, value_type = Option<String>, format = DateTime, example = json!(null))]
    pub(crate) finished_at: Option<Time>,
    /// Why it was through before all was done: its webhook was deleted meanwhile; null if it was not.
    #[schema(required, example = json!(null))]
    pub(crate) reason_text: Option<&'static str>,
}

impl JobView {
    fn of(job: &Job) -> JobView {
        JobView {
            id: format!("job_{}", job.num),
            action: job.action.as_str(),
            filter: job.filter_text.clone(),
            state: job.state.as_str(),
            expected: job.expected,
            changed: job.changed,
            progress: job.progress(),
            created_at: job.created,
            finished_at: job.finished,
            reason_text: job
                .reason
                .map(|_| "There is no such webhook any more, so the rest was left as it is."),
        }
    }
}

/// What a job would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobPreview {
    /// `redeliver` or `cancel`.
    #[schema(example = "redeliver")]
    pub(crate) action: &'static str,
    /// How many deliveries it would put in line again, or cancel.
    #[schema(example = 420)]
    pub(crate) would_change: i64,
    /// Always `true`: nothing was done.
    pub(crate) dry_run: bool,
}

/// Send many deliveries again
///
/// All that the filter finds, which is that of `GET /api/deliveries` in the address, and of these what
/// has ended or is held for its own sake, the oldest first. They keep their id and body; their
/// attempts count on. What waits or is under way, and what comes later, is left alone. It goes on
/// after a crash. With `dryRun=true` it is only counted. All that failed for one webhook, for example:
/// `/api/deliveries/redeliver?status=failed&webhookId=default`.
#[utoipa::path(post, path = "/api/deliveries/redeliver", tag = "Deliveries",
    params(DeliveryParameters, DryRun),
    responses((status = 202, description = "It has begun", body = JobView),
              (status = 200, description = "With `dryRun=true`: what it would do", body = JobPreview), TooManyJobs))]
pub(crate) async fn redeliver_many(
    State(app): State<App>,
    Params((filter, dry), query): Params<(DeliveryParameters, DryRun)>,
    _: Bodyless,
) -> Result<Response, Problem> {
    begin(&app, (filter.into(), &query), dry, Action::Redeliver).await
}

/// Cancel many deliveries
///
/// All that the filter finds, which is that of `GET /api/deliveries` in the address, and of these what
/// is pending or held, the oldest first. What is under way, and what comes later, is left alone. It
/// goes on after a crash. With `dryRun=true` it is only counted. All that waits of one task, for example:
/// `/api/deliveries/cancel?status=pending,held&taskId=task_1765216530445_che0wi9`.
#[utoipa::path(post, path = "/api/deliveries/cancel", tag = "Deliveries",
    params(DeliveryParameters, DryRun),
    responses((status = 202, description = "It has begun", body = JobView),
              (status = 200, description = "With `dryRun=true`: what it would do", body = JobPreview), TooManyJobs))]
pub(crate) async fn cancel_many(
    State(app): State<App>,
    Params((filter, dry), query): Params<(DeliveryParameters, DryRun)>,
    _: Bodyless,
) -> Result<Response, Problem> {
    begin(&app, (filter.into(), &query), dry, Action::Cancel).await
}

/// Send again what a webhook holds
///
/// All that it holds for its own sake: what was refused and is kept with its task by `onReject`, and
/// what is refused alone. The same as `POST /api/deliveries/redeliver?status=held&webhookId=…`; a
/// resume, another URL and a change of `onReject` to `skip` do it too.
#[utoipa::path(post, path = "/api/webhooks/{id}/release", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 202, description = "It has begun", body = JobView), TooManyJobs))]
pub(crate) async fn release_held(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
    _: Bodyless,
) -> Result<Response, Problem> {
    let filter = DeliveryFilter::held_by(&id);
    if app.store.read(move |tx| store::find_webhook(tx, &id)).await?.is_none() {
        return Err(Problem::not_found("Webhook"));
    }
    started(&app, Action::Redeliver, filter).await
}

parameters! {
    /// Whether anything is done.
    pub(crate) struct DryRun {
        /// `true`: only say how many
        #[param(value_type = Option<bool>)]
        "dryRun" is_dry: bool = Query::flag,
    }
}

async fn begin(
    app: &App,
    (filter, query): (DeliveryFilter, &Query),
    DryRun { is_dry }: DryRun,
    action: Action,
) -> Result<Response, Problem> {
    if let Some(name) = query.empty() {
        // In a list it counts as not given. Here a value that an automation does not have would mean all there are.
        let text = format!(
            "{name} is empty, which may mean more than is meant: give it a value, or leave it out"
        );
        let problem = Problem::new(StatusCode::CONFLICT, "no_filter", text);
        return Err(Problem { field: Some(name.to_owned()), ..problem });
    }
    if filter == DeliveryFilter::default() {
        // All there is must be meant: a filter that was forgotten would be that too.
        let text = format!(
            "Say in the address which deliveries are meant, as for GET /api/deliveries: one of {} \
             at least. For all there are: until=<now>",
            DeliveryParameters::names().join(", ")
        );
        return Err(Problem::new(StatusCode::CONFLICT, "no_filter", text));
    }
    if !is_dry {
        return started(app, action, filter).await;
    }
    let (would_change, dry_run) = (count(app, action, filter).await?, true);
    let action = action.as_str();
    Ok(Json(JobPreview { action, would_change, dry_run }).into_response())
}

async fn started(app: &App, action: Action, filter: DeliveryFilter) -> Result<Response, Problem> {
    let now = clock::now();
    // Counted apart, so that it keeps no write waiting.
    let asked = filter.clone();
    let expected = app.store.search(move |tx| store::count_for_job(tx, action, &asked)).await?;
    let begin = move |tx: &mut store::Tx<'_>| store::begin_job(tx, action, &filter, expected, now);
    let Some(job) = app.store.write(begin).await? else {
        return Err(TooManyJobs::problem());
    };
    Ok((StatusCode::ACCEPTED, Json(JobView::of(&job))).into_response())
}

/// Counts as the job would, in as many short reads where it must look at each.
async fn count(app: &App, action: Action, filter: DeliveryFilter) -> Result<i64, Problem> {
    let now = clock::now();
    let asked = filter.clone();
    let look = move |tx: &mut store::Tx<'_>| {
        Ok((store::count_for_job(tx, action, &asked)?, store::bounds_of_job(tx)?))
    };
    let (counted, (mut after, last)) = app.store.search(look).await?;
    if let Some(counted) = counted {
        return Ok(counted);
    }
    let mut sum = 0;
    loop {
        let asked = filter.clone();
        let look = move |tx: &mut store::Tx<'_>| {
            store::look_for_job(tx, action, &asked, &after, last, now)
        };
        let found = app.store.search(look).await?;
        sum += i64::try_from(found.keys.len()).unwrap_or_default();
        let Some(next) = found.next else { return Ok(sum) };
        after = next;
    }
}

parameters! {
    /// Which part of the list.
    pub(crate) struct JobPage {
        /// At most this many, 1 to 1000; 100 if absent
        #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
        "limit" limit: Option<usize> = Query::limit,
    }
}

/// List jobs
///
/// Those under way and the newest that are through, the newest first, 100 unless `limit` says otherwise.
#[utoipa::path(get, path = "/api/jobs", tag = "Deliveries",
    params(JobPage),
    responses((status = 200, description = "The jobs", body = Vec<JobView>,
        headers(("X-Total-Count" = i64, description = "How many are known")))))]
pub(crate) async fn list_jobs(
    State(app): State<App>,
    Params(JobPage { limit }, _): Params<JobPage>,
) -> Result<Response, Problem> {
    let most = limit.unwrap_or(PAGE);
    let jobs = app.store.read(store::list_jobs).await?;
    let shown: Vec<JobView> = jobs.iter().take(most).map(JobView::of).collect();
    let mut response = Json(shown).into_response();
    response.headers_mut().insert(TOTAL, jobs.len().into());
    Ok(response)
}

/// The number in an id.
fn number(id: &str) -> Option<i64> {
    let digits = id.strip_prefix("job_")?;
    digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Read a job
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "Deliveries",
    params(JobPath),
    responses((status = 200, description = "How far it has come", body = JobView)))]
pub(crate) async fn get_job(
    State(app): State<App>,
    JobPath(id): JobPath,
    _: NoParams,
) -> Result<Json<JobView>, Problem> {
    let unknown = || Problem::not_found("Job");
    let num = number(&id).ok_or_else(unknown)?;
    let found = app.store.read(move |tx| store::find_job(tx, num)).await?;
    found.map(|job| Json(JobView::of(&job))).ok_or_else(unknown)
}

/// End a job
///
/// It is forgotten. What it has done stays done; the rest is left as it is. Also 204 if there is none.
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "Deliveries",
    params(JobPath),
    responses((status = 204, description = "There is none")))]
pub(crate) async fn end_job(
    State(app): State<App>,
    JobPath(id): JobPath,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    if let Some(num) = number(&id) {
        app.store.write(move |tx| store::end_job(tx, num)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_by_its_number() {
        assert_eq!(number("job_7"), Some(7));
        for bad in ["", "7", "job_", "job_x", "job_-1", "job_+1", "dlv_7"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
