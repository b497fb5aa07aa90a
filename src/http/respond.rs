//! The outermost layer: a name for each request, the door, and one shape for every answer.
//!
//! Request ids, the token, the limit over all, problems rendered, causes logged once, metrics. Must
//! not know any route but those that are open. Never logs a query string or a secret.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::App;
use super::problem::Problem;
use crate::metrics::RequestLabels;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Open to everybody; all else asks for the token, where there is one.
const OPEN: [&str; 7] = [
    "/",
    "/api/incoming-webhook",
    "/healthz",
    "/readyz",
    "/docs",
    "/docs.css",
    "/api/openapi.json",
];
/// Answered even when every place is taken, so that an overload can be seen.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Wraps every request.
pub async fn respond(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = named(request.headers()).unwrap_or_else(|| app.ids.request());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());

    let mut response = match admit(&app, &request, &path) {
        Err(problem) => problem.into_response(),
        Ok(_place) => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_panic) => Problem {
                cause: Some("a handler panicked".to_owned()),
                ..Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "The server met a fault of its own; its log says more under this requestId",
                )
            }
            .into_response(),
        },
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = &problem.cause {
            tracing::error!(request = id, "{method} {path} failed: {cause}");
        }
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.render(&id);
        if let Some(methods) = allow {
            response.headers_mut().insert(header::ALLOW, methods);
        }
    }
    let status = response.status().as_u16();
    let spent = began.elapsed();
    tracing::debug!(request = id, status, ms = spent.as_millis(), "{method} {path}");
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

/// The id that a proxy or client gave the request, if it is one that may stand in a log.
fn named(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    ((1..=64).contains(&id.len()) && id.chars().all(plain)).then(|| id.to_owned())
}

/// Asked for by machines that know the server under any name.
const ANY_HOST: [&str; 3] = ["/api/incoming-webhook", "/healthz", "/readyz"];

/// Without a token, only names that no stranger can give to this machine are answered: else a page
/// elsewhere could point its own name here and act as its reader ("DNS rebinding").
fn expect_host(app: &App, request: &Request) -> Result<(), Problem> {
    let Some(host) = request.headers().get(header::HOST) else { return Ok(()) };
    let authority = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    let name = authority.as_ref().map(|a| a.host().trim_matches(['[', ']']).to_ascii_lowercase());
    let allowed = name.as_deref().is_some_and(|name| {
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok()
            || app.public_host.as_deref() == Some(name)
    });
    if allowed {
        return Ok(());
    }
    let shown: String = name.unwrap_or_default().chars().take(60).collect();
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        format!(
            "This server does not answer to the name \"{shown}\". If it is its name, set \
             PUBLIC_URL=https://{shown} (or API_TOKEN) and restart"
        ),
    ))
}

/// Without a token, what a page of another site sends in its reader's name changes nothing: browsers
/// say where a request comes from.
fn expect_same_site(request: &Request) -> Result<(), Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let origin = text(header::ORIGIN).map(|url| url.split("://").nth(1).unwrap_or_default());
    let is_foreign = site.is_some_and(|site| site != "same-origin" && site != "none")
        || origin.is_some_and(|origin| Some(origin) != text(header::HOST));
    if is_foreign {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "A page of another site may not change anything here; set API_TOKEN and send it to do so",
        ));
    }
    Ok(())
}

/// The place that a request takes until its answer begins; none for those that need none.
struct Place(
    #[expect(dead_code, reason = "held, not read")] Option<tokio::sync::OwnedSemaphorePermit>,
);

fn admit(app: &App, request: &Request, path: &str) -> Result<Place, Problem> {
    if app.api_token.is_none() && !ANY_HOST.contains(&path) {
        expect_host(app, request)?;
        expect_same_site(request)?;
    }
    if let Some(token) = &app.api_token
        && !OPEN.contains(&path)
        && !bearer(request.headers()).is_some_and(|offered| token.matches(offered))
    {
        return Err(Problem::unauthorized(
            "unauthorized",
            "Unauthorized: send the server's API_TOKEN as Authorization: Bearer <token>",
        ));
    }
    if ALWAYS.contains(&path) {
        return Ok(Place(None));
    }
    let place = std::sync::Arc::clone(&app.places).try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "The server answers as many requests as it can; try again in a second",
        )
        .retry_after(1)
    })?;
    Ok(Place(Some(place)))
}

/// The token of `Authorization: Bearer …`, where that header stands exactly once.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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

/// No such address.
pub async fn no_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_address",
        "There is nothing at this address; /docs lists all of them",
    )
}

/// The address is there, but not for this method; `Allow` says for which.
pub async fn no_method(method: Method) -> Problem {
    let shown: String = method.as_str().chars().take(20).collect();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{shown} is not allowed at this address; the Allow header and /docs say what is"),
    )
}
