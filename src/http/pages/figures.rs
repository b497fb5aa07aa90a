//! Figures: what the overview page and the list of webhooks draw.
//!
//! Must not count anything itself, nor show anything of a task or a URL.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock;
use crate::figures::{self, HOUR, LagHistogram, MINUTE, Point, Tally};
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::extract::{NoParams, Params};
use crate::http::problem::Problem;
use crate::http::query::{Query, parameters};
use crate::http::room::THOUSAND;
use crate::http::takers::Client;
use crate::model::Time;
use crate::store::{self, OfWebhook};

/// A span to draw: points of so many seconds, made of rows of so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    count: i64,
    seconds: i64,
    rows: i64,
}

const SPANS: [(&str, Span); 3] = [
    ("hour", Span { count: 60, seconds: MINUTE, rows: MINUTE }),
    ("day", Span { count: 96, seconds: 15 * MINUTE, rows: MINUTE }),
    ("week", Span { count: 168, seconds: HOUR, rows: HOUR }),
];

parameters! {
    /// Of how long.
    pub(crate) struct FigureParameters {
        /// `hour`, `day` or `week`; `hour` if absent
        #[param(value_type = Option<String>, pattern = "^(hour|day|week)$", example = "day")]
        "span" span: Span = span,
    }
}

fn span(query: &Query, name: &str) -> Result<Span, Problem> {
    Ok(query.one_of(name, &SPANS)?.unwrap_or(SPANS[0].1))
}

/// Bars of a webhook.
const HOURS: i64 = 24;

/// What was counted over all webhooks within a span. Every key is always there.
#[derive(Serialize, ToSchema)]
#[schema(as = Figures)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PointView {
    /// When it begins: a whole multiple of its length, in UTC.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:00.000Z")]
    pub(crate) at: Time,
    /// How long it is.
    #[schema(example = 60)]
    pub(crate) seconds: i64,
    /// Requests to receivers that ended in it; tests of a webhook are not among them.
    #[schema(example = 42)]
    pub(crate) attempts: i64,
    /// Of those, answered with 2xx.
    #[schema(example = 40)]
    pub(crate) delivered: i64,
    /// Of those, the rest.
    #[schema(example = 2)]
    pub(crate) failed: i64,
    /// Milliseconds from the commit of an event to its delivery that half of the delivered did not
    /// exceed, within 7 %; null where nothing was delivered.
    #[schema(required, example = 6)]
    pub(crate) lag_p50_ms: Option<i64>,
    /// The 99th percentile of the same (p99).
    #[schema(required, example = 31)]
    pub(crate) lag_p99_ms: Option<i64>,
    /// The most deliveries that waited in it, looked at every two seconds; null where that is not
    /// known.
    #[schema(required, example = 3)]
    pub(crate) waiting: Option<i64>,
}

impl PointView {
    fn of(point: &Point, seconds: i64) -> PointView {
        let tally = &point.tally;
        let (lag_p50_ms, lag_p99_ms) = percentiles(&tally.lags);
        PointView {
            at: point.at,
            seconds,
            attempts: tally.attempts,
            delivered: tally.delivered,
            failed: tally.attempts - tally.delivered,
            lag_p50_ms,
            lag_p99_ms,
            waiting: point.waiting,
        }
    }
}

fn percentiles(lags: &LagHistogram) -> (Option<i64>, Option<i64>) {
    (lags.percentile(50), lags.percentile(99))
}

/// What was counted over all webhooks in the whole of a span. Every key is always there.
#[derive(Serialize, ToSchema)]
#[schema(as = FiguresTotal)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TotalView {
    /// When the span begins.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:00.000Z")]
    pub(crate) since: Time,
    /// Requests to receivers that ended in it; tests of a webhook are not among them.
    #[schema(example = 420)]
    pub(crate) attempts: i64,
    /// Of those, answered with 2xx.
    #[schema(example = 418)]
    pub(crate) delivered: i64,
    /// Of those, the rest.
    #[schema(example = 2)]
    pub(crate) failed: i64,
    /// Milliseconds from the commit of an event to its delivery that half of the delivered did not
    /// exceed, within 7 %; null where nothing was delivered.
    #[schema(required, example = 6)]
    pub(crate) lag_p50_ms: Option<i64>,
    /// The 99th percentile of the same (p99).
    #[schema(required, example = 31)]
    pub(crate) lag_p99_ms: Option<i64>,
}

/// What was counted of a webhook. Every key is always there.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookFigures)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookFiguresView {
    /// Which one.
    #[schema(example = "wh_7x2m9qk")]
    pub(crate) webhook_id: String,
    /// Deliveries a minute over the last five minutes, to the hundredth.
    #[schema(example = 12.4)]
    pub(crate) per_minute: f64,
    /// Milliseconds from the commit of an event to its delivery that half of those delivered over
    /// the last hour (to its ten minutes) did not exceed, within 7 %; null if nothing was delivered.
    #[schema(required, example = 6)]
    pub(crate) lag_p50_ms: Option<i64>,
    /// The 99th percentile of the same (p99).
    #[schema(required, example = 31)]
    pub(crate) lag_p99_ms: Option<i64>,
    /// When the oldest of its events that have not ended was committed; null if none waits.
    #[schema(required, value_type = Option<String>, format = DateTime, example = json!(null))]
    pub(crate) oldest_waiting_at: Option<Time>,
    /// How its newest request ended; null if there was none.
    #[schema(required)]
    pub(crate) last_answer: Option<AnswerView>,
    /// The last 24 hours, the oldest first, the running one last.
    pub(crate) hours: Vec<HourView>,
}

/// How the newest request of a webhook ended.
#[derive(Serialize, ToSchema)]
#[schema(as = LastAnswer)]
pub(crate) struct AnswerView {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) at: Time,
    /// The HTTP status; null if no answer came.
    #[schema(required, example = 200)]
    pub(crate) status: Option<i64>,
    /// Milliseconds that it took.
    #[schema(example = 84)]
    pub(crate) ms: i64,
    /// What went wrong, in words; null if nothing did.
    #[schema(required, example = json!(null))]
    pub(crate) error: Option<String>,
}

/// An hour of a webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = HourFigures)]
pub(crate) struct HourView {
    /// When it begins, a whole hour in UTC.
    #[schema(format = DateTime, example = "2026-02-20T08:00:00.000Z")]
    pub(crate) at: String,
    /// Requests that were answered with 2xx.
    #[schema(example = 40)]
    pub(crate) delivered: i64,
    /// Requests that ended otherwise.
    #[schema(example = 2)]
    pub(crate) failed: i64,
}

impl WebhookFiguresView {
    fn of(webhook_id: String, kept: OfWebhook, starts: &[String], now: Time) -> Self {
        let (lag_p50_ms, lag_p99_ms) = percentiles(&kept.lags);
        let hours = figures::hours(&kept.hours, HOURS, now);
        WebhookFiguresView {
            webhook_id,
            per_minute: figures::per_minute(&kept.minutes, now),
            lag_p50_ms,
            lag_p99_ms,
            oldest_waiting_at: kept.oldest_waiting,
            last_answer: kept.last_answer.map(|answer| AnswerView {
                at: answer.at,
                status: answer.status,
                ms: answer.ms,
                error: answer.error,
            }),
            hours: hours
                .into_iter()
                .zip(starts)
                .map(|(hour, at)| HourView {
                    at: at.clone(),
                    delivered: hour.delivered,
                    failed: hour.attempts - hour.delivered,
                })
                .collect(),
        }
    }
}

/// Read what was sent and how it went, over time
///
/// Over all webhooks, as points without gaps, the oldest first; the last one is the running one. An
/// hour has 60 points of a minute, a day 96 of 15 minutes, a week 168 of an hour. What is shown is
/// up to two seconds old.
#[utoipa::path(get, path = "/api/figures", tag = "Deliveries",
    params(FigureParameters),
    responses((status = 200, description = "The points", body = Vec<PointView>)))]
pub(crate) async fn get_figures(
    State(app): State<App>,
    Params(asked, _): Params<FigureParameters>,
) -> Result<Json<Vec<PointView>>, Problem> {
    let (points, seconds) = points(&app, asked.span).await?;
    Ok(Json(points.iter().map(|point| PointView::of(point, seconds)).collect()))
}

/// Read what was sent and how it went, as a whole
///
/// Over all webhooks and all points of `GET /api/figures` for the same span: percentiles of a span
/// do not follow from those of its parts.
#[utoipa::path(get, path = "/api/figures/total", tag = "Deliveries",
    params(FigureParameters),
    responses((status = 200, description = "The sum", body = TotalView)))]
pub(crate) async fn get_total_figures(
    State(app): State<App>,
    Params(asked, _): Params<FigureParameters>,
) -> Result<Json<TotalView>, Problem> {
    let (points, _) = points(&app, asked.span).await?;
    let mut sum = Tally::default();
    for point in &points {
        sum.add(&point.tally);
    }
    let (lag_p50_ms, lag_p99_ms) = percentiles(&sum.lags);
    Ok(Json(TotalView {
        since: points.first().map_or_else(clock::now, |point| point.at),
        attempts: sum.attempts,
        delivered: sum.delivered,
        failed: sum.attempts - sum.delivered,
        lag_p50_ms,
        lag_p99_ms,
    }))
}

/// The points of the span that is asked for, and how many seconds each has.
async fn points(app: &App, span: Span) -> Result<(Vec<Point>, i64), Problem> {
    let now = clock::now();
    let Span { count, seconds, rows } = span;
    let first = figures::start(now, seconds).plus_ms(-(count - 1) * seconds * 1_000);
    let line = app.store.search(move |tx| store::figures_since(tx, rows, first)).await?;
    Ok((figures::points(&line.rows, line.before, seconds, count, now), seconds))
}

/// Read how each webhook is going
///
/// One item for each webhook, the newest first. What is shown is up to two seconds old.
#[utoipa::path(get, path = "/api/figures/webhooks", tag = "Deliveries",
    responses((status = 200, description = "The webhooks", body = Vec<WebhookFiguresView>)))]
pub(crate) async fn list_webhook_figures(
    State(app): State<App>,
    _: NoParams,
    client: Client,
) -> Result<Response, Problem> {
    let now = clock::now();
    let make = |mut answer: Answer| {
        app.store.search(move |tx| {
            // The same for all webhooks: written out once.
            let starts: Vec<String> =
                figures::hours(&[], HOURS, now).iter().map(|hour| hour.at.to_string()).collect();
            let found = store::figures_of_webhooks(tx, now)?.into_iter();
            let views = found.map(|(id, kept)| WebhookFiguresView::of(id, kept, &starts, now));
            answer.value(&views.collect::<Vec<_>>());
            Ok((answer, ()))
        })
    };
    Ok(app.room.whole(THOUSAND, make).await?.0.json(&client))
}
