//! Signing in and out: the token once, a cookie from then on.
//!
//! Who is let in by a cookie is the part of `auth`. Must never answer or log the token.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::clock;
use crate::http::app::App;
use crate::http::auth::{COOKIE, sessions};
use crate::http::body;
use crate::http::connection::Peer;
use crate::http::errors::{
    BadRequest, CrossSite, Kind, TooManyWrongSecrets, UnknownHost, WrongToken,
};
use crate::http::extract::{Body, FromObject, NoParams};
use crate::http::problem::Problem;
use crate::http::rates::Guess;
use crate::session;
use crate::store;

/// What a sign-in says.
#[derive(ToSchema)]
pub(crate) struct SessionInput {
    /// The server's `API_TOKEN`.
    #[schema(example = "tok_0123456789abcdef")]
    token: String,
}

/// What is wrong is said without showing any of it.
impl FromObject for SessionInput {
    fn from_bytes(bytes: &[u8]) -> Result<SessionInput, Problem> {
        SessionInput::from_object(&body::object(bytes).unwrap_or_default())
    }

    fn from_object(object: &Map<String, Value>) -> Result<SessionInput, Problem> {
        match object.get("token") {
            Some(Value::String(token)) if object.len() == 1 => {
                Ok(SessionInput { token: token.trim().to_owned() })
            }
            _ => Err(Problem {
                field: Some("token".to_owned()),
                ..BadRequest::saying(
                    "The body must be a JSON object with the token alone: {\"token\": \"<API_TOKEN>\"}",
                )
            }),
        }
    }
}

/// Whether the server asks for a token.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
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
        headers(("Set-Cookie" = String, description = "`btk_session`, where a token is needed"))),
        WrongToken, CrossSite, UnknownHost, TooManyWrongSecrets))]
pub(crate) async fn create_session(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    _: NoParams,
    Body(SessionInput { token: offered }): Body<SessionInput>,
) -> Result<Response, Problem> {
    let Some(token) = &app.api_token else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let now = clock::now();
    if !token.matches(&offered) {
        let wrong = WrongToken::problem();
        let peer = peer.map(|Extension(peer)| peer);
        return Err(app.rates.refusal(Guess::Secret, peer, now, wrong));
    }
    Ok(with_cookie(&app.sessions.issue(token, now), session::SECONDS, &headers))
}

/// See whether you are signed in
///
/// 401 if you are not.
#[utoipa::path(get, path = "/api/session", tag = "Server",
    responses((status = 200, description = "You are, or need not be", body = SessionView)))]
pub(crate) async fn get_session(State(app): State<App>, _: NoParams) -> Json<SessionView> {
    Json(SessionView { token_needed: app.api_token.is_some() })
}

/// Sign out
///
/// Ends the session of this browser, for everybody who has its cookie. To end all sessions, change
/// `API_TOKEN`.
#[utoipa::path(delete, path = "/api/session", tag = "Server",
    responses((status = 204, description = "Signed out")))]
pub(crate) async fn end_session(
    State(app): State<App>,
    headers: HeaderMap,
    _: NoParams,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    body::read(&parts, body).await?;
    let now = clock::now();
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
