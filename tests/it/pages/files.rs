//! The pages: their addresses, what they may load, and the files that they are made of.

use crate::harness::{Answer, Server};

const PAGES: [&str; 6] = ["/", "/deliveries", "/webhooks", "/setup", "/overview", "/sign-in"];

/// The addresses of our own files on a page.
fn files(page: &Answer) -> Vec<String> {
    let text = page.text();
    let starts = text.match_indices("\"/assets/");
    starts.filter_map(|(at, _)| text[at + 1..].split('"').next().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_and_loads_only_our_own_files() {
    let server = Server::start(&[]).await;
    for path in PAGES {
        let page = server.get(path).await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|found| found == part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let files = files(&page);
        assert!(files.iter().any(|file| file.contains("/pages/")), "{path}: {}", page.text());
        for file in files {
            let answer = server.get(&file).await.expect(200);
            let kind = answer.header("content-type");
            let meant = match file.rsplit('.').next() {
                Some("js") => "text/javascript",
                Some("css") => "text/css",
                _ => "image/svg+xml",
            };
            assert!(kind.starts_with(meant), "{file}: {kind}");
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        }
        let head = server.call("HEAD", path).send().await.expect(200);
        assert!(head.body.is_empty() && head.header("content-type").starts_with("text/html"));
        let post = server.call("POST", path).send().await;
        post.expect_error(405);
        assert!(post.header("allow").contains("GET"), "{post:?}");
        // With a query, which is the page's own affair, and with a slash at the end.
        server.get(&format!("{path}?status=failed&q=%C3%A9")).await.expect(200);
        server.get(&format!("{path}/")).await.expect(200);
    }
    let docs = server.get("/docs").await.expect(200);
    let style = files(&docs).into_iter().find(|file| file.ends_with("/style.css")).expect("style");
    server.get(&style).await.expect(200);
    server.get("/docs.css").await.expect_error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_files_of_this_version_are_served() {
    let server = Server::start(&[]).await;
    let page = server.get("/").await.expect(200);
    let file = files(&page).into_iter().find(|file| file.ends_with("/style.css")).expect("style");
    let hash = file.split('/').nth(2).expect("a hash").to_owned();
    for path in [
        "/assets".to_owned(),
        format!("/assets/{hash}"),
        format!("/assets/{hash}/none.css"),
        format!("/assets/{hash}/shell.html"),
        format!("/assets/{hash}/../Cargo.toml"),
        format!("/assets/{hash}/%2e%2e/Cargo.toml"),
        format!("/assets/{hash}/pages/../style.css"),
        format!("/assets/{hash}//style.css"),
        format!("/assets/{}/style.css", "0".repeat(hash.len())),
        "/assets//style.css".to_owned(),
        "/assets/style.css".to_owned(),
    ] {
        let answer = server.get(&path).await;
        answer.expect_error(404);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    server.call("POST", &file).send().await.expect_error(405);
}

/// Where there is nothing, a person sees a page with the way on, and a program a problem.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_a_page_for_people_and_json_for_programs() {
    const TOKEN: &str = "a-token-of-this-test-0123456789";
    let server = Server::start(&[]).await;
    let visit = |server: &Server, method: &str, path: &str| {
        server.call(method, path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    };
    for path in ["/nothing", "/delivery", "/api/nothing", "/a/b/c?d=e"] {
        let page = visit(&server, "GET", path).send().await.expect(404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        assert!(page.text().contains("Nothing here"), "{path}: {}", page.text());
        let head = visit(&server, "HEAD", path).send().await.expect(404);
        assert!(head.body.is_empty() && head.header("content-type").starts_with("text/html"));
        assert_eq!(server.get(path).await.expect(404).json()["code"], "no_such_address");
        // n8n takes pages too.
        for kinds in ["*/*", "application/json,text/html,application/xhtml+xml,*/*;q=0.7"] {
            let any = server.call("GET", path).header("accept", kinds).send().await;
            any.expect_error(404);
        }
        visit(&server, "POST", path).send().await.expect_error(404);
    }
    // What an address of the API says, it says to everybody in the same way.
    visit(&server, "GET", "/api/tasks/unknown").send().await.expect_error(404);

    // A stranger does not learn what is there and what is not: a person is led to the sign-in from everywhere.
    let guarded = Server::start(&[("HOST", "127.0.0.1"), ("API_TOKEN", TOKEN)]).await;
    let stranger = visit(&guarded, "GET", "/nothing").send().await.expect(303);
    assert_eq!(stranger.header("location"), "/sign-in?next=%2Fnothing");
    visit(&guarded, "GET", "/api/nothing").send().await.expect_error(401);
    guarded.get("/nothing").await.expect_error(401);
    let call = visit(&guarded, "GET", "/nothing");
    let page = call.header("authorization", &format!("Bearer {TOKEN}")).send().await.expect(404);
    assert!(page.text().contains("Nothing here"));
    let old = visit(&guarded, "GET", "/webhooks").header("cookie", "btk_session=1.ab");
    assert_eq!(
        old.send().await.expect(303).header("location"),
        "/sign-in?next=%2Fwebhooks&why=ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_routes_is_one_of_the_pages() {
    let server = Server::start(&[]).await;
    let docs = server.get("/docs").await.expect(200).text();
    for path in ["/", "/deliveries", "/webhooks", "/setup", "/overview"] {
        assert!(docs.contains(&format!("<a href=\"{path}\"")), "{path}");
        let page = server.get(path).await.expect(200).text();
        assert!(page.contains("<a href=\"/docs\""), "{path}");
    }
    let contents = docs.split("Contents</h2>").nth(1).and_then(|rest| rest.split("</nav>").next());
    let contents = contents.expect("a table of contents");
    for line in
        ["href=\"#tasks\"", "href=\"#create_task\"", "POST /api/tasks", "Send a delivery again"]
    {
        assert!(contents.contains(line), "{line}: {contents}");
    }
}
