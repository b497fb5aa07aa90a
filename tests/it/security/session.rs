//! Signing in: the cookie counts as the token, for our own pages alone, until it or the token ends.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::token::{is_open, routes};
use crate::harness::{Answer, Call, Server};

const TOKEN: &str = "tok-0123456789-abcdefghij";

async fn server() -> Server {
    Server::start(&[("API_TOKEN", TOKEN), ("HOST", "127.0.0.1")]).await
}

fn sign_in(server: &Server, token: &str) -> Call {
    server.call("POST", "/api/session").json(&json!({"token": token}))
}

/// `btk_session=…` of an answer.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().filter(|pair| pair.starts_with("btk_session=")).expect("one").to_owned()
}

/// What somebody could make who knows the token and not the server's own key.
fn made(token: &str, seconds: i64) -> String {
    let now = i64::try_from(UNIX_EPOCH.elapsed().expect("a time").as_millis()).expect("a time");
    let until = now + seconds * 1_000;
    let mac = hmac_sha256::HMAC::mac(format!("session until {until} for {token}"), token);
    let mac: String = mac.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("btk_session={until}.{mac}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_token_gives_a_cookie_that_only_the_browser_sees() {
    let server = server().await;
    let answer = sign_in(&server, TOKEN).send().await.expect(204);
    let set = answer.header("set-cookie").to_owned();
    let parts: Vec<&str> = set.split("; ").collect();
    assert_eq!(parts[1..], ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"], "{set}");
    assert!(!set.contains(TOKEN) && answer.header("cache-control") == "no-store");
    let over_tls = sign_in(&server, TOKEN)
        .header("sec-fetch-site", "same-origin")
        .header("origin", "https://tasks.example.org");
    let over_tls = over_tls.send().await.expect(204);
    assert!(over_tls.header("set-cookie").ends_with("; Secure"), "{over_tls:?}");

    let session = server.call("GET", "/api/session").header("cookie", &cookie(&answer));
    assert_eq!(session.send().await.expect(200).json(), json!({"tokenNeeded": true}));
    server.get("/api/session").await.expect_error(401);

    for (kind, body, status) in [
        ("application/json", "", 400),
        ("application/json", "[\"tok-0123456789-abcdefghij\"]", 400),
        ("application/json", "{\"token\": 7}", 400),
        ("application/json", "{\"token\": \"tok-0123456789-abcdefghij\", \"x\": 1}", 400),
        ("text/plain", "{\"token\": \"tok-0123456789-abcdefghij\"}", 415),
        ("application/x-www-form-urlencoded", "token=tok-0123456789-abcdefghij", 415),
    ] {
        let answer = server.call("POST", "/api/session").text(kind, body).send().await;
        let said = answer.expect_error(status);
        assert!(!said.contains("tok-") && answer.header("set-cookie").is_empty(), "{said}");
    }
    // In the address it would stand in logs.
    let in_query = server.call("POST", &format!("/api/session?token={TOKEN}")).json(&json!({}));
    in_query.send().await.expect_error(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_tokens_a_minute_are_enough() {
    let server = server().await;
    for n in 0..10 {
        let answer = sign_in(&server, &format!("wrong-{n}")).send().await;
        answer.expect_error(401);
        assert_eq!(answer.json()["code"], "wrong_token");
        assert!(answer.header("set-cookie").is_empty());
    }
    let answer = sign_in(&server, "wrong-again").send().await;
    answer.expect_error(429);
    assert!(!answer.header("retry-after").is_empty());
    // Whoever has it is not locked out by whoever has not.
    sign_in(&server, TOKEN).send().await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_opened_by_the_token_or_the_cookie_and_by_nothing_else() {
    let server = server().await;
    let good = cookie(&sign_in(&server, TOKEN).send().await.expect(204));
    let (time, proof) = good.split_once('.').expect("a time and a proof");
    let forged = format!("{time}.{}", "0".repeat(proof.len()));
    let (expired, guessed) = (made(TOKEN, -60), made(TOKEN, 3_600));
    let later = format!("btk_session=9{}.{proof}", time.trim_start_matches("btk_session="));
    let bearer = format!("Bearer {TOKEN}");
    let in_cookie = format!("btk_session={TOKEN}");
    let second = format!("{forged}; {good}");
    let no = [&*forged, &expired, &guessed, &later, &in_cookie, "btk_session=", "x=y"];
    for (method, path) in routes(&server).await {
        if is_open(&(method.clone(), path.clone())) {
            continue;
        }
        // What has no end is asked for its head.
        let method = if path == "/api/changes" { "HEAD".to_owned() } else { method };
        let ask = async |authorization: &str, cookie: &str| {
            let mut call = server.call(&method, &path).header("sec-fetch-site", "same-origin");
            if !authorization.is_empty() {
                call = call.header("authorization", authorization);
            }
            if !cookie.is_empty() {
                call = call.header("cookie", cookie);
            }
            call.send().await.status
        };
        let named = format!("{method} {path}");
        for cookie in no {
            assert_eq!(ask("", cookie).await, 401, "{named} with {cookie}");
            assert_ne!(ask(&bearer, cookie).await, 401, "{named} with the token and {cookie}");
        }
        for wrong in ["Bearer wrong", "Bearer", "bearer ", "BEARER  x"] {
            for cookie in ["", &*good] {
                let status = ask(wrong, cookie).await;
                // So many are wrong here that some are too many.
                assert!([401, 429].contains(&status), "{named} with {wrong}, {cookie}: {status}");
            }
        }
        if (&*method, &*path) == ("DELETE", "/api/session") {
            // Whoever is let in there signs out.
            continue;
        }
        // Another program on the same host may have set a cookie of the same name.
        for cookie in [&good, &format!("a=b; {good}; c=d"), &second] {
            let status = ask("", cookie).await;
            assert!(![401, 403].contains(&status), "{named} with {cookie}: {status}");
        }
        // A password for a proxy on the way is none of ours.
        assert!(![401, 403].contains(&ask("Basic dTpw", &good).await), "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_by_cookie_proves_that_our_page_sent_it() {
    let settings =
        [("API_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("PUBLIC_URL", "https://tasks.example.org/")];
    let server = Server::start(&settings).await;
    let good = cookie(&sign_in(&server, TOKEN).send().await.expect(204));
    let ours = format!("http://{}", server.address());
    let near = format!("http://{}", server.address().replace("127.0.0.1", "localhost"));
    let (site, origin) = ("sec-fetch-site", "origin");
    let refused: [&[(&str, &str)]; 9] = [
        &[],
        &[(site, "cross-site")],
        &[(site, "same-site")],
        &[(site, "none")],
        &[(origin, "https://elsewhere.example")],
        &[(origin, "null")],
        &[(origin, "http://tasks.example.org")],
        &[(origin, &near)],
        &[(site, "cross-site"), (origin, &ours)],
    ];
    let taken: [&[(&str, &str)]; 4] = [
        &[(site, "same-origin")],
        &[(origin, &ours)],
        &[(origin, "https://tasks.example.org")],
        // A proxy may have changed the host; the browser knows what it sent.
        &[(site, "same-origin"), (origin, "https://other.example"), ("host", "inside:5000")],
    ];
    for (method, path) in routes(&server).await {
        if method == "GET" || is_open(&(method.clone(), path.clone())) {
            continue;
        }
        let ask = async |headers: &[(&str, &str)], by: (&str, &str)| {
            let call = server.call(&method, &path).header(by.0, by.1);
            let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
            call.send().await
        };
        for headers in refused {
            let answer = ask(headers, ("cookie", &good)).await;
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}: {}", answer.text());
            assert_eq!(answer.json()["code"], "cross_site");
            let bearer = format!("Bearer {TOKEN}");
            let answer = ask(headers, ("authorization", &bearer)).await;
            assert!(![401, 403].contains(&answer.status), "{method} {path}: {}", answer.text());
        }
        if path == "/api/session" {
            // Whoever is let in there signs out.
            continue;
        }
        for headers in taken {
            let status = ask(headers, ("cookie", &good)).await.status;
            assert!(![401, 403].contains(&status), "{method} {path} {headers:?}: {status}");
        }
    }
    // To read needs no proof: no other page can see the answer.
    server.call("GET", "/api/tasks").header("cookie", &good).send().await.expect(200);
    // Nobody has another's browser try tokens.
    sign_in(&server, TOKEN).header(site, "cross-site").send().await.expect_error(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_a_new_token_ends_all() {
    let mut server = server().await;
    let [one, two] = [sign_in(&server, TOKEN).send().await, sign_in(&server, TOKEN).send().await]
        .map(|answer| cookie(&answer.expect(204)));
    assert_ne!(one, two);
    let out = server.call("DELETE", "/api/session").header("cookie", &one);
    let out = out.header("sec-fetch-site", "same-origin").send().await.expect(204);
    let set = out.header("set-cookie");
    assert_eq!(set, "btk_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");

    let ask = async |server: &Server, cookie: &str| {
        server.call("GET", "/api/tasks").header("cookie", cookie).send().await.status
    };
    // Also where somebody has kept the cookie, and after a start.
    assert_eq!((ask(&server, &one).await, ask(&server, &two).await), (401, 200));
    server.kill9();
    server.restart().await;
    assert_eq!((ask(&server, &one).await, ask(&server, &two).await), (401, 200));
    let again = server.call("DELETE", "/api/session").header("cookie", &one);
    again.header("sec-fetch-site", "same-origin").send().await.expect_error(401);
    assert!(server.stop().await.success());
    server.set("API_TOKEN", "tok-another-0123456789");
    server.restart().await;
    assert_eq!(ask(&server, &two).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_a_session_leads_to_the_sign_in_and_back() {
    let server = server().await;
    let good = cookie(&sign_in(&server, TOKEN).send().await.expect(204));
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (path, next) in [
        ("/", "%2F"),
        ("/deliveries?status=failed&q=a%20b", "%2Fdeliveries%3Fstatus%3Dfailed%26q%3Da%2520b"),
        ("/webhooks/", "%2Fwebhooks"),
        ("/setup", "%2Fsetup"),
        ("/overview?//evil.example", "%2Foverview%3F%2F%2Fevil.example"),
    ] {
        let answer = server.call("GET", path).header("accept", html).send().await.expect(303);
        assert_eq!(answer.header("location"), format!("/sign-in?next={next}"));
        assert_eq!(answer.header("cache-control"), "no-store");
        server.call("HEAD", path).header("accept", html).send().await.expect(303);
        server.get(path).await.expect_error(401);
        server.call("POST", path).header("accept", html).send().await.expect_error(401);
        server.call("GET", path).header("cookie", &good).send().await.expect(200);
    }
    let page = server.get("/sign-in").await.expect(200).text();
    let style = page.split('"').find(|text| text.ends_with("/style.css")).expect("its style");
    server.get(style).await.expect(200);
    server.get("/docs").await.expect(200);
    // A stranger is not told what is not there: one is led on from it as from a page.
    for (path, next) in [
        ("/delivery", "%2Fdelivery"),
        ("/a/b/?c=d", "%2Fa%2Fb%3Fc%3Dd"),
        ("/apiary", "%2Fapiary"),
        // To a browser this would be another site.
        ("//evil.example/deliveries", "%2F"),
    ] {
        let answer = server.call("GET", path).header("accept", html).send().await.expect(303);
        assert_eq!(answer.header("location"), format!("/sign-in?next={next}"));
        server.call("HEAD", path).header("accept", html).send().await.expect(303);
        server.get(path).await.expect_error(401);
        server.call("POST", path).header("accept", html).send().await.expect_error(401);
        let signed_in = server.call("GET", path).header("accept", html).header("cookie", &good);
        signed_in.send().await.expect(404);
    }
    // Data is refused in words, whoever asks.
    for path in ["/api/tasks", "/api/nothing", "/api", "/metrics", "/metrics/"] {
        server.call("GET", path).header("accept", html).send().await.expect_error(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_is_nothing_to_sign_in_to() {
    let server = Server::start(&[]).await;
    let answer = sign_in(&server, "anything").send().await.expect(204);
    assert!(answer.header("set-cookie").is_empty());
    let session = server.get("/api/session").await.expect(200).json();
    assert_eq!(session, json!({"tokenNeeded": false}));
    server.delete("/api/session").await.expect(204);
    server.get("/sign-in").await.expect(200);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://elsewhere.example")]
    {
        sign_in(&server, "x").header(name, value).send().await.expect_error(403);
    }
    // A session of another server on this machine is no harm.
    let call = server.call("POST", "/api/tasks").json(&json!({"title": "a"}));
    call.header("cookie", "btk_session=1.ab").send().await.expect(201);
    // Where the browser says so itself, a host that a proxy has changed is no harm either.
    let call = server.call("POST", "/api/tasks").json(&json!({"title": "a"}));
    let call = call.header("sec-fetch-site", "same-origin").header("origin", "https://a.example");
    call.send().await.expect(201);
    tokio::time::timeout(Duration::from_secs(5), server.get("/"))
        .await
        .expect("at once")
        .expect(200);
}
