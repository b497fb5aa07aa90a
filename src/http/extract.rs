//! What handlers ask for in their signatures: ids and parameters of the address, bodies, and what makes a write safe.
//! Each is read, checked and described in one place.
//!
//! Must not know what any of it is for.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request};
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::body;
use super::idempotency::{IdempotencyKey, IfMatch, OriginHeader};
use super::problem::Problem;
use super::query::{Parameters, Query};
use crate::clock;
use crate::model::{Declared, NewTask, Origin, TaskId, TaskInput, Time};
use crate::store::Key;

/// Makes the id in an address: what it names, and an example.
macro_rules! path_ids {
    ($($Id:ident: $said:literal, $example:literal;)+) => {
        $(
            #[doc = $said]
            #[derive(IntoParams)]
            #[into_params(names("id"), parameter_in = Path)]
            pub(crate) struct $Id(
                #[doc = $said]
                #[param(example = $example)]
                pub(crate) String,
            );

            impl<S: Send + Sync> FromRequestParts<S> for $Id {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<$Id, Problem> {
                    text(Path::from_request_parts(parts, state).await).map($Id)
                }
            }
        )+
    };
}

path_ids! {
    DeliveryPath: "The delivery", "dlv_42_default";
    EventPath: "The event", "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63";
    JobPath: "The job", "job_7";
    WebhookPath: "The webhook", "wh_7x2m9qk";
}

/// One that is no text names nothing, so it is not found.
fn text(found: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(id) = found.map_err(|_| Problem::not_found("What this address names was"))?;
    Ok(id)
}

/// The task.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub(crate) struct TaskPath(
    /// The task
    #[param(value_type = String, example = "task_1765216530445_che0wi9")]
    pub(crate) TaskId,
);

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<TaskPath, Problem> {
        let id = text(Path::from_request_parts(parts, state).await)?;
        // One that cannot be is one that is not there.
        TaskId::parse(&id).map(TaskPath).map_err(|_| Problem::not_found("Task"))
    }
}

/// The parameters of an address, and how they were written.
pub(crate) struct Params<T>(pub(crate) T, pub(crate) Query);

/// None.
pub(crate) type NoParams = Params<()>;

impl<T: Parameters, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Params<T>, Problem> {
        let query = Query::read(parts.uri.query(), &T::names())?;
        Ok(Params(T::read(&query)?, query))
    }
}

/// What a body in JSON may be.
pub(crate) trait FromObject: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// 400 or 422 for the first field that breaks a rule.
    fn from_object(object: &Map<String, Value>) -> Result<Self, Problem>;

    /// Reads it from what was sent.
    ///
    /// # Errors
    /// The same, and 400 for what is no object.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        Self::from_object(&body::object(bytes)?)
    }
}

impl<T: Declared> FromObject for T {
    fn from_object(object: &Map<String, Value>) -> Result<T, Problem> {
        Ok(T::strictly(object)?)
    }
}

impl FromObject for NewTask {
    fn from_object(object: &Map<String, Value>) -> Result<NewTask, Problem> {
        let input = TaskInput::from_object(object)?;
        let wrong =
            |missing| Problem { status: http::StatusCode::BAD_REQUEST, ..Problem::from(missing) };
        NewTask::try_from(input).map_err(wrong)
    }
}

/// Reads what a body holds, if its headers say that it is JSON.
fn from_json<T: FromObject>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    body::expect_json(headers)?;
    T::from_bytes(bytes)
}

/// A body in JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: FromObject, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Body<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body).await?;
        from_json(&parts.headers, &bytes).map(Body)
    }
}

/// Nothing at all is none.
impl<T: FromObject, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Body<T>>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        from_json(&parts.headers, &bytes).map(|read| Some(Body(read)))
    }
}

/// Nothing is read from a body, so one that says something is refused: a `dryRun` in it would not be done.
pub(crate) struct Bodyless;

impl<S: Send + Sync> FromRequest<S> for Bodyless {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Bodyless, Problem> {
        let (parts, body) = request.into_parts();
        match body::read(&parts, body).await?.trim_ascii() {
            b"" | b"{}" => Ok(Bodyless),
            _ => Err(Problem::bad_request(
                "unexpected_body",
                "This address takes no body; what is meant stands in the address, such as ?status=failed&dryRun=true",
            )),
        }
    }
}

/// No body: what is sent all the same is not looked at.
pub(crate) struct NoBody;

/// What the body of a write is read as.
pub(crate) trait WriteBody: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// 400, 415 or 422.
    fn of(parts: &Parts, bytes: &[u8]) -> Result<Self, Problem>;
}

impl WriteBody for NoBody {
    fn of(_parts: &Parts, _bytes: &[u8]) -> Result<NoBody, Problem> {
        Ok(NoBody)
    }
}

impl<T: FromObject> WriteBody for T {
    fn of(parts: &Parts, bytes: &[u8]) -> Result<T, Problem> {
        from_json(&parts.headers, bytes)
    }
}

/// A write of a task: its body, and what came with it.
pub(crate) struct Write<T> {
    /// What is asked for.
    pub(crate) input: T,
    /// Under which key a repeat would come.
    pub(crate) key: Option<Key>,
    /// Where the change comes from.
    pub(crate) origin: Origin,
    /// Of which version.
    pub(crate) if_match: IfMatch,
    /// When it was read.
    pub(crate) now: Time,
}

impl<T: WriteBody, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Write<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body).await?;
        let now = clock::now();
        Ok(Write {
            key: IdempotencyKey::read(&parts.headers)?.of(
                &parts.method,
                parts.uri.path(),
                &bytes,
                now,
            ),
            origin: OriginHeader::read(&parts.headers)?.0,
            if_match: IfMatch::read(&parts.headers),
            input: T::of(&parts, &bytes)?,
            now,
        })
    }
}
