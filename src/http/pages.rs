//! The pages for people: one shell for all, which says what the page is and which script fills it.
//!
//! The data comes from the API like everybody's. Must not know any of it.

#![doc = include_str!("../../docs/internals/pages.md")]

pub(crate) mod assets;
pub(crate) mod figures;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod stream;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use self::assets::Assets;
use super::app::App;
use super::problem::Problem;

/// One file of the pages.
pub(crate) async fn asset(
    State(app): State<App>,
    Path((hash, path)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    app.assets.answer(&hash, &path, &asked).ok_or_else(|| Problem::not_found("File"))
}

/// A page.
struct Page {
    /// Where it is.
    path: &'static str,
    /// What it is called.
    title: &'static str,
    /// The script that fills it, below `assets/pages`.
    script: &'static str,
}

const fn page(path: &'static str, title: &'static str, script: &'static str) -> Page {
    Page { path, title, script }
}

const PAGES: [Page; 6] = [
    page("/", "Board", "board"),
    page("/deliveries", "Deliveries", "deliveries"),
    page("/webhooks", "Webhooks", "webhooks"),
    page("/setup", "Set up Make", "setup"),
    page("/overview", "Overview", "overview"),
    page("/sign-in", "Sign in", "sign-in"),
];

/// What stands where there is nothing.
const NOWHERE: Page = page("", "Nothing here", "nowhere");

/// Only our own files, and nothing that a text could smuggle in.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Adds the address of each page.
pub(crate) fn add(mut router: Router<App>) -> Router<App> {
    for page in &PAGES {
        let show = async |State(app): State<App>| page.show(&app.assets);
        router = router.route(page.path, get(show));
    }
    router
}

/// Whether a person opens an address in a browser. Programs such as n8n take pages too, but name JSON beside them.
fn is_visit(request: &Request) -> bool {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let wants = |kind: &str| {
        let mut wanted = request.headers().get_all(header::ACCEPT).iter();
        wanted.any(|kinds| kinds.to_str().is_ok_and(|text| text.contains(kind)))
    };
    is_read && wants("text/html") && !wants("application/json")
}

/// The page that says that there is nothing at an address; for people alone.
pub(crate) fn nowhere(app: &App, request: &Request) -> Option<Response> {
    let page = is_visit(request).then(|| NOWHERE.show(&app.assets))?;
    Some((StatusCode::NOT_FOUND, page).into_response())
}

/// Whether what stands at an address is for programs: it is refused in words, whoever asks.
fn is_data(path: &str) -> bool {
    let is_below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/api", "/metrics"].into_iter().any(is_below)
}

/// Whoever opens a page without a session signs in first and is led back to it; so is whoever opens an address with
/// nothing, since a stranger is not told what is there. `has_ended`: there was one.
pub(crate) fn to_sign_in(
    request: &Request,
    problem: &Problem,
    has_ended: bool,
) -> Option<Response> {
    let uri = request.uri();
    if problem.code != "unauthorized" || is_data(uri.path()) || !is_visit(request) {
        return None;
    }
    let asked = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // A browser takes `//elsewhere` for the address of another site: nobody is led on to that.
    let is_ours = asked.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let asked = if is_ours { asked } else { "/" };
    let next: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    let why = if has_ended { "&why=ended" } else { "" };
    Some(Redirect::to(&format!("/sign-in?next={next}{why}")).into_response())
}

impl Page {
    fn show(&self, assets: &Assets) -> Response {
        let html = assets
            .shell
            .replace("%TITLE%", self.title)
            .replace("%PAGE%", self.script)
            .replace("%HASH%", &assets.hash);
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            // Kept only to be asked for again: it names the files of one version.
            (header::CACHE_CONTROL, "no-cache"),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value)));
        (headers, html).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_names_files_that_are_there_and_nothing_stays_open() {
        for page in PAGES.iter().chain([&NOWHERE]) {
            let script = format!("/assets/pages/{}.js", page.script);
            let root = env!("CARGO_MANIFEST_DIR");
            assert!(std::fs::exists(format!("{root}{script}")).unwrap(), "{script}");
        }
        let shell = Assets::new().shell;
        for place in ["%TITLE%", "%PAGE%", "%HASH%"] {
            assert!(shell.contains(place), "{place}");
        }
        let rest = shell.replace("%TITLE%", "").replace("%PAGE%", "").replace("%HASH%", "");
        let open =
            rest.split('%').skip(1).find(|t| t.starts_with(|c: char| c.is_ascii_uppercase()));
        assert_eq!(open, None, "nothing fills this in");
    }
}
