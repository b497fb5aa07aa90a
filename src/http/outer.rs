//! The outermost layer: a name for each request, who is let in, and one shape for every answer.
//!
//! Request ids, problems rendered, causes logged once, metrics. Must not know any route, nor who is
//! let in: that is `auth`. Never logs a query string or a secret.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::app::App;
use super::auth::{self, admit};
use super::errors::{Internal, Kind, NoMethod};
use super::gzip::{packed, takes_gzip};
use super::pages;
use super::problem::Problem;
use super::takers::Client;
use crate::metrics::RequestLabels;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every request.
pub(crate) async fn respond(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = named(request.headers()).unwrap_or_else(|| app.ids.request());
    let method = request.method().clone();
    let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
    let may_pack = takes_gzip(request.headers());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());

    let mut response = match admit(&app, &request, &path) {
        Err(problem) => {
            let had_session = auth::has_cookie(request.headers());
            pages::to_sign_in(&request, &problem, had_session)
                .unwrap_or_else(|| problem.into_response())
        }
        Ok(place) => {
            if let Some(place) = place.clone().filter(|_| !request.body().is_end_stream()) {
                request.extensions_mut().insert(place);
            }
            let mut answer = answered(next.run(request)).await;
            let held = app.room.hold(&mut answer, &client, !method.is_safe()).await;
            drop(place);
            held.map_or_else(|busy| Problem::from(busy).into_response(), |()| answer)
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = &problem.cause {
            tracing::error!(request = id, "{method} {} failed: {cause}", app.masked(&path));
        }
        let allow = response.headers_mut().remove(header::ALLOW);
        response = app.told(problem).render(&id);
        if let Some(methods) = allow {
            response.headers_mut().insert(header::ALLOW, methods);
        }
    }
    if may_pack {
        response = packed(response).await;
    }
    let status = response.status().as_u16();
    let spent = began.elapsed();
    let ms = spent.as_millis();
    tracing::debug!(request = id, status, ms, "{method} {}", app.masked(&path));
    let labels = RequestLabels {
        method: known_method(&method),
        path: route.unwrap_or_else(|| "other".to_owned()),
        status,
    };
    app.metrics.requests.get_or_create(&labels).inc();
    app.metrics.request_duration.observe(spent.as_secs_f64());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What a handler answers. One that panics ends nothing but its own request.
async fn answered(handler: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(handler).catch_unwind().await.unwrap_or_else(|_panic| {
        Problem {
            cause: Some("a handler panicked".to_owned()),
            ..Internal::saying(
                "The server met a fault of its own; its log says more under this requestId",
            )
        }
        .into_response()
    })
}

/// The id that a proxy or client gave the request, if it is one that may stand in a log.
fn named(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    ((1..=64).contains(&id.len()) && id.chars().all(plain)).then(|| id.to_owned())
}

/// Methods as a label: anything a client invents is `other`.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// No such address: a page for people, a problem for programs.
pub(crate) async fn no_route(State(app): State<App>, request: Request) -> Response {
    pages::nowhere(&app, &request).unwrap_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_address",
            "There is nothing at this address; /docs lists all of them",
        )
        .into_response()
    })
}

/// The address is there, but not for this method; `Allow` says for which.
pub(crate) async fn no_method(method: Method) -> Problem {
    let shown: String = method.as_str().chars().take(20).collect();
    NoMethod::of(&[&shown])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        let mut response = answered(async { panic!("as if") }).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let problem = response.extensions_mut().remove::<Problem>().expect("one to be rendered");
        assert_eq!(problem.code, "internal");
        assert!(problem.cause.is_some_and(|cause| cause.contains("panicked")), "it is logged");
        assert!(problem.message.contains("requestId"));
    }
}
