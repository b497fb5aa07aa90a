//! Webhooks: made, listed, read, changed, deleted.
//!
//! Must not send anything, nor show a URL, a header's value or a secret that it was not just given.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::answer::Answer;
use super::problem::Problem;
use super::query::Query;
use super::room::THOUSAND;
use super::takers::Client;
use super::task_list::{TOTAL, add_next};
use super::webhook_view::{NewWebhookBody, WebhookChangeBody, WebhookView, WebhookWithSecret};
use super::{App, Id, body};
use crate::model::{ALERTS_WEBHOOK, Invalid, Time, Webhook, WebhookInput, is_same_url};
use crate::secret::Secret;
use crate::signature;
use crate::store::{self, Known, Made, Tx, WEBHOOKS_MOST};

/// Webhooks on a page, unless `limit` says otherwise.
const PAGE: usize = 100;

/// 404: there is no such webhook.
pub(super) fn not_found() -> Problem {
    Problem::not_found("Webhook")
}

/// 409 for what only the settings can change.
pub(super) fn read_only(webhook: &Webhook) -> Problem {
    let (id, setting) = match webhook.id.as_str() {
        ALERTS_WEBHOOK => (ALERTS_WEBHOOK, "ALERT_URL"),
        id => (id, "WEBHOOK_URL"),
    };
    Problem::new(
        StatusCode::CONFLICT,
        "read_only",
        format!("The webhook {id} comes from the setting {setting}: change it there and restart"),
    )
}

/// A new secret. Without randomness there is none: a secret that can be guessed protects nothing.
pub(super) fn fresh_secret(app: &App) -> Result<Secret, Problem> {
    app.ids.secret_bytes().map(signature::generate).map_err(|error| Problem {
        cause: Some(error.to_string()),
        ..Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_randomness",
            "This machine gives no random numbers, so no secret can be made; nothing was changed",
        )
        .retry_after(10)
    })
}

async fn input(app: &App, request: Request) -> Result<WebhookInput, Problem> {
    Query::read(request.uri().query(), &[])?;
    let headers = request.headers().clone();
    let bytes = body::read(request).await?;
    body::expect_json(&headers)?;
    let input = WebhookInput::parse(&body::object(&bytes)?, &signature::parse)?;
    if let Some(why) = input.url.as_deref().and_then(|url| app.targets.refuse_literal(url)) {
        return Err(Problem {
            field: Some("url".to_owned()),
            ..Problem::bad_request("invalid_field", format!("url is refused. {why}"))
        });
    }
    Ok(input)
}

/// List webhooks
///
/// The newest 100 first, unless `limit` says otherwise.
#[utoipa::path(get, path = "/api/webhooks", tag = "Webhooks",
    params(
        ("url" = Option<String>, Query, format = "text", description = "Only with exactly this whole URL"),
        ("limit" = Option<u16>, Query, description = "At most this many, 1 to 1000; 100 if absent", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, format = "cursor-of-webhooks", description = "The X-Next-Cursor of the page before")),
    responses((status = 200, description = "The webhooks", body = Vec<WebhookView>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub async fn list_webhooks(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let query = Query::read(request.uri().query(), &["url", "limit", "cursor"])?;
    let most = query.limit()?.unwrap_or(PAGE);
    let url = query.get("url").map(str::to_owned);
    let after = query.get("cursor").map(read_cursor).transpose()?;
    let now = app.clock.now();
    let client = Client::of(&request);
    let make = |mut answer: Answer| {
        let (url, after) = (url.clone(), after.clone());
        app.store.list(false, move |tx| {
            let mut all = store::list_webhooks(tx)?;
            all.retain(|known| url.as_ref().is_none_or(|url| is_same_url(&known.webhook.url, url)));
            all.reverse();
            let total = after.is_none().then_some(all.len());
            let is_after = |known: &Known| {
                let place = (known.created, known.webhook.id.as_str());
                after.as_ref().is_none_or(|(at, id)| place < (*at, id.as_str()))
            };
            all.retain(is_after);
            let next = (all.len() > most).then(|| all.get(most - 1).map(cursor)).flatten();
            all.truncate(most);
            let found = all
                .iter()
                .map(|known| WebhookView::read(tx, known, now))
                .collect::<store::Result<Vec<_>>>()?;
            answer.value(&found);
            Ok((answer, (next, total)))
        })
    };
    let (answer, (next, total)) = app.room.whole(THOUSAND, make).await?;
    let mut response = answer.json(&client);
    if let Some(total) = total {
        response.headers_mut().insert(TOTAL, total.into());
    }
    if let Some(cursor) = next {
        add_next(response.headers_mut(), "/api/webhooks", &query, &cursor);
    }
    Ok(response)
}

/// The place of a webhook in the list: when it was made, and its id.
fn cursor(known: &Known) -> String {
    format!("{}.{}", known.created.0, known.webhook.id)
}

fn read_cursor(text: &str) -> Result<(Time, String), Problem> {
    let place = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    place.map(|(at, id)| (Time(at), id.to_owned())).ok_or_else(|| {
        Problem::bad_parameter("cursor", "is not one of this list; take it from X-Next-Cursor")
    })
}

/// Create a webhook
///
/// The answer shows its whole URL and its secret, this once. The same URL and events again answer
/// 200 with the webhook that is there.
#[utoipa::path(post, path = "/api/webhooks", tag = "Webhooks",
    request_body(content = NewWebhookBody, example = json!({"url": "https://hook.eu1.make.com/abc", "events": ["task_created"], "source": "make", "filter": {"priority": ["HIGH", "URGENT"]}})),
    responses((status = 201, description = "The new webhook", body = WebhookWithSecret),
              (status = 200, description = "One with this URL and these events is there", body = WebhookView)))]
pub async fn create_webhook(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let input = input(&app, request).await?;
    let webhook = input.create(app.ids.webhook(), fresh_secret(&app)?)?;
    let now = app.clock.now();
    match app.store.write(move |tx| store::make_webhook(tx, &webhook, now)).await? {
        Made::New(known) => {
            let made = Arc::clone(&known.webhook);
            let mut view = view(&app, known).await?;
            view.url.clone_from(&made.url);
            // A webhook that was just made has a secret: `create` sees to that.
            let secret = made.secret.clone().unwrap_or_else(|| Secret::new(""));
            let body = WebhookWithSecret::of(view, &secret);
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Made::Same(known) => Ok(Json(view(&app, known).await?).into_response()),
        Made::TooMany => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_webhooks",
            format!("There are {WEBHOOKS_MOST} webhooks, which is the most; delete one first"),
        )),
    }
}

/// A webhook as it is shown. Read apart from the write before it: what waits is counted, and that
/// must keep no other write waiting.
pub(super) async fn view(app: &App, known: Known) -> Result<WebhookView, Problem> {
    let now = app.clock.now();
    Ok(app.store.read(move |tx| WebhookView::read(tx, &known, now)).await?)
}

/// Read a webhook
#[utoipa::path(get, path = "/api/webhooks/{id}", tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook", example = "wh_7x2m9qk")),
    responses((status = 200, description = "The webhook", body = WebhookView)))]
pub async fn get_webhook(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Json<WebhookView>, Problem> {
    Query::read(request.uri().query(), &[])?;
    let now = app.clock.now();
    let found = app
        .store
        .read(move |tx| match store::find_webhook(tx, &id)? {
            Some(known) => WebhookView::read(tx, &known, now).map(Some),
            None => Ok(None),
        })
        .await?;
    found.map(Json).ok_or_else(not_found)
}

/// Why a change was not made.
enum Refused {
    Unknown,
    ReadOnly(Known),
    Invalid(Invalid),
    Taken(String),
}

/// Change a webhook
///
/// What is there changes, the rest stays. Another URL is another receiver: the webhook begins as one
/// that is up, and what waits or is held goes there. With `onReject` changed to `skip`, what was held is
/// sent again. A new secret signs beside the old one for 24 hours.
#[utoipa::path(patch, path = "/api/webhooks/{id}", tag = "Webhooks",
    request_body(content = WebhookChangeBody, example = json!({"ratePerSecond": 5})),
    params(("id" = String, Path, description = "The webhook", example = "wh_7x2m9qk")),
    responses((status = 200, description = "The webhook as it is now", body = WebhookView)))]
pub async fn update_webhook(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Json<WebhookView>, Problem> {
    let input = input(&app, request).await?;
    if matches!(input.secret, Some(None)) {
        return Err(Invalid::new(
            "secret",
            "is empty, but every webhook has one: name another, or have one made with \
             POST /api/webhooks/{id}/rotate-secret",
        )
        .into());
    }
    let now = app.clock.now();
    let done = app.store.write(move |tx| change(tx, &id, input, now)).await?;
    let known = done.map_err(|refused| match refused {
        Refused::Unknown => not_found(),
        Refused::ReadOnly(known) => read_only(&known.webhook),
        Refused::Invalid(invalid) => invalid.into(),
        Refused::Taken(other) => Problem::new(
            StatusCode::CONFLICT,
            "webhook_exists",
            format!(
                "The webhook {other} has this url and these events already; change or delete it"
            ),
        ),
    })?;
    view(&app, known).await.map(Json)
}

fn change(
    tx: &mut Tx<'_>,
    id: &str,
    input: WebhookInput,
    now: Time,
) -> store::Result<Result<Known, Refused>> {
    let Some(before) = store::find_webhook(tx, id)? else { return Ok(Err(Refused::Unknown)) };
    if before.webhook.is_from_settings() {
        return Ok(Err(Refused::ReadOnly(before)));
    }
    let secret = input.secret.clone().flatten();
    let after = match input.apply(&before.webhook) {
        Ok(after) => after,
        Err(invalid) => return Ok(Err(Refused::Invalid(invalid))),
    };
    if let Some(other) = store::find_same(tx, &after)? {
        return Ok(Err(Refused::Taken(other.webhook.id.clone())));
    }
    store::change_webhook(tx, &before, &after, now)?;
    let stored = after.secret.as_ref();
    if let Some(secret) = secret
        && stored.is_none_or(|stored| !stored.matches(secret.expose()))
    {
        store::rotate_secret(tx, id, &secret, now)?;
    }
    tx.wake();
    Ok(store::find_webhook(tx, id)?.ok_or(Refused::Unknown))
}

/// Delete a webhook
///
/// Nothing is sent to it from that moment; what waits is cancelled. Also 204 if there is none.
#[utoipa::path(delete, path = "/api/webhooks/{id}", tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook", example = "wh_7x2m9qk")),
    responses((status = 204, description = "There is no such webhook any more")))]
pub async fn delete_webhook(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<StatusCode, Problem> {
    Query::read(request.uri().query(), &[])?;
    let kept = app
        .store
        .write(move |tx| match store::find_webhook(tx, &id)? {
            Some(known) if known.webhook.is_from_settings() => Ok(Some(known)),
            Some(_) => store::delete_webhook(tx, &id).map(|()| None),
            None => Ok(None),
        })
        .await?;
    match kept {
        Some(known) => Err(read_only(&known.webhook)),
        None => Ok(StatusCode::NO_CONTENT),
    }
}
