//! The door: who is let in. The token; without one, the host name and the site; the limit over all.
//!
//! Must not know what a request asks for, beyond its method and its path.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use tokio::sync::OwnedSemaphorePermit;

use super::App;
use super::problem::Problem;

/// Open to everybody; all else asks for the token, where there is one.
const OPEN: [&str; 6] =
    ["/api/incoming-webhook", "/healthz", "/readyz", "/docs", "/api/openapi.json", "/sign-in"];

/// Below here stands nothing but files that everybody may see.
const FILES: &str = "/assets/";
/// Answered even when every place is taken, so that an overload can be seen.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

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
pub struct Place(#[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>);

pub fn admit(app: &App, request: &Request, path: &str) -> Result<Place, Problem> {
    if app.api_token.is_none() && !ANY_HOST.contains(&path) {
        expect_host(app, request)?;
        expect_same_site(request)?;
    }
    if let Some(token) = &app.api_token
        && !OPEN.contains(&path)
        && !path.starts_with(FILES)
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
    let place = Arc::clone(&app.places).try_acquire_owned().map_err(|_| {
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
