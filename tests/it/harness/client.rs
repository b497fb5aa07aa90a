//! A small HTTP client for the tests: one call, one answer, everything in memory.
//!
//! It must not know the program's API: paths, headers and bodies come from the tests.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(40);

/// Keeps its connections, as a real client would.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at `base`, `http://host:port`.
    pub(crate) fn new(base: &str) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        Self { base: base.to_owned(), pool }
    }

    /// `http://host:port`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request that is not sent yet.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        let request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.base));
        Call { pool: self.pool.clone(), request, body: Bytes::new() }
    }
}

/// A request in the making.
pub(crate) struct Call {
    pool: Pool<HttpConnector, Full<Bytes>>,
    request: http::request::Builder,
    body: Bytes,
}

impl Call {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// The same with bytes that need not be text.
    pub(crate) fn header_value(mut self, name: &str, value: HeaderValue) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// The body as JSON.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    /// The body as it is, with its content type.
    pub(crate) fn text(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// Sends it; a connection that breaks ends the test.
    pub(crate) async fn send(self) -> Answer {
        self.attempt().await.expect("an answer")
    }

    /// Sends it; a connection that breaks is an error in words.
    pub(crate) async fn attempt(self) -> Result<Answer, String> {
        let request = self.request.body(Full::new(self.body)).map_err(|e| e.to_string())?;
        let exchange = async {
            let answer = self.pool.request(request).await.map_err(|e| format!("{e:?}"))?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await.map_err(|e| format!("answer broken off: {e:?}"))?;
            let (status, headers) = (head.status.as_u16(), head.headers);
            Ok(Answer { status, headers, body: body.to_bytes() })
        };
        match tokio::time::timeout(LIMIT, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no whole answer within {LIMIT:?}")),
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Ends the test unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "answer: {}", self.text());
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} is not JSON: {error}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, or `""` where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// Ends the test unless this is an error of the promised shape; returns its sentence.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "answer: {}", self.text());
        assert!(self.header("content-type").starts_with("application/json"), "{self:?}");
        let error = self.json();
        let sentence = error["error"].as_str().expect("`error` is a sentence");
        assert!(!sentence.is_empty());
        assert!(error["code"].is_string(), "no `code` in {error}");
        let id = error["requestId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && id == self.header("x-request-id"), "`requestId` in {error}");
        sentence.to_owned()
    }

    /// The same where more than one status would do.
    #[track_caller]
    pub(crate) fn expect_error_of(&self, statuses: &[u16]) -> String {
        assert!(statuses.contains(&self.status), "{} is none of {statuses:?}", self.status);
        self.expect_error(self.status)
    }

    /// The same for an error that names a field.
    #[track_caller]
    pub(crate) fn expect_fault(&self, status: u16, field: &str) -> String {
        let sentence = self.expect_error(status);
        let error = self.json();
        let named = error["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "`field` is {named:?}, not {field:?}, in {error}");
        sentence
    }
}
