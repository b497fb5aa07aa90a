//! The request of a delivery as the receiver sees it, without what is secret.
//!
//! Must not send it, nor decide what stands in it: that is `request`'s part.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock;
use crate::delivery::request::{self, Content};
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::extract::{DeliveryPath, NoParams};
use crate::http::problem::Problem;
use crate::http::takers::Client;
use crate::model::payload::EventParts;
use crate::model::{MASKED, Time, masked_url};
use crate::store::{self, SentRequest};

/// A request as it looks.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryRequest)]
pub(crate) struct RequestView {
    /// Always POST.
    #[schema(example = "POST")]
    method: &'static str,
    /// Where to, masked.
    #[schema(example = "https://hook.eu1.make.com/…")]
    url: String,
    /// Every header but `host` and `content-length`; signatures and the values of the webhook's own
    /// headers are `…`.
    #[schema(example = json!({
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "BTK-System/0.1.0",
        "webhook-id": "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63",
        "webhook-signature": "…",
        "webhook-timestamp": "1771575330",
        "x-btk-attempt": "1",
        "x-btk-delivery": "dlv_42_default",
        "x-btk-event": "task_created",
        "x-btk-signature": "…",
        "x-btk-task-version": "1",
        "x-make-apikey": "…",
    }))]
    headers: BTreeMap<String, String>,
    /// The exact text.
    #[schema(
        example = "{\"event\":\"task_created\",\"task\":{\"id\":\"task_1765216530445_che0wi9\"}}"
    )]
    body: String,
}

/// See the request of a delivery
///
/// With the number and the time of its newest attempt; one that was not sent yet is shown as if it
/// went out now. URL, own headers and secret are the webhook's as they are today.
#[utoipa::path(get, path = "/api/deliveries/{id}/request", tag = "Deliveries",
    params(DeliveryPath),
    responses((status = 200, description = "The request", body = RequestView)))]
pub(crate) async fn get_request(
    State(app): State<App>,
    DeliveryPath(id): DeliveryPath,
    _: NoParams,
    client: Client,
) -> Result<Response, Problem> {
    let now = clock::now();
    let make = |mut answer: Answer| {
        let id = id.clone();
        app.store.read(move |tx| {
            let Some(sent) = store::sent(tx, &id)? else {
                return Ok((answer, Err(Problem::not_found("Delivery"))));
            };
            let shown = view(&sent, &id, now).map(|view| answer.value(&view));
            Ok((answer, shown))
        })
    };
    let (answer, shown) = app.room.one(make).await?;
    shown.map(|()| answer.json(&client))
}

fn view(sent: &SentRequest, delivery_id: &str, now: Time) -> Result<RequestView, Problem> {
    let Some(known) = &sent.webhook else {
        let event = &sent.event.id;
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "webhook_deleted",
            format!(
                "The webhook of this delivery was deleted, and with it where and how it was sent; \
                 what it told is at /api/events/{event}"
            ),
        ));
    };
    let webhook = &known.webhook;
    let (number, at) = sent.attempt.unwrap_or((1, now));
    let content = Content {
        event: EventParts::from(&sent.event),
        payload: sent.payload.unwrap_or(webhook.payload),
        delivery_id,
        number,
    };
    let made = request::make(webhook, &content, at);
    // In the order in which the sender sets them: a later one of the same name replaces the other.
    let mut headers: BTreeMap<String, String> =
        request::FIXED.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    headers.extend(webhook.headers.iter().map(|(name, _)| (name.clone(), MASKED.to_owned())));
    headers.extend(made.headers.into_iter().map(|(name, value)| {
        let value = if request::is_signature(name) { MASKED.to_owned() } else { value };
        (name.to_owned(), value)
    }));
    Ok(RequestView {
        method: "POST",
        url: masked_url(&webhook.url),
        headers,
        body: String::from_utf8_lossy(&made.body).into_owned(),
    })
}
