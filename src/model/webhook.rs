//! Webhook: a URL that wants events, and how it may be shown.
//!
//! Must not know how a request is sent.

use std::fmt;

use super::event::Origin;

/// The id of the webhook that comes from `WEBHOOK_URL`.
pub const DEFAULT_WEBHOOK: &str = "default";

/// A URL that wants events. The URL and the headers are secrets: for Make, the URL is the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `default`, or made by the server.
    pub id: String,
    /// Where to send: http or https. Shown only masked.
    pub url: String,
    /// Sent with every request, name and value. Values are never shown.
    pub headers: Vec<(String, String)>,
    /// Changes that came from here are not sent.
    pub ignore_origin: Vec<Origin>,
    /// Attempts before a delivery counts as failed, 1 to 20.
    pub max_attempts: u32,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("url", &masked_url(&self.url))
            .finish_non_exhaustive()
    }
}

/// A URL that may stand in a log or on a page: scheme, host and port, never path or query.
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "…".to_owned();
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let tail = if rest.len() > host.len() { "/…" } else { "" };
    format!("{scheme}://{host}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_a_url_is_shown() {
        for (url, shown) in [
            ("https://hook.eu1.make.com/abc123?x=1", "https://hook.eu1.make.com/…"),
            ("http://user:pw@localhost:9/p", "http://localhost:9/…"),
            ("http://localhost:9", "http://localhost:9"),
            ("https://e.org?secret=1", "https://e.org/…"),
            ("secret", "…"),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
