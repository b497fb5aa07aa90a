//! Who is let in: with the token or a session; without a token by the host name and the site (CSRF); and how often, over
//! all (rate limit).
//!
//! Must not know what a request asks for, beyond its method and its path.

use std::net::IpAddr;

use axum::extract::Request;
use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::app::App;
use super::connection::{NoRoom, Peer};
use super::errors::{CrossSite, Kind, Unauthorized, UnknownHost};
use super::places::{self, Place};
use super::problem::Problem;
use super::rates::Guess;
use super::unreadable::{self, HEADERS_MOST};
use crate::clock;
use crate::model::Time;
use crate::secret::Secret;

/// Open to everybody; all else asks for the token, where there is one.
const OPEN: [&str; 6] =
    ["/api/incoming-webhook", "/healthz", "/readyz", "/docs", "/api/openapi.json", "/sign-in"];

/// Below here stands nothing but files that everybody may see.
const FILES: &str = "/assets/";

/// Where one signs in, by POST: open too.
const SIGN_IN: &str = "/api/session";

/// Answered even when every place is taken, so that an overload can be seen.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Asked for by machines that know the server under any name.
const ANY_HOST: [&str; 3] = ["/api/incoming-webhook", "/healthz", "/readyz"];

/// The cookie that counts as the token.
pub(crate) const COOKIE: &str = "btk_session";

/// Without a token, only names that no stranger can give to this machine are answered: else a page
/// elsewhere could point its own name here and act as its reader ("DNS rebinding").
fn expect_host(app: &App, request: &Request) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let Some(host) = hosts.next() else { return Ok(()) };
    let authority = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    // What no browser sends: two names, a user in one.
    let authority = authority.filter(|a| hosts.next().is_none() && !a.as_str().contains('@'));
    // A dot at the end is that of the root: the same name, as people and some proxies write it.
    let bare =
        |host: &str| host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let name = authority.as_ref().map(|a| bare(a.host()));
    let allowed = name.as_deref().is_some_and(|name| {
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok()
            || public_host(app).is_some_and(|ours| ours.eq_ignore_ascii_case(name))
    });
    if allowed {
        return Ok(());
    }
    let shown: String = name.unwrap_or_default().chars().take(60).collect();
    if shown.is_empty() {
        return Err(UnknownHost::saying(
            "The Host header is empty, no host name, or there twice: send one with the host of this \
             server's address, such as Host: localhost",
        ));
    }
    Err(UnknownHost::of(&[&shown, &shown]))
}

/// The host of `PUBLIC_URL`.
pub(crate) fn public_host(app: &App) -> Option<&str> {
    app.public_url.as_ref()?.host()
}

/// Which page a browser says that a request comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Ours,
    Elsewhere,
    /// It does not say: a program, or a browser that was told the address by its reader.
    Untold,
}

/// `Sec-Fetch-Site` decides alone where it stands, for no page can forge it and no proxy changes
/// what it means; `Host` may have been rewritten on the way. Older browsers send only `Origin`.
fn came_from(app: &App, headers: &HeaderMap) -> Source {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or_default());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin") => return Source::Ours,
        Some("none") => return Source::Untold,
        Some(_) => return Source::Elsewhere,
        None => {}
    }
    let Some(origin) = text(header::ORIGIN) else { return Source::Untold };
    let Some((scheme, origin)) = origin.parse().ok().as_ref().and_then(origin_of) else {
        return Source::Elsewhere;
    };
    let host = text(header::HOST).and_then(|host| format!("{scheme}://{host}").parse().ok());
    let ours = [host.as_ref(), app.public_url.as_ref()].into_iter().flatten().filter_map(origin_of);
    if ours.into_iter().any(|ours| ours == (scheme.clone(), origin.clone())) {
        Source::Ours
    } else {
        Source::Elsewhere
    }
}

/// Scheme, and host with port, as browsers compare them.
fn origin_of(url: &Uri) -> Option<(String, String)> {
    let (scheme, host) =
        (url.scheme_str()?, url.host()?.trim_end_matches('.').to_ascii_lowercase());
    let port = url.port_u16().or(match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    })?;
    Some((scheme.to_owned(), format!("{host}:{port}")))
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What a page of another site sends in its reader's name changes nothing.
fn expect_same_site(app: &App, request: &Request) -> Result<(), Problem> {
    if is_write(request.method()) && came_from(app, request.headers()) == Source::Elsewhere {
        return Err(CrossSite::problem());
    }
    Ok(())
}

/// The token, or a session. A token that is wrong is not made good by a session.
fn expect_token(app: &App, token: &Secret, request: &Request, path: &str) -> Result<(), Problem> {
    if path == SIGN_IN && request.method() == Method::POST {
        return expect_same_site(app, request);
    }
    if OPEN.contains(&path) || path.starts_with(FILES) {
        return Ok(());
    }
    let (headers, now) = (request.headers(), clock::now());
    let is_let_in = match bearer(headers) {
        Bearer::Is(offered) if token.matches(offered) => true,
        Bearer::Is(_) => {
            let peer = request.extensions().get::<Peer>().copied();
            return Err(app.rates.refusal(Guess::Token, peer, now, Unauthorized::problem()));
        }
        Bearer::Unclear => false,
        Bearer::None => {
            let is_in = !sessions(app, token, headers, now).is_empty();
            if is_in && is_write(request.method()) && came_from(app, headers) != Source::Ours {
                return Err(CrossSite::saying(
                    "With a session, changes are taken only from this server's own pages. Is this one, \
                     set PUBLIC_URL to its address; a program sends API_TOKEN as \
                     Authorization: Bearer <token>",
                ));
            }
            is_in
        }
    };
    if is_let_in { Ok(()) } else { Err(Unauthorized::problem()) }
}

/// The sessions that a request shows: until when each holds.
pub(crate) fn sessions(app: &App, token: &Secret, headers: &HeaderMap, now: Time) -> Vec<Time> {
    cookies(headers).filter_map(|value| app.sessions.until(token, value, now)).collect()
}

/// Lets a request in, or says why not. Those that show how the server is doing take no place.
pub(crate) fn admit(app: &App, request: &Request, path: &str) -> Result<Option<Place>, Problem> {
    if request.headers().len() > HEADERS_MOST {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let (code, message) = unreadable::words(status.as_u16());
        return Err(Problem::new(status, code, message));
    }
    match &app.api_token {
        Some(token) => expect_token(app, token, request, path)?,
        None if ANY_HOST.contains(&path) => {}
        None => {
            expect_host(app, request)?;
            expect_same_site(app, request)?;
        }
    }
    if ALWAYS.contains(&path) {
        return Ok(None);
    }
    if request.extensions().get::<NoRoom>().is_some() {
        return Err(places::busy());
    }
    // An incoming webhook has shown its secret before its body is read.
    let is_strange = path == SIGN_IN && request.method() == Method::POST;
    app.places.take(is_strange).map(Some)
}

/// What `Authorization` says.
enum Bearer<'h> {
    /// No token. A password for a proxy on the way (`Basic`) is not ours to read.
    None,
    /// `Bearer` and this token.
    Is(&'h str),
    /// A token is meant, but which?
    Unclear,
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let all: Vec<&[u8]> =
        headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let is_bearer =
        |value: &&[u8]| value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"));
    if !all.iter().any(is_bearer) {
        return Bearer::None;
    }
    let [value] = all[..] else { return Bearer::Unclear };
    match str::from_utf8(value).ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.len() == 6 => Bearer::Is(token.trim()),
        _ => Bearer::Unclear,
    }
}

/// Whether a browser holds a session, be it one that has ended.
pub(crate) fn has_cookie(headers: &HeaderMap) -> bool {
    cookies(headers).next().is_some()
}

/// How many cookies of our name are looked at: other programs on the same host may set some, too.
const COOKIES_MOST: usize = 8;

/// The values of cookies of our name. What other cookies hold, which need not be text, is nothing to us.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()
    });
    pairs.take(COOKIES_MOST)
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::security::SecurityRequirement;

    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn cookies_of_our_name_are_found_among_any_others() {
        for (lines, found) in [
            (&["btk_session=1.ab"][..], &["1.ab"][..]),
            (&["a=b; btk_session=1.ab; btk_session=2.cd"], &["1.ab", "2.cd"]),
            (&["a=b", "c=d;btk_session=x=y"], &["x=y"]),
            (&["name=Jörg; btk_session=1.ab"], &["1.ab"]),
            (&["btk_session=; btk_session=1.ab"], &["", "1.ab"]),
            (&["xbtk_session=1.ab; BTK_SESSION=1.ab; btk_session; btk_session =1"], &[]),
            (&["a=\"; btk_session=1.ab\""], &["1.ab\""]),
            (&[], &[]),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            assert_eq!(cookies(&headers).collect::<Vec<_>>(), found, "{lines:?}");
        }
        let many = "btk_session=1; ".repeat(100);
        assert_eq!(cookies(&headers(&header::COOKIE, &[&many])).count(), COOKIES_MOST);
    }

    #[test]
    fn a_token_stands_alone_or_is_none() {
        let token = |values: &[&str]| match bearer(&headers(&header::AUTHORIZATION, values)) {
            Bearer::None => "none".to_owned(),
            Bearer::Is(token) => format!("is {token}"),
            Bearer::Unclear => "unclear".to_owned(),
        };
        assert_eq!(token(&["Bearer abc"]), "is abc");
        assert_eq!(token(&["bEARER  abc "]), "is abc");
        for unclear in [&["Bearer"][..], &["Bearer abc", "Bearer abc"], &["Basic x", "Bearer abc"]]
        {
            assert_eq!(token(unclear), "unclear", "{unclear:?}");
        }
        for none in [&[][..], &[""], &["Basic abc"], &["abc"]] {
            assert_eq!(token(none), "none", "{none:?}");
        }
    }

    /// The page to sign in stands in no document; beside it, what is open here is what the document calls open.
    #[test]
    fn what_is_open_is_what_the_document_says() {
        let (_, document) = crate::http::routes::routes().split_for_parts();
        let is_open = |path: &str, method: Method| {
            OPEN.contains(&path) || (path == SIGN_IN && method == Method::POST)
        };
        let mut said = vec!["/sign-in".to_owned()];
        for (path, operations) in &document.paths.paths {
            let all = [
                (Method::GET, &operations.get),
                (Method::POST, &operations.post),
                (Method::PUT, &operations.put),
                (Method::PATCH, &operations.patch),
                (Method::DELETE, &operations.delete),
            ];
            for (method, operation) in all {
                let Some(operation) = operation else { continue };
                let says_open = operation.security == Some(vec![SecurityRequirement::default()]);
                assert_eq!(says_open, is_open(path, method), "{path}");
                said.extend(says_open.then(|| path.clone()));
            }
        }
        assert!(OPEN.iter().all(|path| said.iter().any(|known| known == path)), "{said:?}");
    }

    #[test]
    fn origins_are_compared_with_their_ports() {
        let of = |text: &str| origin_of(&text.parse().unwrap());
        assert_eq!(of("https://Tasks.example.org/btk"), of("https://tasks.example.org:443"));
        assert_ne!(of("https://tasks.example.org"), of("http://tasks.example.org"));
        assert_ne!(of("http://localhost:5000"), of("http://localhost:5001"));
        assert_eq!(of("null"), None);
    }
}
