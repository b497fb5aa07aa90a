//! Webhooks: made, listed, read, changed, deleted.
//!
//! Must not send anything, nor show a URL, a header's value or a secret that it was not just given.

pub(crate) mod actions;
pub(crate) mod recover;
pub(crate) mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Map, Value};

use self::view::{WebhookView, WebhookWithSecret};
use super::answer::Answer;
use super::app::App;
use super::errors::{BadRequest, Kind, ReadOnly, TooManyWebhooks, WebhookExists};
use super::extract::{Body, FromObject, NoParams, Params, WebhookPath};
use super::paging::{TOTAL, add_next};
use super::problem::Problem;
use super::query::{Query, parameters};
use super::room::THOUSAND;
use super::takers::Client;
use crate::clock::{self, Ids};
use crate::model::{
    ALERTS_WEBHOOK, Invalid, NewWebhook, Time, Webhook, WebhookChange, WebhookInput, is_same_url,
};
use crate::secret::Secret;
use crate::signature;
use crate::store::{self, CreateResult, Tx, WEBHOOKS_MOST, WebhookState};

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
    ReadOnly::of(&[id, setting])
}

/// A new secret. Without randomness there is none: a secret that can be guessed protects nothing.
pub(super) fn fresh_secret() -> Result<Secret, Problem> {
    Ids::secret_bytes().map(signature::generate).map_err(|error| Problem {
        cause: Some(error.to_string()),
        ..Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_randomness",
            "This machine gives no random numbers, so no secret can be made; nothing was changed",
        )
        .retry_after(10)
    })
}

/// A new webhook, and what was named of it: where one with its URL and events is there, only that must fit.
pub(crate) struct Wanted {
    new: NewWebhook,
    named: WebhookInput,
}

impl FromObject for Wanted {
    fn from_object(object: &Map<String, Value>) -> Result<Wanted, Problem> {
        let named = WebhookInput::from_object(object)?;
        let new = NewWebhook::try_from(named.clone())?;
        Ok(Wanted { new, named })
    }
}

impl FromObject for WebhookChange {
    fn from_object(object: &Map<String, Value>) -> Result<WebhookChange, Problem> {
        Ok(WebhookInput::from_object(object)?.try_into()?)
    }
}

/// 400 for a URL that may not be reached.
fn refuse(app: &App, url: Option<&str>) -> Result<(), Problem> {
    let Some(why) = url.and_then(|url| app.targets.refuse_literal(url)) else { return Ok(()) };
    Err(Problem {
        field: Some("url".to_owned()),
        ..BadRequest::saying(format!("url is refused. {why}"))
    })
}

parameters! {
    /// Which webhooks.
    pub(crate) struct WebhookParameters {
        /// Only with exactly this whole URL
        #[param(format = "text")]
        "url" url: Option<String> = Query::text,
        /// At most this many, 1 to 1000; 100 if absent
        #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
        "limit" limit: Option<usize> = Query::limit,
        /// The X-Next-Cursor of the page before
        #[param(value_type = Option<String>, format = "cursor-of-webhooks")]
        "cursor" cursor: Option<(Time, String)> = Query::place(read_cursor),
    }
}

/// List webhooks
///
/// The newest 100 first, unless `limit` says otherwise.
#[utoipa::path(get, path = "/api/webhooks", tag = "Webhooks",
    params(WebhookParameters),
    responses((status = 200, description = "The webhooks", body = Vec<WebhookView>,
        headers(("X-Total-Count" = i64, description = "How many there are in all; on the first page"),
                ("X-Next-Cursor" = String, description = "Where the next page begins; absent on the last"),
                ("Link" = String, description = "The address of the next page, rel=\"next\"")))))]
pub(crate) async fn list_webhooks(
    State(app): State<App>,
    Params(asked, query): Params<WebhookParameters>,
    client: Client,
) -> Result<Response, Problem> {
    let WebhookParameters { url, limit, cursor: after } = asked;
    let most = limit.unwrap_or(PAGE);
    let now = clock::now();
    let make = |mut answer: Answer| {
        let (url, after) = (url.clone(), after.clone());
        app.store.list(false, move |tx| {
            let mut all = store::list_webhooks(tx)?;
            all.retain(|known| url.as_ref().is_none_or(|url| is_same_url(&known.webhook.url, url)));
            all.reverse();
            let total = after.is_none().then_some(all.len());
            let is_after = |known: &WebhookState| {
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
fn cursor(known: &WebhookState) -> String {
    format!("{}.{}", known.created.0, known.webhook.id)
}

fn read_cursor(text: &str) -> Option<(Time, String)> {
    let (at, id) = text.split_once('.')?;
    Some((Time(at.parse().ok()?), id.to_owned()))
}

/// Create a webhook
///
/// The answer shows its whole URL and its secret, this once. The same URL and events again answer
/// 200 with the webhook that is there, or 409 if something else that is named differs from it.
#[utoipa::path(post, path = "/api/webhooks", tag = "Webhooks",
    request_body(content = NewWebhook, example = json!({"url": "https://hook.eu1.make.com/abc", "events": ["task_created"], "source": "make", "filter": {"priority": ["HIGH", "URGENT"]}})),
    responses((status = 201, description = "The new webhook", body = WebhookWithSecret),
              (status = 200, description = "One with this URL and these events is there", body = WebhookView), TooManyWebhooks))]
pub(crate) async fn create_webhook(
    State(app): State<App>,
    _: NoParams,
    Body(Wanted { new, named }): Body<Wanted>,
) -> Result<Response, Problem> {
    refuse(&app, Some(&new.url))?;
    let webhook = new.create(app.ids.webhook(), fresh_secret()?)?;
    let now = clock::now();
    match app.store.write(move |tx| store::make_webhook(tx, &webhook, now)).await? {
        CreateResult::New(known) => {
            let made = Arc::clone(&known.webhook);
            let mut view = view(&app, known).await?;
            view.url.clone_from(&made.url);
            // A webhook that was just made has a secret: `create` sees to that.
            let secret = made.secret.clone().unwrap_or_else(|| Secret::new(""));
            let body = WebhookWithSecret::of(view, &secret);
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        CreateResult::Same(known) => {
            expect_as_named(&known.webhook, named)?;
            Ok(Json(view(&app, known).await?).into_response())
        }
        CreateResult::TooMany => Err(TooManyWebhooks::of(&[&WEBHOOKS_MOST.to_string()])),
    }
}

/// 409 for a webhook that is there and would have to change to be what is named. To be silent about it would let its
/// maker believe that the filter or the secret holds.
fn expect_as_named(known: &Webhook, mut named: WebhookInput) -> Result<(), Problem> {
    let secret = named.secret.take().flatten();
    let mut wanted = WebhookChange::try_from(named)?.apply(known)?;
    if secret.is_some() {
        wanted.secret = secret;
    }
    let differing = known.differences(&wanted);
    let Some(first) = differing.first() else { return Ok(()) };
    let (id, all) = (&known.id, differing.join(", "));
    let problem = WebhookExists::saying(format!(
        "The webhook {id} has this url and these events already, but differs in {all}; nothing was changed. \
         Change it with PATCH /api/webhooks/{id}, or leave out what may stay as it is"
    ));
    Err(Problem { field: Some((*first).to_owned()), ..problem })
}

/// A webhook as it is shown. Read apart from the write before it: what waits is counted, and that
/// must keep no other write waiting.
pub(super) async fn view(app: &App, known: WebhookState) -> Result<WebhookView, Problem> {
    let now = clock::now();
    Ok(app.store.read(move |tx| WebhookView::read(tx, &known, now)).await?)
}

/// Read a webhook
#[utoipa::path(get, path = "/api/webhooks/{id}", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 200, description = "The webhook", body = WebhookView)))]
pub(crate) async fn get_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<Json<WebhookView>, Problem> {
    let now = clock::now();
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
    ReadOnly(WebhookState),
    Invalid(Invalid),
    Taken(String),
}

/// Change a webhook
///
/// What is there changes, the rest stays. Another URL is another receiver: the webhook begins as one
/// that is up, and what waits or is held goes there. With `onReject` changed to `skip`, what was held is
/// sent again. A new secret signs beside the old one for 24 hours.
#[utoipa::path(patch, path = "/api/webhooks/{id}", tag = "Webhooks",
    request_body(content = WebhookChange, example = json!({"ratePerSecond": 5})),
    params(WebhookPath),
    responses((status = 200, description = "The webhook as it is now", body = WebhookView), WebhookExists))]
pub(crate) async fn update_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
    Body(input): Body<WebhookChange>,
) -> Result<Json<WebhookView>, Problem> {
    refuse(&app, input.url())?;
    let now = clock::now();
    let done = app.store.write(move |tx| change(tx, &id, input.clone(), now)).await?;
    let known = done.map_err(|refused| match refused {
        Refused::Unknown => not_found(),
        Refused::ReadOnly(known) => read_only(&known.webhook),
        Refused::Invalid(invalid) => invalid.into(),
        Refused::Taken(other) => WebhookExists::of(&[&other]),
    })?;
    view(&app, known).await.map(Json)
}

fn change(
    tx: &mut Tx<'_>,
    id: &str,
    input: WebhookChange,
    now: Time,
) -> store::Result<Result<WebhookState, Refused>> {
    let Some(before) = store::find_webhook(tx, id)? else { return Ok(Err(Refused::Unknown)) };
    if before.webhook.is_from_settings() {
        return Ok(Err(Refused::ReadOnly(before)));
    }
    let secret = input.secret.clone();
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
    params(WebhookPath),
    responses((status = 204, description = "There is no such webhook any more"), ReadOnly))]
pub(crate) async fn delete_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<StatusCode, Problem> {
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
