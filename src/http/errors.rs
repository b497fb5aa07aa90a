//! Kinds of errors that several places have: status, code and sentence, once for the handler and for the document.
//!
//! A kind that a single place has, and the document does not tell of, stands there as a `Problem`. Must not know who
//! answers with which.

use serde_json::json;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem::Problem;

/// One kind of error.
pub(crate) trait Kind {
    /// The HTTP status.
    const STATUS: u16;
    /// The kind, for programs.
    const CODE: &'static str;
    /// When it is answered, for the document.
    const ABOUT: &'static str;
    /// Its sentence for a person, with `{}` for what was found.
    const SAYS: &'static str;
    /// What may have been found, for the document's example.
    const SAMPLE: &'static [&'static str];
    /// Seconds after which to try again.
    const RETRY_AFTER: Option<u32>;

    /// The error with its sentence.
    fn problem() -> Problem {
        Self::of(&[])
    }

    /// The error with its sentence, which names what was found.
    fn of(found: &[&str]) -> Problem {
        Self::saying(filled(Self::SAYS, found))
    }

    /// The error with another sentence.
    fn saying(sentence: impl Into<String>) -> Problem {
        let status = http::StatusCode::from_u16(Self::STATUS);
        let status = status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        Problem { retry_after: Self::RETRY_AFTER, ..Problem::new(status, Self::CODE, sentence) }
    }

    /// How the document tells of it.
    fn response() -> Response {
        let error = filled(Self::SAYS, Self::SAMPLE);
        let example = json!({"error": error, "code": Self::CODE, "requestId": "req_7x2m9qk"});
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ErrorBody")))
            .example(Some(example))
            .build();
        ResponseBuilder::new().description(Self::ABOUT).content("application/json", content).build()
    }
}

/// A sentence with what was found in the place of each `{}`.
fn filled(sentence: &str, found: &[&str]) -> String {
    let mut found = found.iter();
    let mut parts = sentence.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + found.next().unwrap_or(&"") + part)
}

/// Makes the kinds: status and code, perhaps seconds after which to try again, when it is answered, its sentence, and what
/// may have been found.
macro_rules! kinds {
    ($($Kind:ident = $status:literal $code:literal $(after $seconds:literal s)?, $about:literal, $says:literal
        $(with $($found:literal),+)?;)+) => {
        $(
            #[doc = $about]
            pub(crate) struct $Kind;

            impl Kind for $Kind {
                const STATUS: u16 = $status;
                const CODE: &'static str = $code;
                const ABOUT: &'static str = $about;
                const SAYS: &'static str = $says;
                const SAMPLE: &'static [&'static str] = &[$($($found),+)?];
                const RETRY_AFTER: Option<u32> = [$(Some($seconds),)? None][0];
            }

            impl utoipa::IntoResponses for $Kind {
                fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
                    [(Self::STATUS.to_string(), RefOr::T(Self::response()))].into()
                }
            }
        )+
    };
}

kinds! {
    BadRequest = 400 "invalid_field",
        "Something in the request is not allowed; `field` names it",
        "status \"CLOSED\" is not allowed; use one of OPEN, IN_PROGRESS, DONE, CANCELLED";
    Unauthorized = 401 "unauthorized",
        "The token or secret is missing or wrong",
        "Unauthorized: send the server's API_TOKEN as Authorization: Bearer <token>";
    WrongSecret = 401 "wrong_secret",
        "The secret is missing or wrong",
        "Unauthorized: Invalid secret";
    WrongToken = 401 "wrong_token",
        "The token is wrong",
        "That is not the token of this server; it is the API_TOKEN in its settings";
    CrossSite = 403 "cross_site",
        "A browser says that another site's page sent this, or does not prove that one of ours did where it has a session instead of the token",
        "A page of another site may not change anything here; set API_TOKEN and send it to do so";
    NotFound = 404 "not_found",
        "It is not there",
        "Task not found";
    NoEvent = 404 "not_found",
        "There is no such event, or no longer",
        "The event that since names was not found";
    NoMethod = 405 "method_not_allowed",
        "Not for this method; `Allow` says for which",
        "{} is not allowed at this address; the Allow header and /docs say what is"
        with "POST";
    TooSlow = 408 "too_slow",
        "The body came too slowly",
        "The body came too slowly: pauses of up to 10 seconds and 30 seconds in all are allowed";
    NotNow = 409 "not_now",
        "Not as it stands: what is sent again must have ended or be held for its own sake, what is cancelled must wait",
        "The delivery is {}: it goes out by itself. Only one that has ended, or is held for its own sake, can be sent again"
        with "pending";
    RecoveryRunning = 409 "recovery_running",
        "A recovery of this webhook is under way",
        "A recovery of this webhook is under way: wait until it is through, or end it with DELETE at this address";
    TooManyJobs = 409 "too_many_jobs",
        "As many jobs are under way as there may be, or the address does not say which deliveries are meant",
        "As many jobs are under way as there may be: wait until one is through, or end one with DELETE /api/jobs/<its id>";
    ReadOnly = 409 "read_only",
        "The webhook comes from the settings",
        "The webhook {} comes from the setting {}: change it there and restart"
        with "default", "WEBHOOK_URL";
    WebhookExists = 409 "webhook_exists",
        "Another webhook has this URL and these events, or the webhook comes from the settings",
        "The webhook {} has this url and these events already; change or delete it"
        with "wh_7x2m9qk";
    TooManyWebhooks = 409 "too_many_webhooks",
        "There are as many webhooks as there may be, or one has this URL and these events and differs in what is named",
        "There are {} webhooks, which is the most; delete one first"
        with "500";
    VersionMismatch = 412 "version_mismatch",
        "`If-Match` names another version, or none",
        "If-Match does not name the version of the task, \"{}\": it has changed since, or that is no version. Read it again and repeat the change"
        with "4";
    TooLarge = 413 "too_large",
        "The body is larger than 1 MiB",
        "The body is larger than 1 MiB (1,048,576 bytes), which is the most that is taken";
    MediaType = 415 "unsupported_media_type",
        "The body is of a type that is not taken",
        "The body's Content-Type is {}; send Content-Type: application/json"
        with "text/plain";
    UnknownHost = 421 "unknown_host",
        "Without a token: the server does not answer to this host name",
        "This server does not answer to the name \"{}\". If it is its name, set PUBLIC_URL=https://{} (or API_TOKEN) and restart"
        with "tasks.local", "tasks.local";
    KeyReused = 422 "idempotency_key_reused",
        "The request is well-formed but cannot be done: a key used for another request, a field missing",
        "This Idempotency-Key was used within the last 48 hours for another request (method, path and body must be the same); use a new key for a new request";
    TooManyTests = 429 "too_many_tests" after 5 s,
        "Too many tests at a time; `Retry-After` says when to try again",
        "Other tests are under way, as many as there may be; try again in a few seconds";
    TooManyRequests = 429 "too_many_requests",
        "Too many; `Retry-After` says when to go on",
        "More webhooks came in than INCOMING_RATE allows; nothing was changed, send this one again later";
    TooManyWrongSecrets = 429 "too_many_wrong_secrets",
        "Too many wrong tokens or secrets; `Retry-After` says when to go on",
        "Too many wrong secrets came from this address; correct the secret, or wait a minute";
    TooManyWrongTokens = 429 "too_many_wrong_tokens",
        "Too many wrong tokens; `Retry-After` says when to go on. The right one is always taken",
        "Too many wrong tokens came from this address; send the server's API_TOKEN as Authorization: Bearer <token>, or wait a minute";
    NoSecret = 500 "no_secret_configured",
        "The server has no `WEBHOOK_SECRET`, or met a fault of its own",
        "Webhook secret not configured on server";
    Internal = 500 "internal",
        "A fault of the server's own",
        "The server met a fault of its own; nothing was changed. Its log says more under this requestId";
    TooManyStreams = 503 "too_many_streams" after 30 s,
        "As many watch as may, or not now; `Retry-After` says when to try again",
        "As many watch the changes as may at a time; ask for what you need every few seconds instead, and try again later";
    Busy = 503 "busy" after 1 s,
        "Not now; `Retry-After` says when to try again",
        "The server has more to do than it can take; nothing was changed, try again in a second";
}
