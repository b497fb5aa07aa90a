//! Signing in and out: the token once, a cookie from then on.
//!
//! Who is let in by a cookie is the door's part. Must never answer or log the token.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::door::{COOKIE, sessions};
use super::guard::Tried;
use super::problem::Problem;
use super::query::Query;
use super::{App, Peer, body};
use crate::session;
use crate::store;

/// What a sign-in says.
#[derive(ToSchema)]
#[schema(as = SessionInput)]
#[expect(dead_code, reason = "only described here; `create_session` reads it")]
pub struct SessionInput {
    /// The server's `API_TOKEN`.
    #[schema(example = "tok_0123456789abcdef")]
    token: String,
}

/// Whether the server asks for a token.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// It does: `API_TOKEN` is set.
    #[schema(example = true)]
    token_needed: bool,
}

/// Sign in
///
/// For browsers. The answer sets a cookie that counts as the token for 30 days: a server without
/// `API_TOKEN` sets none. With it, a write is taken only from this server's own pages. Programs send
/// the token itself.
#[utoipa::path(post, path = "/api/session", tag = "Server", security(()),
    request_body(content = SessionInput, example = json!({"token": "tok_0123456789abcdef"})),
    responses((status = 204, description = "Signed in",
        headers(("Set-Cookie" = String, description = "`btk_session`, where a token is needed")))))]
pub async fn create_session(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    Query::read(request.uri().query(), &[])?;
    let (headers, peer) = (request.headers().clone(), request.extensions().get::<Peer>().copied());
    body::expect_json(&headers)?;
    let bytes = body::read(request).await?;
    let offered = offered(&bytes)?;
    let Some(token) = &app.api_token else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let now = app.clock.now();
    if !token.matches(&offered) {
        let wrong = Problem::unauthorized(
            "wrong_token",
            "That is not the token of this server; it is the API_TOKEN in its settings",
        );
        return Err(app.guard.refusal(Tried::Secret, peer, now, wrong));
    }
    Ok(with_cookie(&app.sessions.issue(token, now), session::SECONDS, &headers))
}

/// The token that a body holds. What is wrong is said without showing any of it.
fn offered(bytes: &[u8]) -> Result<String, Problem> {
    let object = body::object(bytes).unwrap_or_default();
    match object.get("token") {
        Some(Value::String(token)) if object.len() == 1 => Ok(token.trim().to_owned()),
        _ => Err(Problem {
            field: Some("token".to_owned()),
            ..Problem::bad_request(
                "invalid_field",
                "The body must be a JSON object with the token alone: {\"token\": \"<API_TOKEN>\"}",
            )
        }),
    }
}

/// See whether you are signed in
///
/// 401 if you are not.
#[utoipa::path(get, path = "/api/session", tag = "Server",
    responses((status = 200, description = "You are, or need not be", body = SessionView)))]
pub async fn get_session(
    State(app): State<App>,
    request: Request,
) -> Result<Json<SessionView>, Problem> {
    Query::read(request.uri().query(), &[])?;
    Ok(Json(SessionView { token_needed: app.api_token.is_some() }))
}

/// Sign out
///
/// Ends the session of this browser, for everybody who has its cookie. To end all sessions, change
/// `API_TOKEN`.
#[utoipa::path(delete, path = "/api/session", tag = "Server",
    responses((status = 204, description = "Signed out")))]
pub async fn end_session(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    Query::read(request.uri().query(), &[])?;
    let headers = request.headers().clone();
    body::read(request).await?;
    let now = app.clock.now();
    let shown = app.api_token.as_ref().map(|token| sessions(&app, token, &headers, now));
    if let Some(ended) = shown.filter(|ended| !ended.is_empty()) {
        let written = ended.clone();
        app.store.write(move |tx| store::end_sessions(tx, &written, now)).await?;
        app.sessions.end(&ended, now);
        app.signed_out.send_replace(());
    }
    Ok(with_cookie("", 0, &headers))
}

/// 204 with the cookie. Over TLS it never leaves in the clear; that a proxy speaks TLS for us is
/// known from the page that asks.
fn with_cookie(value: &str, seconds: i64, asked: &HeaderMap) -> Response {
    let is_tls = asked.get(header::ORIGIN).is_some_and(|o| o.as_bytes().starts_with(b"https://"));
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    // Digits, a full stop and hexadecimal text: always a header.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
