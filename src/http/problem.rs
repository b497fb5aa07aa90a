//! Problem: every answer that is not a success, as one JSON shape with a sentence for a person.
//!
//! Must not show internals: causes go to the log, once.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    /// What was wrong, what is allowed, what to do.
    #[schema(
        example = "status \"CLOSED\" is not allowed; use one of OPEN, IN_PROGRESS, DONE, CANCELLED"
    )]
    pub(crate) error: String,
    /// The kind of error, for programs; does not change.
    #[schema(example = "invalid_field")]
    pub(crate) code: &'static str,
    /// The field that is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "status")]
    pub(crate) field: Option<String>,
    /// Names this request in the server's log.
    #[schema(example = "req_7x2m9qk")]
    pub(crate) request_id: String,
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The kind of error, for programs.
    pub(crate) code: &'static str,
    /// A sentence for a person.
    pub(crate) message: String,
    /// The field that is wrong.
    pub(crate) field: Option<String>,
    /// Seconds after which to try again.
    pub(crate) retry_after: Option<u32>,
    /// For the log alone.
    pub(crate) cause: Option<String>,
}

impl Problem {
    /// An error with a sentence.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            code,
            message: message.into(),
            field: None,
            retry_after: None,
            cause: None,
        }
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400: a part of the request that is not a body field.
    pub(crate) fn bad_parameter(name: &str, what: impl std::fmt::Display) -> Problem {
        let problem = Problem::bad_request("invalid_parameter", format!("{name} {what}"));
        Problem { field: Some(name.to_owned()), ..problem }
    }

    /// 503 or 429: try again later.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer, with the id of its request.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let body = ErrorBody {
            error: self.message,
            code: self.code,
            field: self.field,
            request_id: request_id.to_owned(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == "unauthorized" {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT
            || self.status == StatusCode::PAYLOAD_TOO_LARGE
        {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Handlers hand the problem on; the outermost layer renders it, where the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
