//! What is fuzzed of what comes in over HTTP: bodies, addresses, cursors, forms.
//!
//! Whatever is refused is refused with a 4xx and in a sentence that can be shown. Must not know where the bytes are from.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::deliveries::jobs::{DryRun, JobPage};
use super::deliveries::{DeliveryPage, DeliveryParameters, TaskIds};
use super::events::list::EventParameters;
use super::events::samples::SampleParameters;
use super::extract::FromObject;
use super::incoming::message::object;
use super::pages::figures::FigureParameters;
use super::problem::Problem;
use super::query::{Parameters, Query};
use super::tasks::list::TaskParameters;
use super::webhooks::WebhookParameters;
use crate::model::{NewTask, TaskInput, WebhookInput};

/// Bytes of a sentence, at most: a few lines, whatever was sent.
const SENTENCE_MOST: usize = 2_000;

/// A name, and what is run.
pub(crate) type Target = (&'static str, fn(&[u8]));

pub(crate) const TARGETS: [Target; 5] = [
    ("body", body),
    ("cursor", cursor),
    ("incoming", incoming),
    ("query", query),
    ("webhook", webhook),
];

fn checked<T>(end: Result<T, Problem>) {
    let Err(problem) = end else { return };
    let sentence = &problem.message;
    assert!(problem.status.is_client_error(), "{}: {sentence}", problem.status);
    assert!(sentence.len() <= SENTENCE_MOST, "{sentence}");
    assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
}

fn body(bytes: &[u8]) {
    checked(NewTask::from_bytes(bytes));
    checked(TaskInput::from_bytes(bytes));
}

fn webhook(bytes: &[u8]) {
    checked(WebhookInput::from_bytes(bytes));
}

fn read<T: Parameters>(text: &str) {
    checked(Query::read(Some(text), &T::names()).and_then(|query| T::read(&query)));
}

fn query(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    read::<TaskParameters>(text);
    read::<(DeliveryParameters, DeliveryPage)>(text);
    read::<(DeliveryParameters, DryRun)>(text);
    read::<JobPage>(text);
    read::<TaskIds>(text);
    read::<EventParameters>(text);
    read::<SampleParameters>(text);
    read::<WebhookParameters>(text);
    read::<FigureParameters>(text);
}

fn cursor(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    query(format!("cursor={}", utf8_percent_encode(text, NON_ALPHANUMERIC)).as_bytes());
}

/// A line with the content type, then the body.
fn incoming(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let Ok(kind) = HeaderValue::from_bytes(&bytes[..end]) else { return };
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.headers.insert(CONTENT_TYPE, kind);
    checked(object(&parts, bytes.get(end + 1..).unwrap_or_default()));
}
