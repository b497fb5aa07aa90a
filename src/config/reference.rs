//! The list of all settings: what reads each of them, and the source of `btk --help`, of `.env.example` and of the
//! tables in `docs/settings.md`.
//!
//! Must not read one.

use std::net::IpAddr;
use std::path::PathBuf;

use super::parse_webhook::{alert_url, attempts, headers, origins, webhook_url};
use super::setting::{Defaulted, Optional, Setting, settings};
use super::{Rate, address, parse};
use crate::model::{OnReject, Origin, Payload, Profile};
use crate::secret::Secret;
use crate::signature;
use crate::targets::Targets;
use crate::trust::{self, Certificates};

const fn default(default: &'static str, help: &'static str) -> Setting {
    Setting::new(default, help)
}

const fn unset(help: &'static str) -> Setting {
    Setting::new("unset", help)
}

const fn none(help: &'static str) -> Setting {
    Setting::new("none", help)
}

settings! {
    "What you need for Make" {
        WEBHOOK_URL: Optional<String> = webhook_url, unset(
            "Where each change is sent, e.g. the address of a Make custom webhook. Unset: nothing is sent; a recovery can send it later.",
        ).more("Treat it as a password: whoever has it can feed your scenario.").secret();
        WEBHOOK_SECRET: Optional<Secret> = parse::secret, unset(
            "What incoming webhooks must show (`?secret=…` or the `X-Webhook-Secret` header). Unset: none are taken.",
        ).more("Make one with `openssl rand -hex 24`.").secret();
    }
    "How changes are sent" {
        WEBHOOK_HEADERS: Optional<Vec<(String, String)>> = headers, none(
            "Headers sent to `WEBHOOK_URL`, as `Name: value; Other-Name: value`: for a Make webhook with an API key, `x-make-apikey: abc`. Values are never shown.",
        ).secret();
        WEBHOOK_ATTEMPTS: Defaulted<u32> = attempts, default(
            "3",
            "Attempts in a row, 1 to 20, with 1 s, 2 s, 4 s … between them, before the receiver counts as down.",
        );
        WEBHOOK_IGNORE_ORIGIN: Defaulted<Vec<Origin>> = origins, default(
            "incoming",
            "Changes from these origins are not sent, so that nothing echoes for ever. Commas between; `none` = send all.",
        ).more("`incoming` is what comes through `/api/incoming-webhook`; other names are those that API clients give in `X-BTK-Origin`.");
        WEBHOOK_PROFILE: Defaulted<Profile> = parse::choice, default(
            "auto",
            "What is known of the receiver: `make` (at most 25 requests a second), `n8n`, `plain` (an answer means what its status says), or `auto` (Make's pace for its hosts). But for `plain`, Make's full queue and an n8n that is starting are waited for.",
        );
        WEBHOOK_PAYLOAD: Defaulted<Payload> = parse::choice, default(
            "classic",
            "The body: `classic` (`{event, task}`) or `full` (also what changed).",
        );
        WEBHOOK_SIGNING_SECRET: Optional<Secret> = signature::parse, unset(
            "Signs each request in the manner of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. Make one with `echo \"whsec_$(openssl rand -base64 32)\"`.",
        ).secret();
        WEBHOOK_ON_REJECT: Defaulted<OnReject> = parse::choice, default(
            "skip",
            "What a refused event does to its task: `skip` = it has failed, the next one goes out; `hold` = its task waits for you.",
        );
    }
    "When a receiver does not work" {
        WEBHOOK_RECOVERY: Defaulted<bool> = parse::on_or_off, default(
            "on",
            "`on` = a webhook that is down is looked at again and again, and what waits goes out in order; `off` = after the attempts, failed.",
        );
        WEBHOOK_PROBE_FIRST: Defaulted<i64> = parse::duration_ms, default(
            "30s",
            "When a webhook that is down is looked at first.",
        );
        WEBHOOK_PROBE_MAX: Defaulted<i64> = parse::duration_ms, default(
            "10m",
            "The longest time between two looks; it doubles up to this.",
        );
        WEBHOOK_MAX_AGE: Defaulted<i64> = parse::duration_ms, default(
            "72h",
            "How long after its change an event waits for a webhook that does not work, before it has failed.",
        );
    }
    "Where webhooks may go" {
        WEBHOOK_ALLOW_TARGETS: Optional<Targets> = Targets::parse, none(
            "Private addresses that webhooks made over the API may reach: `10.0.0.0/8`, `n8n.lan`, `localhost:5678`. Commas between. `WEBHOOK_URL` is always allowed.",
        );
        WEBHOOK_CA_FILE: Optional<Certificates> = trust::read_each, unset(
            "A file (PEM) with certificates that are believed beside the system's: your own authority's, or the receiver's own.",
        );
        SSL_CERT_FILE: Optional<Certificates> = trust::read_bundle, unset(
            "A file (PEM) with the authorities that are believed in place of the system's list.",
        );
        SSL_CERT_DIR: Optional<Certificates> = trust::read_folders, unset(
            "The same as folders of such files, with colons between.",
        );
    }
    "What you are told, what is kept, what is taken" {
        ALERT_URL: Optional<String> = alert_url, unset(
            "Where to tell that a webhook is down or up, that a delivery failed, that much waits: JSON with a text, as Slack takes it.",
        ).secret();
        RETENTION_DELIVERED: Defaulted<i64> = parse::duration_ms, default(
            "30d",
            "How long delivered events are kept.",
        ).more("Events without any delivery likewise. What waits is never removed.");
        RETENTION_FAILED: Defaulted<i64> = parse::duration_ms, default(
            "90d",
            "How long failed and cancelled deliveries are kept.",
        );
        INCOMING_RATE: Defaulted<Rate> = parse::rate, default(
            "50/s",
            "Incoming webhooks that are taken, e.g. `50/s`, `300/10s`, `600/m`. More are answered 429.",
        );
    }
    "How the server is reached" {
        PORT: Defaulted<u16> = address::port, default("5000", "The port to listen on; 0 = any free one.");
        HOST: Defaulted<IpAddr> = address::host, default(
            "127.0.0.1",
            "The address to listen on. With `API_TOKEN` the default is `0.0.0.0` (every address of the machine).",
        ).more("`0.0.0.0` without a token is obeyed, and warned about.");
        PUBLIC_URL: Optional<String> = parse::public_url, unset(
            "How the world reaches this server, e.g. `https://tasks.example.org`. Shown where you copy addresses; without `API_TOKEN`, the name under which the server answers.",
        ).more("It needs a host name of its own, without a path.").example("https://tasks.example.org");
        API_TOKEN: Optional<Secret> = parse::token, unset(
            "What API clients must send as `Authorization: Bearer …`. Unset: no token is asked for.",
        ).more("Browsers sign in with it once, at `/sign-in`; another token ends every session. Make one with `openssl rand -hex 24`.").secret();
    }
    "How the program runs" {
        DATABASE_URL: Defaulted<PathBuf> = parse::database, default(
            "sqlite:btk.db",
            "The database file: `sqlite:PATH`. A file that is not btk's is refused untouched.",
        ).more("What stands beside it with `-wal`, `-shm` and `.lock` at the end of its name belongs to it.");
        NODE_ENV: Optional<String> = |text| Ok(text.to_owned()), unset(
            "`production` = refuse to start with a short or sample secret, warn about webhooks in clear text.",
        ).example("production");
        LOG_FORMAT: Defaulted<bool> = parse::log_json, default("text", "`text` or `json`, on standard error.");
        RUST_LOG: Defaulted<String> = parse::log_filter, default(
            "info",
            "How much is logged: `off`, `error`, `warn`, `info`, `debug` (whole requests and answers, secrets masked).",
        );
    }
}
