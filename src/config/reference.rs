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
}

const fn setting(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, default, help }
}

/// Every setting there is.
pub const REFERENCE: [Setting; 14] = [
    setting(
        "WEBHOOK_URL",
        "unset",
        "Where each change is sent, e.g. the address of a Make custom webhook. Unset: nothing is sent, not later either.",
    ),
    setting(
        "WEBHOOK_SECRET",
        "unset",
        "What incoming webhooks must show (?secret=… or the X-Webhook-Secret header). Unset: none are taken.",
    ),
    setting(
        "WEBHOOK_HEADERS",
        "none",
        "Headers sent with every webhook: Name: value; Other-Name: value, e.g. x-make-apikey: abc",
    ),
    setting(
        "WEBHOOK_ATTEMPTS",
        "3",
        "Attempts before a delivery counts as failed, 1 to 20, with 1 s, 2 s, 4 s … between them.",
    ),
    setting(
        "WEBHOOK_IGNORE_ORIGIN",
        "incoming",
        "Changes from these origins are not sent, so that nothing echoes for ever. Commas between; none = send all.",
    ),
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
    setting(
        "API_TOKEN",
        "unset",
        "What API clients must send as Authorization: Bearer …. Unset: no token is asked for.",
    ),
    setting("DATABASE_URL", "sqlite:btk.db", "The database file: sqlite:PATH."),
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
