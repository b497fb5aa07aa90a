//! The errors that several routes share, and which of them a route may answer.
//!
//! Must not describe an error of one route alone: that stands in the route's attribute.

use serde_json::{Value, json};

/// One kind of error that several routes have.
struct Shared {
    status: &'static str,
    code: &'static str,
    description: &'static str,
    example: &'static str,
}

const fn shared(
    status: &'static str,
    code: &'static str,
    description: &'static str,
    example: &'static str,
) -> Shared {
    Shared { status, code, description, example }
}

const BAD_REQUEST: Shared = shared(
    "400",
    "invalid_field",
    "Something in the request is not allowed; `field` names it",
    "status \"CLOSED\" is not allowed; use one of OPEN, IN_PROGRESS, DONE, CANCELLED",
);
const UNAUTHORIZED: Shared = shared(
    "401",
    "unauthorized",
    "The token or secret is missing or wrong",
    "Unauthorized: send the server's API_TOKEN as Authorization: Bearer <token>",
);
const NOT_FOUND: Shared = shared("404", "not_found", "It is not there", "Task not found");
const NO_EVENT: Shared = shared(
    "404",
    "not_found",
    "There is no such event, or no longer",
    "The event that since names was not found",
);
const TIMEOUT: Shared = shared(
    "408",
    "too_slow",
    "The body came too slowly",
    "The body came too slowly: pauses of up to 10 seconds and 30 seconds in all are allowed",
);
const METHOD: Shared = shared(
    "405",
    "method_not_allowed",
    "Not for this method; `Allow` says for which",
    "POST is not allowed at this address; the Allow header and /docs say what is",
);
const HOST: Shared = shared(
    "421",
    "unknown_host",
    "Without a token: the server does not answer to this host name",
    "This server does not answer to the name \"tasks.local\". If it is its name, set PUBLIC_URL=https://tasks.local (or API_TOKEN) and restart",
);
const CROSS_SITE: Shared = shared(
    "403",
    "cross_site",
    "A browser says that another site's page sent this, or does not prove that one of ours did where it has a session instead of the token",
    "A page of another site may not change anything here; set API_TOKEN and send it to do so",
);
const UNFINISHED: Shared = shared(
    "409",
    "not_now",
    "Not as it stands: what is sent again must have ended or be held for its own sake, what is cancelled must wait",
    "The delivery is pending: it goes out by itself. Only a delivered or failed one can be sent again",
);
const RECOVERING: Shared = shared(
    "409",
    "recovery_running",
    "A recovery of this webhook is under way",
    "A recovery of this webhook is under way: wait until it is through, or end it with DELETE at this address",
);
const JOBS_FULL: Shared = shared(
    "409",
    "too_many_jobs",
    "As many jobs are under way as there may be, or the address does not say which deliveries are meant",
    "As many jobs are under way as there may be: wait until one is through, or end one with DELETE /api/jobs/<its id>",
);
const READ_ONLY: Shared = shared(
    "409",
    "read_only",
    "The webhook comes from the settings",
    "The webhook default comes from the setting WEBHOOK_URL: change it there and restart",
);
const TAKEN: Shared = shared(
    "409",
    "webhook_exists",
    "Another webhook has this URL and these events, or the webhook comes from the settings",
    "The webhook wh_7x2m9qk has this url and these events already; change or delete it",
);
const WEBHOOKS_FULL: Shared = shared(
    "409",
    "too_many_webhooks",
    "There are as many webhooks as there may be",
    "There are 500 webhooks, which is the most; delete one first",
);
const TESTS_FULL: Shared = shared(
    "429",
    "too_many_tests",
    "Too many tests at a time; `Retry-After` says when to try again",
    "Other tests are under way, as many as there may be; try again in a few seconds",
);
const NO_SECRET: Shared = shared(
    "500",
    "no_secret_configured",
    "The server has no WEBHOOK_SECRET, or met a fault of its own",
    "Webhook secret not configured on server",
);
const WRONG_SECRET: Shared =
    shared("401", "wrong_secret", "The secret is missing or wrong", "Unauthorized: Invalid secret");
const WRONG_TOKEN: Shared = shared(
    "401",
    "wrong_token",
    "The token is wrong",
    "That is not the token of this server; it is the API_TOKEN in its settings",
);
const TOO_MANY_WRONG: Shared = shared(
    "429",
    "too_many_wrong_secrets",
    "Too many wrong tokens or secrets; `Retry-After` says when to go on",
    "Too many wrong secrets came from this address; correct the secret, or wait a minute",
);
const TOO_MANY_TOKENS: Shared = shared(
    "429",
    "too_many_wrong_tokens",
    "Too many wrong tokens; `Retry-After` says when to go on. The right one is always taken",
    "Too many wrong tokens came from this address; send the server's API_TOKEN as Authorization: Bearer <token>, or wait a minute",
);
const MISMATCH: Shared = shared(
    "412",
    "version_mismatch",
    "`If-Match` names another version",
    "The task has changed since: If-Match does not name its version \"4\". Read it again and repeat the change",
);
const TOO_LARGE: Shared = shared(
    "413",
    "too_large",
    "The body is larger than 1 MiB",
    "The body is larger than 1 MiB (1,048,576 bytes), which is the most that is taken",
);
const MEDIA_TYPE: Shared = shared(
    "415",
    "unsupported_media_type",
    "The body is of a type that is not taken",
    "The body's Content-Type is text/plain; send Content-Type: application/json",
);
const UNPROCESSABLE: Shared = shared(
    "422",
    "idempotency_key_reused",
    "The request is well-formed but cannot be done: a key used for another request, a field missing",
    "This Idempotency-Key was used within the last 48 hours for another request (method, path and body must be the same); use a new key for a new request",
);
const TOO_MANY: Shared = shared(
    "429",
    "too_many_requests",
    "Too many; `Retry-After` says when to go on",
    "More webhooks came in than INCOMING_RATE allows; nothing was changed, send this one again later",
);
const INTERNAL: Shared = shared(
    "500",
    "internal",
    "A fault of the server's own",
    "The server met a fault of its own; nothing was changed. Its log says more under this requestId",
);
const STREAMS_FULL: Shared = shared(
    "503",
    "too_many_streams",
    "As many watch as may, or not now; `Retry-After` says when to try again",
    "As many watch the changes as may at a time; ask for what you need every few seconds instead, and try again later",
);
const UNAVAILABLE: Shared = shared(
    "503",
    "busy",
    "Not now; `Retry-After` says when to try again",
    "The server has more to do than it can take; nothing was changed, try again in a second",
);

pub(super) fn add_errors(path: &str, method: &str, operation: &mut Value) {
    let takes_body = operation.get("requestBody").is_some();
    let takes = |place: &str, name: &str| {
        let all = operation["parameters"].as_array();
        all.is_some_and(|all| all.iter().any(|p| p["in"] == place && p["name"] == name))
    };
    let is_incoming = path == "/api/incoming-webhook" && method == "post";
    let is_open = operation["security"] == json!([{}]) && !is_incoming;
    let is_sign_in = path == "/api/session" && method == "post";
    let reads_body = takes_body || method == "delete";
    let mut errors = Vec::new();
    if is_incoming {
        errors.extend([BAD_REQUEST, WRONG_SECRET, NO_SECRET]);
    } else if is_sign_in {
        errors.extend([BAD_REQUEST, WRONG_TOKEN, HOST, CROSS_SITE, TOO_MANY_WRONG]);
    } else if !is_open {
        errors.extend([BAD_REQUEST, UNAUTHORIZED, HOST]);
    }
    if !is_open && !is_incoming && method != "get" {
        errors.push(CROSS_SITE);
    }
    errors.push(METHOD);
    if path.ends_with("}/redeliver") || path.ends_with("}/cancel") {
        errors.push(UNFINISHED);
    }
    if ["/api/deliveries/redeliver", "/api/deliveries/cancel"].contains(&path)
        || path.ends_with("/release")
    {
        errors.push(JOBS_FULL);
    }
    if path.ends_with("/recover") && method == "post" {
        errors.push(RECOVERING);
    }
    match (method, path) {
        ("post", "/api/webhooks") => errors.push(WEBHOOKS_FULL),
        ("patch", "/api/webhooks/{id}") => errors.push(TAKEN),
        ("delete", "/api/webhooks/{id}") | ("post", "/api/webhooks/{id}/rotate-secret") => {
            errors.push(READ_ONLY);
        }
        ("post", "/api/webhooks/{id}/test") => errors.push(TESTS_FULL),
        ("get", "/api/events") => errors.push(NO_EVENT),
        ("get", "/api/changes") => errors.push(STREAMS_FULL),
        _ => {}
    }
    // What is not there need not be deleted: that is a 204.
    let may_be_gone = path.starts_with("/api/webhooks/") || path.starts_with("/api/jobs/");
    let is_gone = may_be_gone && method == "delete";
    if path.contains('{') && !is_gone {
        errors.push(NOT_FOUND);
    }
    if reads_body {
        errors.extend([TIMEOUT, TOO_LARGE]);
    }
    if takes_body {
        errors.push(MEDIA_TYPE);
    }
    if takes("header", "If-Match") {
        errors.push(MISMATCH);
    }
    if takes("header", "Idempotency-Key") {
        errors.push(UNPROCESSABLE);
    }
    if is_incoming {
        errors.push(TOO_MANY);
    }
    if !is_open {
        errors.push(TOO_MANY_TOKENS);
    }
    errors.extend([INTERNAL, UNAVAILABLE]);
    for Shared { status, code, description, example } in errors {
        let response = json!({
            "description": description,
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorBody"},
                "example": {"error": example, "code": code, "requestId": "req_7x2m9qk"},
            }},
        });
        let responses = operation["responses"].as_object_mut();
        if let Some(responses) = responses
            && !responses.contains_key(status)
        {
            responses.insert(status.to_owned(), response);
        }
    }
}
