//! Incoming webhooks: what other systems send to us, by a secret of their own.
//!
//! The event that we make is named after what changed, not after what was claimed. Must never log
//! or answer the secret, nor the query that may hold it.

pub(crate) mod latest;
pub(crate) mod message;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use self::latest::{Applied, LastReceived};
use super::app::App;
use super::body;
use super::connection::Peer;
use super::errors::{KeyReused, Kind, NoSecret, TooManyRequests, WrongSecret};
use super::idempotency::{IdempotencyKey, REPLAYED, single};
use super::problem::Problem;
use super::rates::Guess;
use crate::clock;
use crate::model::{EventKind, Invalid, Named, NewTask, Task, TaskId, Time, limits};
use crate::store::{self, Key, Repeat, Tx, keep_answer, look_up};
use message::{Incoming, IncomingBody, object};

/// What to do at the incoming address.
const HOW: &str = "Send task events here by POST, with ?secret=… or the X-Webhook-Secret header";

/// The answer to an incoming webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Received {
    success: bool,
    #[schema(example = "Webhook received successfully")]
    message: &'static str,
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    timestamp: Time,
    /// What was done.
    result: Applied,
    /// The task it was done to.
    #[schema(required, example = "task_1765216530445_che0wi9")]
    task_id: Option<String>,
}

/// The answer to a look at the incoming address.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    #[schema(
        example = json!(HOW)
    )]
    message: &'static str,
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    timestamp: Time,
}

/// Look whether the incoming address is there
#[utoipa::path(get, path = "/api/incoming-webhook", tag = "Incoming webhooks", security(()),
    responses((status = 200, description = "It is", body = Ready)))]
pub(crate) async fn incoming_ready() -> Json<Ready> {
    Json(Ready { status: "ready", message: HOW, timestamp: clock::now() })
}

/// Take a webhook from another system
///
/// JSON, or `application/x-www-form-urlencoded` with `event`, `id`, `title`, `status` … as flat
/// fields and `tags` separated by commas.
#[utoipa::path(post, path = "/api/incoming-webhook", tag = "Incoming webhooks", security(()),
    request_body(content = IncomingBody, example = json!({"event": "task_created", "task": {"id": "test123", "title": "From Make"}})),
    params(("secret" = Option<String>, Query, description = "WEBHOOK_SECRET, unless in the header"),
           ("X-Webhook-Secret" = Option<String>, Header, description = "WEBHOOK_SECRET, unless in the query"),
           ("webhook-id" = Option<String>, Header, description = "The same id within 48 hours is a duplicate"),
           IdempotencyKey),
    responses((status = 200, description = "It was taken; `result` says what was done", body = Received),
        WrongSecret, NoSecret, TooManyRequests))]
pub(crate) async fn receive_webhook(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let mut last = LastReceived::new(clock::now(), request.headers());
    let received = receive(&app, request, &mut last).await.map_err(|problem| app.told(problem));
    if let Err(problem) = &received {
        last.refused(problem);
        let status = problem.status.as_u16();
        let shown: String = problem.message.chars().filter(|c| !c.is_control()).collect();
        if problem.status == StatusCode::TOO_MANY_REQUESTS {
            // One line each would let a stranger fill the disk.
            tracing::debug!(status, "[INCOMING WEBHOOK] Refused with {status}: {shown}");
        } else {
            tracing::info!(status, "[INCOMING WEBHOOK] Refused with {status}: {shown}");
        }
    }
    app.last_received.put(last, |text| app.masked(text));
    received
}

async fn receive(
    app: &App,
    request: Request,
    last: &mut LastReceived,
) -> Result<Response, Problem> {
    let now = clock::now();
    authenticate(app, &request, now)?;
    app.rates.take(now).map_err(|seconds| TooManyRequests::problem().retry_after(seconds))?;
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts, body).await?;
    let object = object(&parts, &bytes)?;
    last.claims(&object);
    let came = came(app, &parts, &bytes, &object, now).await;
    log(app, &object, came.as_ref().map_or("refused", |(result, _)| result.as_str()));
    let (result, task_id) = came?;
    last.did(result, task_id.as_deref());
    let message = "Webhook received successfully";
    let mut response =
        Json(Received { success: true, message, timestamp: now, result, task_id }).into_response();
    if result == Applied::Duplicate {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Applies what an authenticated webhook says.
async fn came(
    app: &App,
    parts: &Parts,
    bytes: &[u8],
    object: &Map<String, Value>,
    now: Time,
) -> Result<(Applied, Option<String>), Problem> {
    let incoming = Incoming::read(app, object, now)?;
    let keys = keys(parts, bytes, now)?;
    let fallback = incoming.id.as_ref().map(TaskId::to_string);
    let ids = Arc::clone(&app.ids);
    let write = move |tx: &mut Tx<'_>| apply(tx, incoming.clone(), &keys, &mut || ids.attachment());
    match app.store.write(write).await? {
        IncomingResult::To(result, task_id) => Ok((result, task_id.or(fallback))),
        IncomingResult::Missing(invalid) => Err(invalid.into()),
        IncomingResult::KeyTaken => Err(KeyReused::problem()),
    }
}

fn authenticate(app: &App, request: &Request, now: Time) -> Result<(), Problem> {
    let Some(secret) = &app.webhook_secret else {
        return Err(NoSecret::problem());
    };
    let in_header = request.headers().get("x-webhook-secret").map(HeaderValue::as_bytes);
    let offered = match in_header.filter(|bytes| !bytes.is_empty()) {
        // UTF-8, or each byte a letter of ISO-8859-1, as Node.js writes headers.
        Some(bytes) => vec![
            String::from_utf8_lossy(bytes).into_owned(),
            bytes.iter().copied().map(char::from).collect(),
        ],
        None => in_query(request.uri().query().unwrap_or_default()),
    };
    if offered.iter().all(String::is_empty) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing_secret",
            "Unauthorized: Missing secret parameter",
        ));
    }
    // Each is looked at, so that the time tells nothing of which one was right.
    if offered.iter().fold(false, |is_right, text| is_right | secret.matches(text)) {
        return Ok(());
    }
    let wrong = WrongSecret::problem();
    let peer = request.extensions().get::<Peer>().copied();
    Err(app.rates.refusal(Guess::Secret, peer, now, wrong))
}

/// What the `secret` of a query may mean: it is pasted as it is as often as it is encoded, so a plus
/// may be one, or a blank; `%41` may be an A, or what the secret says; and `%FC` is an ü in ISO-8859-1.
fn in_query(query: &str) -> Vec<String> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("secret="));
    let Some(value) = values.next() else { return Vec::new() };
    let (with_blanks, mut read) = (value.replace('+', " "), vec![value.to_owned()]);
    for text in [with_blanks.as_str(), value] {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        read.push(String::from_utf8_lossy(&bytes).into_owned());
        read.push(bytes.into_iter().map(char::from).collect());
    }
    read
}

fn log(app: &App, object: &Map<String, Value>, result: &str) {
    let shown = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or("none");
        let text = app.masked(text);
        text.chars().filter(|c| !c.is_control() && *c != '\'').take(128).collect::<String>()
    };
    let event = shown(object.get("event"));
    let task = shown(object.get("task").and_then(|task| task.get("id")));
    tracing::info!(
        event,
        task,
        result,
        "[INCOMING WEBHOOK] Authenticated webhook received: {{ event: '{event}', taskId: '{task}', result: '{result}' }}"
    );
}

/// The keys under which a repeat would come.
fn keys(parts: &Parts, bytes: &[u8], now: Time) -> Result<Vec<Key>, Problem> {
    let mut keys = Vec::new();
    let name = HeaderName::from_static("webhook-id");
    if let Some(id) = single(&parts.headers, &name)?.filter(|id| !id.is_empty()) {
        if id.len() > limits::KEY {
            let what = format!("has more than {} characters", limits::KEY);
            return Err(Problem::bad_parameter("webhook-id", what));
        }
        // Whoever sends a webhook again says by its id that it is the same one.
        keys.push(Key { name: format!("webhook:{id}"), hash: String::new(), now });
    }
    let key = IdempotencyKey::read(&parts.headers)?;
    keys.extend(key.of(&parts.method, parts.uri.path(), bytes, now));
    Ok(keys)
}

/// What an incoming webhook led to.
enum IncomingResult {
    To(Applied, Option<String>),
    Missing(Invalid),
    KeyTaken,
}

fn apply(
    tx: &mut Tx<'_>,
    incoming: Incoming,
    keys: &[Key],
    fresh: &mut dyn FnMut() -> String,
) -> store::Result<IncomingResult> {
    for key in keys {
        match look_up(tx, key)? {
            Repeat::New => {}
            Repeat::Other => return Ok(IncomingResult::KeyTaken),
            Repeat::Same { task_id, .. } => {
                return Ok(IncomingResult::To(Applied::Duplicate, task_id));
            }
        }
    }
    let before = match &incoming.id {
        Some(id) => store::get(tx, id)?,
        None => None,
    };
    let Incoming { kind, id, fresh_id, input, claimed, change } = incoming;
    let id = id.unwrap_or(fresh_id);
    let changed = match &before {
        Some(before) => Some(before.task.updated_at),
        None => store::deleted_at(tx, &id)?,
    };
    let result = match before {
        _ if claimed.zip(changed).is_some_and(|(time, ours)| time < ours) => Applied::Ignored,
        None if kind == EventKind::Deleted => Applied::Ignored,
        // Our own event said that it is gone; this one was under way then.
        None if kind != EventKind::Created
            && input.title.is_none()
            && store::was_deleted(tx, &id)? =>
        {
            Applied::Ignored
        }
        Some(before) if kind == EventKind::Deleted => {
            store::delete(tx, &before, change)?;
            Applied::Deleted
        }
        Some(before) => match before.task.apply(input, change.now, fresh) {
            None => Applied::Unchanged,
            Some((after, kind)) => {
                store::update(tx, &before, after, kind, change)?;
                Applied::Updated
            }
        },
        None => match NewTask::try_from(input) {
            Err(mut invalid) => {
                invalid.message = format!("task.{}", invalid.message);
                invalid.field = format!("task.{}", invalid.field);
                return Ok(IncomingResult::Missing(invalid));
            }
            Ok(new) => {
                let last_version = store::last_version(tx, &id)?;
                let task = Task::create(id.clone(), new, change.now, fresh);
                store::create(tx, task, last_version, change)?;
                Applied::Created
            }
        },
    };
    for key in keys {
        keep_answer(tx, key, 200, Some(id.as_str()), None)?;
    }
    Ok(IncomingResult::To(result, Some(id.to_string())))
}
