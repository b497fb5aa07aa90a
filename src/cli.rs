//! The command line: which command, its help, its log, its signals.
//!
//! Must not know SQL or axum. `--help` is the reference of all settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::clock;
use crate::config::{Config, EnvFile, Faults, Gathered, REFERENCE};
use crate::model::masked_url;
use crate::output::{Gap, Output, Stream};
use crate::signals::{asked_to_stop, outlive_limits_on_files};
use crate::{bench, demo, listen, server};

/// Signals within this time of the first are the same wish to stop.
const ONE_WISH: std::time::Duration = std::time::Duration::from_secs(1);

/// What became of lines while nobody took them.
const UNSEEN: &str =
    "lines before this one are missing: they were not read in time, or could not be written";

/// A task tracker whose every change reaches Make.com, n8n, Zapier or any HTTP receiver as a
/// webhook: nothing lost, everything in order. Without a command, it serves.
#[derive(Debug, Parser)]
#[command(name = "btk", version, after_help = settings())]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show it: a server and a receiver, four changes and the four webhooks they make
    Demo,
    /// Be a receiver: print what arrives
    Listen(listen::Options),
    /// Measure it on this machine, beside two relays as floors
    Bench(bench::Options),
}

/// The settings as text for `--help`.
fn settings() -> String {
    let mut text =
        String::from("Settings, from the environment or a .env file in the working directory:\n");
    for setting in REFERENCE {
        text.push_str(&format!("\n  {} [{}]\n", setting.name, setting.default));
        let mut line = String::new();
        for word in setting.plain_help().split(' ') {
            if line.len() + word.len() > 84 {
                text.push_str(&format!("      {line}\n"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        text.push_str(&format!("      {line}\n"));
    }
    let secret = REFERENCE.iter().filter(|setting| setting.is_secret).map(|setting| setting.name);
    text.push_str(&format!(
        "\nIn a file of their own, named by NAME_FILE (WEBHOOK_SECRET_FILE=/run/secrets/webhook),\nmay \
         stand: {}.\n",
        secret.collect::<Vec<_>>().join(", ")
    ));
    text.push_str("\nStart with: btk demo. Then put WEBHOOK_URL=… into .env and run btk.");
    text
}

/// Runs the command; the exit code is 0 after a clean end, 2 for settings that need mending, 1 for
/// every other fault.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("btk cannot start: {error}"), 1),
    };
    let within = runtime.enter();
    if let Err(error) = outlive_limits_on_files() {
        return fail(&format!("btk cannot start: {error:#}"), 1);
    }
    drop(within);
    let code = command(cli, &runtime);
    // A name look-up of a request that was cut may hang for long; nobody waits for it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

fn command(cli: Cli, runtime: &tokio::runtime::Runtime) -> ExitCode {
    let ended = match cli.command {
        None => return serve(runtime),
        Some(Command::Demo) => {
            let (log, out) = (start_log("warn", false), Output::start(Stream::Out, gap));
            let ended = runtime.block_on(demo::command(&out, log.dropped.clone()));
            out.finish();
            log.finish();
            ended
        }
        Some(Command::Listen(options)) => {
            let out = Output::start(Stream::Out, gap);
            let ended = runtime.block_on(listen::command(options, Arc::clone(&out)));
            out.finish();
            ended
        }
        Some(Command::Bench(options)) => runtime.block_on(bench::command(options)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("btk: {error:#}"), 1),
    }
}

/// Says why there is nothing more to do. Where nobody reads that, the exit code must do.
fn fail(message: &str, code: u8) -> ExitCode {
    let err = Output::start(Stream::Err, gap);
    err.put(format!("{message}\n"));
    err.finish();
    ExitCode::from(code)
}

fn serve(runtime: &tokio::runtime::Runtime) -> ExitCode {
    let (file, mut faults) = EnvFile::load(Path::new(".env"));
    let mut gathered = Gathered::from(&|name| std::env::var_os(name), &file);
    faults.append(&mut gathered.faults);
    let read = Config::read(&|name| gathered.get(name));
    let config = match (read, faults.is_empty()) {
        (Ok(config), true) => config,
        (read, _) => {
            faults.extend(read.err().into_iter().flat_map(|more| more.0));
            return fail(&format!("btk cannot start: {}", Faults(faults)), 2);
        }
    };
    let log = start_log(&config.log_filter, config.log_json);
    let out = Output::start(Stream::Out, gap);
    for name in unknown_names(&file) {
        let capitals = name.to_ascii_uppercase();
        let hint = if REFERENCE.iter().any(|setting| setting.name == capitals) {
            format!("write {capitals} in capitals")
        } else {
            "btk --help lists them all".to_owned()
        };
        tracing::warn!(".env sets {name}, which is no setting of btk; {hint}");
    }
    for warning in file.warnings.iter().chain(&gathered.warnings).chain(&config.warnings) {
        tracing::warn!("{warning}");
    }
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        let summary = Summary::of(&config);
        let server = server::start(config, log.dropped.clone(), stop.clone()).await?;
        summary.announce(server.address(), server.found(), &out);
        let finished = server.finished();
        tokio::pin!(finished);
        tokio::select! {
            ended = &mut finished => ended,
            asked = asked_to_stop() => {
                asked?;
                tracing::info!("Stopping: requests under way are finished first");
                stop.cancel();
                // Some supervisors signal the process and its group: that is one wish, not two.
                let again = async {
                    tokio::time::sleep(ONE_WISH).await;
                    asked_to_stop().await
                };
                tokio::select! {
                    ended = &mut finished => ended,
                    _ = again => anyhow::bail!("stopped at once, by a second signal"),
                }
            }
        }
    });
    let code = match ended {
        Ok(()) => {
            tracing::info!("Stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    };
    out.finish();
    log.finish();
    code
}

fn unknown_names(file: &EnvFile) -> Vec<String> {
    let known = |name: &&str| {
        let in_a_file = name.strip_suffix("_FILE");
        let is = |known: &str| known == *name;
        REFERENCE.iter().any(|setting| {
            is(setting.name) || (setting.is_secret && in_a_file == Some(setting.name))
        })
    };
    let mut names: Vec<String> = file.names().filter(|n| !known(n)).map(str::to_owned).collect();
    names.sort();
    names
}

/// Log lines go to standard error: text with the message first, or JSON. A panic is one of them.
fn start_log(filter: &str, json: bool) -> Arc<Output> {
    use std::io::IsTerminal as _;
    let lines = Output::start(Stream::Err, if json { gap_as_json as Gap } else { gap });
    let filter = EnvFilter::builder().parse_lossy(with_the_rest(filter));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(Arc::clone(&lines));
    // A second log in one process would be refused; there is only this one.
    let _started = if json {
        log.json().flatten_event(true).with_target(false).try_init()
    } else {
        log.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    // The usual hook writes to standard error itself, and waits for it.
    std::panic::set_hook(Box::new(|panic| tracing::error!("A fault of btk itself: {panic}")));
    lines
}

/// A filter that names parts alone turns all others off, and with them the line that says why a start failed: what it
/// does not name is logged as it is without a filter.
fn with_the_rest(filter: &str) -> String {
    let is_level = |part: &str| !part.is_empty() && part.parse::<LevelFilter>().is_ok();
    if filter.split(',').map(str::trim).any(is_level) {
        return filter.to_owned();
    }
    let usual = REFERENCE.iter().find(|setting| setting.name == "RUST_LOG");
    format!("{},{filter}", usual.map_or("warn", |setting| setting.default))
}

/// Tells of lines that nobody saw.
fn gap(dropped: u64) -> String {
    format!("{}  WARN {dropped} {UNSEEN}\n", clock::now())
}

fn gap_as_json(dropped: u64) -> String {
    let now = clock::now();
    format!(
        "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{dropped} {UNSEEN}\",\"dropped\":{dropped}}}\n"
    )
}

/// What is said at the start.
struct Summary {
    json: bool,
    database: PathBuf,
    webhooks: String,
    incoming: &'static str,
    public_url: Option<String>,
    has_token: bool,
}

impl Summary {
    fn of(config: &Config) -> Summary {
        Summary {
            json: config.log_json,
            database: config.database.clone(),
            webhooks: match &config.webhook {
                Some(webhook) => format!("each change goes to {}", masked_url(&webhook.url)),
                None => "off: changes are kept; a recovery can send them later. Set WEBHOOK_URL"
                    .to_owned(),
            },
            incoming: match &config.webhook_secret {
                Some(_) => "?secret=<WEBHOOK_SECRET>",
                None => "  (off: set WEBHOOK_SECRET)",
            },
            public_url: config.public_url.clone(),
            has_token: config.api_token.is_some(),
        }
    }

    fn announce(self, address: SocketAddr, found: &server::StartReport, out: &Output) {
        // "Every address" is none that a browser could open.
        let loopback: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        let ip = if address.ip().is_unspecified() { loopback } else { address.ip() };
        let here = format!("http://{}", SocketAddr::new(ip, address.port()));
        let public = self.public_url.as_deref().unwrap_or(&here);
        let incoming = format!("{public}/api/incoming-webhook{}", self.incoming);
        let data = std::path::absolute(&self.database).unwrap_or(self.database);
        let token = if self.has_token { " -H 'Authorization: Bearer <API_TOKEN>'" } else { "" };
        let earlier = found.earlier.as_ref().map(|earlier| {
            let least = if earlier.is_more { "At least " } else { "" };
            let (many, were) =
                if earlier.count == 1 { ("change", "was") } else { ("changes", "were") };
            format!(
                "{least}{} {many} from before {were} never sent there. To send them: \
                 curl -X POST {here}/api/webhooks/default/recover{token} \
                 -H 'Content-Type: application/json' -d '{{\"since\":\"{}\",\"states\":[\"unsent\"]}}'",
                earlier.count, earlier.since
            )
        });
        if self.json {
            tracing::info!(
                url = here,
                data = %data.display(),
                is_new = found.is_new,
                webhooks = self.webhooks,
                earlier,
                incoming,
                "BTK-System {} listens on {address}",
                env!("CARGO_PKG_VERSION")
            );
            return;
        }
        let made = if found.is_new { "  (made anew: there was none)" } else { "" };
        let earlier = earlier.map_or(String::new(), |words| format!("  Earlier     {words}\n"));
        let lines = format!(
            "BTK-System {}\n  Listening   http://{address}\n  Data        {}{made}\n  Webhooks    {}\n\
             {earlier}  Incoming    {incoming}\n  Pages       {here}\n  All routes  {here}/docs\n  Try         curl {here}/api/tasks{token} \
             -H 'Content-Type: application/json' -d '{{\"title\":\"My first task\"}}'\n",
            env!("CARGO_PKG_VERSION"),
            data.display(),
            self.webhooks,
        );
        out.put(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed_and_names_every_setting() {
        Cli::command().debug_assert();
        let help = Cli::command().render_help().to_string();
        for setting in REFERENCE {
            assert!(help.contains(setting.name), "{} is not in --help", setting.name);
        }
    }

    #[test]
    fn what_a_filter_does_not_name_is_logged_as_usual() {
        for (filter, whole) in [
            ("btk_system::store=debug", "info,btk_system::store=debug"),
            ("hyper=off,btk_system", "info,hyper=off,btk_system"),
            ("[request]=trace", "info,[request]=trace"),
            ("", "info,"),
            ("off", "off"),
            ("info,hyper=trace", "info,hyper=trace"),
            ("hyper=trace, WARN", "hyper=trace, WARN"),
        ] {
            assert_eq!(with_the_rest(filter), whole);
        }
    }
}
