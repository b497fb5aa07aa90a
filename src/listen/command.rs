//! The command `btk listen`: what it can be told, and how it runs in a terminal.
//!
//! Must not know HTTP.

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::manner::{self, Answers, Manner};
use super::print::{Show, block};
use super::{Behaviour, Listener, Received};
use crate::config::{self, port_option};
use crate::output::Output;
use crate::signals::asked_to_stop;
use crate::signature;

/// What `btk listen` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The port to listen on
    #[arg(long, default_value_t = 5055, value_parser = port_option)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,
    /// Print the headers of each request too
    #[arg(long)]
    headers: bool,
    /// Check signatures with this secret (`whsec_…`), say what was found, and answer 401 to what does
    /// not fit
    #[arg(long)]
    secret: Option<String>,
    /// Answer so instead of 200: a status, a status with a body (`200:ok`), `cut` for no answer;
    /// several in turn with commas between, the last one from then on (`503,503,200`)
    #[arg(long, value_parser = manner::answers)]
    answer: Option<Answers>,
    /// Wait before each answer, e.g. 5s
    #[arg(long, value_parser = manner::delay, default_value = "0s")]
    delay: Duration,
}

/// The same addresses as the setting `HOST` takes.
fn host(text: &str) -> Result<IpAddr, String> {
    config::host(text).map_err(|why| format!("it {why}"))
}

/// `btk listen`: prints what arrives until Ctrl-C or SIGTERM.
///
/// # Errors
/// It cannot listen.
pub(crate) async fn command(options: Options, out: Arc<Output>) -> anyhow::Result<()> {
    let Options { port, host, headers, secret, answer, delay } = options;
    let secret = secret.as_deref().map(signature::parse).transpose();
    let secret = secret.map_err(|why| anyhow::anyhow!("--secret {why}"))?;
    let listener = Listener::bind(SocketAddr::new(host, port)).await?;
    let address = listener.address();
    out.put(format!(
        "Listening on http://{address} and printing what arrives; Ctrl-C ends.\n\
         To send webhooks here, start btk with WEBHOOK_URL=http://{address}\n\n"
    ));
    let answers = answer.map_or_else(Vec::new, |Answers(answers)| answers);
    let ways = Behaviour { manner: Manner::new(answers, delay), secret };
    let show = Show { colour: coloured(), headers };
    let stop = CancellationToken::new();
    let on_webhook = {
        let out = Arc::clone(&out);
        move |received: &Received| out.put(block(received, show))
    };
    let mut run = pin!(listener.run(ways, stop.clone(), on_webhook));
    tokio::select! {
        () = run.as_mut() => return Ok(()),
        asked = asked_to_stop() => asked?,
        // A closed pipe (`btk listen | head`): nobody reads any more, so there is no more to do.
        () = out.unread.cancelled() => {},
    }
    stop.cancel();
    run.await;
    Ok(())
}

/// Whether what is printed may be coloured: a person reads it, and has not said no.
pub(crate) fn coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}
