//! The list of all settings: the source of `btk --help`, and what `.env.example` is held against.

/// A setting as people read about it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the environment and in `.env`.
    pub name: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it is kept from sight, and may stand in a file that `NAME_FILE` names.
    pub is_secret: bool,
}

const fn setting(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, default, help, is_secret: false }
}

const fn secret(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { is_secret: true, ..setting(name, default, help) }
}

/// Every setting there is.
pub const REFERENCE: [Setting; 29] = [
    secret(
        "WEBHOOK_URL",
        "unset",
        "Where each change is sent, e.g. the address of a Make custom webhook. Unset: nothing is sent; a recovery can send it later.",
    ),
    secret(
        "WEBHOOK_SECRET",
        "unset",
        "What incoming webhooks must show (?secret=… or the X-Webhook-Secret header). Unset: none are taken.",
    ),
    secret(
        "WEBHOOK_HEADERS",
        "none",
        "Headers sent to WEBHOOK_URL: Name: value; Other-Name: value, e.g. x-make-apikey: abc",
    ),
    setting(
        "WEBHOOK_ATTEMPTS",
        "3",
        "Attempts in a row, 1 to 20, with 1 s, 2 s, 4 s … between them, before the receiver counts as down.",
    ),
    setting(
        "WEBHOOK_IGNORE_ORIGIN",
        "incoming",
        "Changes from these origins are not sent, so that nothing echoes for ever. Commas between; none = send all.",
    ),
    setting(
        "WEBHOOK_PROFILE",
        "auto",
        "What is known of the receiver: make (at most 25 requests a second), n8n, plain (an answer means what its status says), or auto (Make's pace for its hosts). But for plain, Make's full queue and an n8n that is starting are waited for.",
    ),
    setting(
        "WEBHOOK_PAYLOAD",
        "classic",
        "The body: classic ({event, task}) or full (also what changed).",
    ),
    secret(
        "WEBHOOK_SIGNING_SECRET",
        "unset",
        "Signs each request in the manner of Standard Webhooks: whsec_ and 24 to 64 bytes in base64, e.g. whsec_$(openssl rand -base64 32)",
    ),
    setting(
        "WEBHOOK_ON_REJECT",
        "skip",
        "What a rejected event (a 4xx) does to its task: skip = it has failed, the next one goes out; hold = its task waits for you.",
    ),
    setting(
        "WEBHOOK_RECOVERY",
        "on",
        "on = a webhook that is down is looked at again and again, and what waits goes out in order; off = after the attempts, failed.",
    ),
    setting("WEBHOOK_PROBE_FIRST", "30s", "When a webhook that is down is looked at first."),
    setting(
        "WEBHOOK_PROBE_MAX",
        "10m",
        "The longest time between two looks; it doubles up to this.",
    ),
    setting(
        "WEBHOOK_MAX_AGE",
        "72h",
        "How long after its change an event waits for a webhook that does not work, before it has failed.",
    ),
    setting(
        "WEBHOOK_ALLOW_TARGETS",
        "none",
        "Private addresses that webhooks made over the API may reach: 10.0.0.0/8, n8n.lan, localhost:5678. Commas between. WEBHOOK_URL is always allowed.",
    ),
    setting(
        "WEBHOOK_CA_FILE",
        "unset",
        "A file (PEM) with certificates that are believed beside the system's: your own authority's, or the receiver's own.",
    ),
    setting(
        "SSL_CERT_FILE",
        "unset",
        "A file (PEM) with the authorities that are believed in place of the system's list.",
    ),
    setting("SSL_CERT_DIR", "unset", "The same as folders of such files, with colons between."),
    secret(
        "ALERT_URL",
        "unset",
        "Where to tell that a webhook is down or up, that a delivery failed, that much waits: JSON with a text, as Slack takes it.",
    ),
    setting("RETENTION_DELIVERED", "30d", "How long delivered events are kept."),
    setting("RETENTION_FAILED", "90d", "How long failed and cancelled deliveries are kept."),
    setting(
        "INCOMING_RATE",
        "50/s",
        "Incoming webhooks that are taken, e.g. 50/s, 300/10s, 600/m. More are answered 429.",
    ),
    setting("PORT", "5000", "The port to listen on; 0 = any free one."),
    setting(
        "HOST",
        "127.0.0.1",
        "The address to listen on. With API_TOKEN the default is 0.0.0.0 (every address of the machine).",
    ),
    setting(
        "PUBLIC_URL",
        "unset",
        "How the world reaches this server, e.g. https://tasks.example.org. Shown where you copy addresses; without API_TOKEN, the name under which the server answers.",
    ),
    secret(
        "API_TOKEN",
        "unset",
        "What API clients must send as Authorization: Bearer …. Unset: no token is asked for.",
    ),
    setting(
        "DATABASE_URL",
        "sqlite:btk.db",
        "The database file: sqlite:PATH. A file that is not btk's is refused untouched.",
    ),
    setting(
        "NODE_ENV",
        "unset",
        "production = refuse to start with a short or sample secret, warn about webhooks in clear text.",
    ),
    setting("LOG_FORMAT", "text", "text or json, on standard error."),
    setting(
        "RUST_LOG",
        "info",
        "How much is logged: error, warn, info, debug (whole requests and answers, secrets masked).",
    ),
];
