//! Settings: from text to checked values, all faults at once.
//!
//! Must not read the environment by itself (a look-up is passed in), nor act on what it reads.

mod address;
mod digits;
mod dotenv;
mod gather;
mod outgoing;
mod parse;
mod parse_webhook;
mod pipe;
mod reference;
mod setting;
mod weakness;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

pub(crate) use address::{cannot_listen, host};
pub(crate) use digits::{number, port_option, within};
pub(crate) use dotenv::EnvFile;
pub(crate) use gather::Gathered;
pub(crate) use outgoing::Retention;
pub(crate) use parse::log_filter;
pub(crate) use reference::REFERENCE;
pub(crate) use setting::Setting;

use outgoing::Outgoing;
use setting::{Defaulted, Optional};
use weakness::{PLACEHOLDER, is_placeholder, weakness};

use crate::delivery::health::Policy;
use crate::model::{Webhook, masked_url};
use crate::secret::Secret;
use crate::targets::Targets;
use crate::trust::Trust;

/// How many requests in which time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// At once, and in one period.
    pub(crate) burst: f64,
    /// On the average.
    pub(crate) per_second: f64,
}

/// Everything the server needs to know, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) host: IpAddr,
    /// On which port; 0 = any free one.
    pub(crate) port: u16,
    /// How the world reaches the server, without a slash at the end.
    pub(crate) public_url: Option<String>,
    /// The database file.
    pub(crate) database: PathBuf,
    /// What API clients must show.
    pub(crate) api_token: Option<Secret>,
    /// Where changes go.
    pub(crate) webhook: Option<Webhook>,
    /// Where alerts go.
    pub(crate) alerts: Option<Webhook>,
    /// What happens when a webhook does not work.
    pub(crate) policy: Policy,
    /// Which private addresses webhooks made over the API may reach.
    pub(crate) targets: Targets,
    /// Whose certificates are believed.
    pub(crate) trust: Trust,
    /// How long what has ended is kept.
    pub(crate) retention: Retention,
    /// What incoming webhooks must show.
    pub(crate) webhook_secret: Option<Secret>,
    /// How many incoming webhooks are taken.
    pub(crate) incoming_rate: Rate,
    /// Log lines as JSON.
    pub(crate) log_json: bool,
    /// Which log lines, in the syntax of `tracing`'s `EnvFilter`.
    pub(crate) log_filter: String,
    /// What is allowed but deserves a word at the start.
    pub(crate) warnings: Vec<String>,
}

/// Every fault in the settings, each with its name and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.0.len() == 1 { "setting needs" } else { "settings need" };
        write!(f, "{} {many} mending:", self.0.len())?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Where to listen with a token: everywhere.
const HOST_WITH_TOKEN: &str = "0.0.0.0";

impl Config {
    /// Reads every setting. `lookup` gives a setting's text; an empty one counts as unset.
    ///
    /// # Errors
    /// All faults together.
    pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, Faults> {
        let mut read = Reader { lookup, faults: Vec::new() };
        let config = Config::of(&mut read);
        config.filter(|_| read.faults.is_empty()).ok_or(Faults(read.faults))
    }

    /// What others show to be let in, and nobody may be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.webhook_secret, &self.api_token].into_iter().flatten()
    }

    /// `None` where a default cannot be read, which a test rules out.
    fn of(read: &mut Reader<'_>) -> Option<Config> {
        let mut warnings = Vec::new();
        let api_token = read.maybe(&reference::API_TOKEN);
        let webhook_secret = read.maybe(&reference::WEBHOOK_SECRET);
        let mode = read.maybe(&reference::NODE_ENV).unwrap_or_default();
        let production = mode == "production";
        if !production && mode.to_ascii_lowercase().starts_with("prod") {
            warnings.push(format!(
                "NODE_ENV is \"{mode}\", which does nothing; write production in full, in small letters"
            ));
        }

        let default_host = api_token.as_ref().map(|_| HOST_WITH_TOKEN);
        let host = read.one_or(&reference::HOST, default_host)?;
        let port = read.one(&reference::PORT)?;
        let public_url = read.maybe(&reference::PUBLIC_URL);
        if public_url.as_ref().is_some_and(|url| has_path(url)) {
            warnings.push(
                "PUBLIC_URL has a path: what is shown to be copied has it too, so the proxy must take \
                 it away before it passes a request on, and the pages do not work below it. Give btk a \
                 host name of its own"
                    .to_owned(),
            );
        }
        let database = read.one(&reference::DATABASE_URL)?;
        let incoming_rate = read.one(&reference::INCOMING_RATE)?;
        let log_json = read.one(&reference::LOG_FORMAT)?;
        let log_filter = read.one(&reference::RUST_LOG)?;
        let outgoing = outgoing::read(read, production)?;

        if production {
            for (name, secret) in [("WEBHOOK_SECRET", &webhook_secret), ("API_TOKEN", &api_token)] {
                if let Some(why) = secret.as_ref().and_then(weakness) {
                    read.faults.push(format!(
                        "{name} {why}, which NODE_ENV=production does not allow. \
                         Make one with: openssl rand -hex 24"
                    ));
                }
            }
            let headers = outgoing.webhook.iter().flat_map(|webhook| &webhook.headers);
            for (header, _) in headers.filter(|(_, value)| is_placeholder(value)) {
                read.faults.push(format!(
                    "WEBHOOK_HEADERS has a value of {header} that {PLACEHOLDER}, and NODE_ENV=production does not \
                     allow that. Write what the receiver gave you"
                ));
            }
            for (name, webhook) in
                [("WEBHOOK_URL", &outgoing.webhook), ("ALERT_URL", &outgoing.alerts)]
            {
                if let Some(url) = webhook.as_ref().map(|w| &w.url).filter(|url| is_open_http(url))
                {
                    let shown = masked_url(url);
                    warnings.push(format!("{name} is sent in the clear to {shown}: use https://"));
                }
            }
        }
        if api_token.is_none() && !host.is_loopback() {
            warnings.push(format!(
                "HOST={host} without API_TOKEN: everybody who reaches this address can read and \
                 change every task. Set API_TOKEN"
            ));
        }
        let Outgoing { webhook, alerts, policy, targets, trust, retention } = outgoing;
        Some(Config {
            host,
            port,
            public_url,
            database,
            api_token,
            webhook,
            alerts,
            policy,
            targets,
            trust,
            retention,
            webhook_secret,
            incoming_rate,
            log_json,
            log_filter,
            warnings,
        })
    }
}

/// Reads settings one by one and keeps their faults.
struct Reader<'r> {
    lookup: &'r dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// One that may be unset.
    fn maybe<T>(&mut self, setting: &Optional<T>) -> Option<T> {
        self.set(setting.about.name, setting.parse)
    }

    /// One that has a default. `None` only where that cannot be read, which is a fault too.
    fn one<T>(&mut self, setting: &Defaulted<T>) -> Option<T> {
        self.one_or(setting, None)
    }

    /// One whose default may be another one for once.
    fn one_or<T>(&mut self, setting: &Defaulted<T>, default: Option<&str>) -> Option<T> {
        let Setting { name, default: usual, .. } = setting.about;
        let set = self.set(name, setting.parse);
        set.or_else(|| self.parsed(name, default.unwrap_or(usual), setting.parse))
    }

    /// What is set; empty counts as unset.
    fn set<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let text = (self.lookup)(name)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if gather::begins_with_name(name, text) {
            let why = "so the name stands twice: write the value alone";
            self.faults.push(format!("{name} holds {name}=…, {why}"));
            return None;
        }
        self.parsed(name, text, parse)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        text: &str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(text).map_err(|why| self.faults.push(format!("{name} {why}"))).ok()
    }
}

/// Whether an address names more than a host.
fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

fn is_open_http(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !(host == "localhost" || host.ends_with(".localhost") || loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, Faults> {
        let find = |name: &str| {
            settings.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        Config::read(&find)
    }

    #[test]
    fn without_settings_it_listens_to_this_machine_alone() {
        let config = read(&[("PORT", ""), ("WEBHOOK_URL", " ")]).unwrap();
        assert_eq!((config.host.to_string().as_str(), config.port), ("127.0.0.1", 5000));
        assert!(config.webhook.is_none() && config.warnings.is_empty());
        assert_eq!(config.database, PathBuf::from("btk.db"));
    }

    #[test]
    fn a_token_opens_the_server_and_no_token_is_warned_about() {
        assert_eq!(read(&[("API_TOKEN", "abc")]).unwrap().host.to_string(), "0.0.0.0");
        let open = read(&[("HOST", "0.0.0.0")]).unwrap();
        assert!(open.warnings[0].contains("API_TOKEN"), "{:?}", open.warnings);
    }

    #[test]
    fn all_faults_are_listed_by_name() {
        let faults = read(&[
            ("PORT", "99999"),
            ("WEBHOOK_URL", "ftp://x"),
            ("INCOMING_RATE", "fast"),
            ("DATABASE_URL", "postgres://x"),
            ("NODE_ENV", "production"),
            ("WEBHOOK_SECRET", "short"),
        ])
        .unwrap_err();
        let names: Vec<&str> = faults.0.iter().map(|f| f.split(' ').next().unwrap()).collect();
        let all = ["PORT", "DATABASE_URL", "INCOMING_RATE", "WEBHOOK_URL", "WEBHOOK_SECRET"];
        assert_eq!(names, all, "{faults}");
    }

    #[test]
    fn production_refuses_secrets_that_protect_nothing() {
        for weak in [
            "0123456789abcde",
            "change-me-change-me",
            "your-secret-key-here",
            "aaaaaaaaaaaaaaaaaaa",
            "${BTK_WEBHOOK_SECRET}",
        ] {
            let settings = [("NODE_ENV", "production"), ("WEBHOOK_SECRET", weak)];
            let faults = read(&settings).unwrap_err();
            assert!(!faults.to_string().contains(weak), "{faults}");
            assert!(read(&settings[1..]).is_ok());
        }
        let strong = [("NODE_ENV", "production"), ("WEBHOOK_SECRET", "9f2c7e1ab04d6835c1e7")];
        assert!(read(&strong).is_ok());
    }

    #[test]
    fn a_name_that_stands_twice_is_said_of_every_setting() {
        for (name, text) in [
            ("WEBHOOK_SECRET", "WEBHOOK_SECRET=s3cret-of-mine-12"),
            ("API_TOKEN", "export API_TOKEN = s3cret"),
            ("PORT", "PORT=5000"),
        ] {
            let said = read(&[(name, text)]).unwrap_err().to_string();
            assert!(said.contains(&format!("{name} holds {name}=…")), "{said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
        assert!(read(&[("WEBHOOK_SECRET", "WEBHOOK_SECRETS=1")]).is_ok());
    }

    #[test]
    fn production_refuses_a_header_that_nobody_has_filled_in() {
        let settings = [
            ("NODE_ENV", "production"),
            ("WEBHOOK_URL", "https://hook.example/x"),
            ("WEBHOOK_HEADERS", "x-make-apikey: ${MAKE_KEY}"),
        ];
        let said = read(&settings).unwrap_err().to_string();
        assert!(said.contains("WEBHOOK_HEADERS has a value of x-make-apikey"), "{said}");
        assert!(!said.contains("MAKE_KEY") && read(&settings[1..]).is_ok(), "{said}");
    }

    #[test]
    fn a_public_url_below_a_path_is_warned_about() {
        for (url, warned) in [
            ("https://tasks.example.org", false),
            ("https://tasks.example.org:8443/", false),
            ("https://example.org/tasks", true),
        ] {
            let config = read(&[("PUBLIC_URL", url)]).unwrap();
            assert_eq!(
                config.warnings.iter().any(|w| w.starts_with("PUBLIC_URL")),
                warned,
                "{url}"
            );
        }
    }

    #[test]
    fn clear_text_is_warned_about_beyond_this_machine() {
        for (url, warned) in [
            ("http://hooks.example.org/x", true),
            ("https://hooks.example.org/x", false),
            ("http://127.0.0.1:9/x", false),
            ("http://[::1]:9/x", false),
            ("http://localhost/x", false),
        ] {
            let config = read(&[("NODE_ENV", "production"), ("WEBHOOK_URL", url)]).unwrap();
            assert_eq!(!config.warnings.is_empty(), warned, "{url}");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let settings = [
            ("API_TOKEN", "tok-123456789"),
            ("WEBHOOK_URL", "https://hook.example/path-123456789"),
            ("WEBHOOK_HEADERS", "x-make-apikey: key-123456789"),
        ];
        let shown = format!("{:?}", read(&settings).unwrap());
        assert!(!shown.contains("123456789"), "{shown}");
    }
}
