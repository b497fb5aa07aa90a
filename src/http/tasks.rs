//! Tasks: create, read, change, delete. Handlers read, decide with the model, write, answer.
//!
//! Must hold no SQL and know of no receiver: a write leaves an event, and that is all.

pub(crate) mod list;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::extract::{NoBody, NoParams, TaskPath, Write};
use super::idempotency::{self, IdempotencyKey, IfMatch, OriginHeader, WriteResult};
use super::problem::Problem;
use super::takers::Client;
use crate::model::{Event, NewTask, Task, TaskInput};
use crate::store::{self, Change, Stored, Tx, Written};

/// The answer to a deletion.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// Says that it was done.
    #[schema(example = "Task deleted successfully")]
    pub(crate) message: String,
    /// The task as it was last.
    pub(crate) task: Task,
}

impl<T> Write<T> {
    fn change(&self, app: &App) -> Change {
        Change { event_id: app.ids.event(self.now), origin: self.origin.clone(), now: self.now }
    }
}

/// Create a task
///
/// Answers when the task, its event and its deliveries are on disk.
#[utoipa::path(post, path = "/api/tasks", tag = "Tasks",
    request_body(content = NewTask, example = json!({"title": "Send the offer", "priority": "HIGH", "dueDate": "2026-03-01", "tags": ["sales"]})),
    params(IdempotencyKey, OriginHeader),
    responses((status = 201, description = "The new task", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub(crate) async fn create_task(
    State(app): State<App>,
    _: NoParams,
    write: Write<NewTask>,
) -> Result<Response, Problem> {
    let change = write.change(&app);
    let Write { input, key, now, .. } = write;
    let task = Task::create(app.ids.task(now), input, now, &mut || app.ids.attachment());
    let create = move |tx: &mut Tx<'_>| {
        idempotency::once(tx, key.as_ref(), |tx| {
            Ok(WriteResult::now(201, store::create(tx, task.clone(), 0, change.clone())?))
        })
    };
    idempotency::answer(app.store.write(create).await?, str::to_owned)
}

/// Read a task
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "Tasks",
    params(TaskPath),
    responses((status = 200, description = "The task", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub(crate) async fn get_task(
    State(app): State<App>,
    TaskPath(id): TaskPath,
    _: NoParams,
    client: Client,
) -> Result<Response, Problem> {
    let make = |mut answer: Answer| {
        let id = id.clone();
        app.store.read(move |tx| {
            let found = store::get(tx, &id)?.map(|stored| as_it_is(&stored));
            let version = found.map(|Written { snapshot, version }| {
                answer.written(&snapshot);
                version
            });
            Ok((answer, version))
        })
    };
    let (answer, version) = app.room.one(make).await?;
    let version = version.ok_or_else(|| Problem::not_found("Task"))?;
    Ok(idempotency::tagged(answer.json(&client), version))
}

/// Change a task
///
/// The fields that are there change, the others stay. A write that changes nothing answers with the
/// task as it is and makes no event.
#[utoipa::path(put, path = "/api/tasks/{id}", tag = "Tasks",
    request_body(content = TaskInput, example = json!({"status": "DONE"})),
    params(TaskPath, IfMatch, IdempotencyKey, OriginHeader),
    responses((status = 200, description = "The task as it is now", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub(crate) async fn update_task(
    State(app): State<App>,
    TaskPath(id): TaskPath,
    _: NoParams,
    write: Write<TaskInput>,
) -> Result<Response, Problem> {
    let change = write.change(&app);
    let Write { input, key, if_match, .. } = write;
    let ids = Arc::clone(&app.ids);
    let update = move |tx: &mut Tx<'_>| {
        idempotency::once(tx, key.as_ref(), |tx| {
            let Some(before) = store::get(tx, &id)? else { return Ok(WriteResult::NotFound) };
            if !if_match.allows(before.version) {
                return Ok(WriteResult::Mismatch(before.version));
            }
            let written =
                match before.task.apply(input.clone(), change.now, &mut || ids.attachment()) {
                    None => as_it_is(&before),
                    Some((after, kind)) => store::update(tx, &before, after, kind, change.clone())?,
                };
            Ok(WriteResult::now(200, written))
        })
    };
    idempotency::answer(app.store.write(update).await?, str::to_owned)
}

/// Change a task (the same as PUT)
#[utoipa::path(patch, path = "/api/tasks/{id}", tag = "Tasks",
    request_body(content = TaskInput, example = json!({"status": "DONE"})),
    params(TaskPath, IfMatch, IdempotencyKey, OriginHeader),
    responses((status = 200, description = "The task as it is now", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub(crate) async fn patch_task(
    app: State<App>,
    id: TaskPath,
    none: NoParams,
    write: Write<TaskInput>,
) -> Result<Response, Problem> {
    update_task(app, id, none, write).await
}

/// Delete a task
///
/// Its event carries the last state.
#[utoipa::path(delete, path = "/api/tasks/{id}", tag = "Tasks",
    params(TaskPath, IfMatch, IdempotencyKey, OriginHeader),
    responses((status = 200, description = "It is gone", body = Deleted)))]
pub(crate) async fn delete_task(
    State(app): State<App>,
    TaskPath(id): TaskPath,
    _: NoParams,
    write: Write<NoBody>,
) -> Result<Response, Problem> {
    let change = write.change(&app);
    let Write { key, if_match, .. } = write;
    let delete = move |tx: &mut Tx<'_>| {
        idempotency::once(tx, key.as_ref(), |tx| {
            let Some(before) = store::get(tx, &id)? else { return Ok(WriteResult::NotFound) };
            if !if_match.allows(before.version) {
                return Ok(WriteResult::Mismatch(before.version));
            }
            Ok(WriteResult::now(200, store::delete(tx, &before, change.clone())?))
        })
    };
    idempotency::answer(app.store.write(delete).await?, |task| {
        format!("{{\"message\":\"Task deleted successfully\",\"task\":{task}}}")
    })
}

fn as_it_is(before: &Stored) -> Written {
    Written::of(Event::snapshot(&before.task), before.version)
}
