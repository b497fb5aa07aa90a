//! The list of routes for people (`/docs`), made from the OpenAPI document, in the frame of the pages.
//!
//! Must not know any route by itself.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::app::App;
use super::pages::assets::Assets;

/// Every address on one page, with a curl line each
#[utoipa::path(get, path = "/docs", tag = "Server", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(crate) async fn docs(State(app): State<App>, asked: HeaderMap) -> Response {
    let csp = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
               frame-ancestors 'none'";
    let policy = [(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(csp))];
    (policy, app.docs.answer(&asked, "text/html; charset=utf-8")).into_response()
}

/// One operation of the document.
struct Route<'d> {
    path: &'d str,
    method: &'d str,
    operation: &'d Value,
}

impl Route<'_> {
    fn text(&self, key: &str) -> &str {
        self.operation[key].as_str().unwrap_or_default()
    }

    /// Where it stands on the page.
    fn anchor(&self) -> String {
        escape(self.text("operationId"))
    }

    /// `GET /api/tasks`.
    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), escape(self.path))
    }

    /// Its line in the contents.
    fn line(&self) -> String {
        let (anchor, summary) = (self.anchor(), code(&escape(self.text("summary"))));
        format!("<li><a href=\"#{anchor}\"><code>{}</code></a> {summary}</li>", self.name())
    }

    /// All about it.
    fn entry(&self, address: &str, has_token: bool) -> String {
        format!(
            "<h3 id=\"{}\"><code>{}</code></h3><p>{}</p><p>{}</p><pre tabindex=\"0\">{}</pre>",
            self.anchor(),
            self.name(),
            code(&escape(self.text("summary"))),
            code(&escape(self.text("description"))),
            escape(&curl(self.path, self.method, self.operation, address, has_token)),
        )
    }
}

/// The page, from the document.
pub(crate) fn page(document: &Value, address: &str, has_token: bool, assets: &Assets) -> String {
    let nothing = Vec::new();
    let tags = document["tags"].as_array().unwrap_or(&nothing);
    let names = tags.iter().map(|tag| tag["name"].as_str().unwrap_or_default());
    let groups: Vec<(&str, Vec<Route<'_>>)> =
        names.map(|name| (name, routes_of(document, name))).collect();
    let hash = &assets.hash;
    let (mut contents, mut all) = (String::new(), String::new());
    for (name, routes) in &groups {
        let (id, name) = (anchor_of(name), escape(name));
        let lines: String = routes.iter().map(Route::line).collect();
        contents.push_str(&format!("<li><a href=\"#{id}\">{name}</a><ul>{lines}</ul></li>"));
        all.push_str(&format!("<h2 id=\"{id}\">{name}</h2>"));
        all.extend(routes.iter().map(|route| route.entry(address, has_token)));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>API · BTK</title><link rel=\"icon\" type=\"image/svg+xml\" href=\"/assets/{hash}/icon.svg\">\
         <link rel=\"stylesheet\" href=\"/assets/{hash}/style.css\"></head>\
         <body class=\"page-docs\"><a class=\"skip\" href=\"#main\">Skip to the content</a>{}\
         <main class=\"docs\" id=\"main\" tabindex=\"-1\"><h1>BTK-System {}</h1><p>{}</p>\
         <p>For programs: <a href=\"/api/openapi.json\">/api/openapi.json</a> (OpenAPI 3.1).</p>\
         <nav class=\"contents\" aria-labelledby=\"contents\"><h2 id=\"contents\">Contents</h2><ul>{contents}</ul></nav>\
         {all}</main></body></html>\n",
        frame(&assets.shell),
        escape(document["info"]["version"].as_str().unwrap_or_default()),
        escape(document["info"]["description"].as_str().unwrap_or_default()),
    )
}

/// The head of every page with the way to the others, this one marked.
fn frame(shell: &str) -> String {
    let inner = shell.split_once("<header").and_then(|(_, rest)| rest.split_once("</header>"));
    let inner = inner.map(|(inner, _)| inner).unwrap_or_default();
    let here = "href=\"/docs\"";
    format!("<header{}</header>", inner.replace(here, &format!("{here} aria-current=\"page\"")))
}

fn routes_of<'d>(document: &'d Value, tag: &str) -> Vec<Route<'d>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| Route { path, method, operation })
    });
    all.filter(|route| route.operation["tags"][0] == tag).collect()
}

fn anchor_of(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
}

/// A line that can be pasted into a shell.
fn curl(path: &str, method: &str, operation: &Value, address: &str, has_token: bool) -> String {
    let mut path = path.to_owned();
    let nothing = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap_or(&nothing) {
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["in"] == "path" {
            let example = parameter["example"].as_str().unwrap_or("…");
            path = path.replace(&format!("{{{name}}}"), example);
        } else if parameter["in"] == "query"
            && (parameter["required"] == true || parameter["example"].is_string())
        {
            let example = parameter["example"].as_str().unwrap_or("…");
            let sign = if path.contains('?') { '&' } else { '?' };
            path.push_str(&format!("{sign}{name}={example}"));
        }
    }
    let mut line = match method {
        "get" => format!("curl '{address}{path}'"),
        _ => format!("curl -X {} '{address}{path}'", method.to_uppercase()),
    };
    let is_guarded = operation.get("security").is_none();
    if is_guarded && has_token {
        line.push_str(" \\\n  -H 'Authorization: Bearer <API_TOKEN>'");
    }
    let body = &operation["requestBody"]["content"]["application/json"];
    if let Some(body) = body.get("example") {
        let mut parameters = operation["parameters"].as_array().unwrap_or(&nothing).iter();
        if parameters.any(|parameter| parameter["name"] == "X-Webhook-Secret") {
            line.push_str(" \\\n  -H 'X-Webhook-Secret: <WEBHOOK_SECRET>'");
        }
        line.push_str(&format!(" \\\n  -H 'Content-Type: application/json' -d '{body}'"));
    }
    line
}

/// Text between backticks as code; the text is escaped already.
fn code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces
        .map(
            |(n, piece)| {
                if n % 2 == 1 { format!("<code>{piece}</code>") } else { piece.to_owned() }
            },
        )
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_curl_line_and_a_line_in_the_contents_for_every_route() {
        let (_, document) = crate::http::routes::routes().split_for_parts();
        let document = super::super::openapi::complete(&document);
        let assets = Assets::new();
        let html = page(&document, "http://127.0.0.1:5000", true, &assets);
        let routes: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_object().unwrap().len())
            .sum();
        assert_eq!(html.matches("<pre tabindex=\"0\">curl").count(), routes);
        assert!(html.contains("'http://127.0.0.1:5000/api/deliveries/dlv_42_default/redeliver'"));
        let mut links = 0;
        for link in html.split("href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
            links += 1;
        }
        assert!(links > routes, "{links} lines for {routes} routes");
        assert!(html.contains("href=\"/docs\" aria-current=\"page\""));
        let frame = frame(&assets.shell);
        assert!(frame.contains("<nav") && !frame.contains('%'), "{frame}");
    }
}
