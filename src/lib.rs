//! BTK-System: a task tracker whose every change reaches an HTTP receiver as a webhook.
//!
//! The map, from the outside in. Arrows go one way only; a test holds the code to it.
//!
//! - [`cli`] chooses a command: serve, [`demo`], [`listen`] (a receiver to look at), [`bench`].
//! - [`config`] turns settings into checked values; [`server`] is the only wiring.
//! - [`listener`] accepts connections, [`http`] answers requests: each a closure handed to the store.
//! - [`store`] keeps everything: a task, its event and its deliveries in one transaction.
//! - [`dispatcher`] claims what is due, [`sender`] makes the attempt. It meets the handlers in the
//!   database and nowhere else.
//! - [`upkeep`] does the slow work beside it: retention, expiry, recoveries, what was deleted.
//! - [`delivery`] decides, in pure functions: again? whose fault? how much now? It makes the request, whether that
//!   is sent or only shown, and says all of it in words.
//! - [`targets`] (which addresses?) and [`signature`] are pure too; [`trust`] reads whose certificates are believed.
//! - [`model`] holds the nouns and their rules; it knows nothing of the rest.
//! - [`clock`], [`figures`], [`metrics`], [`output`], [`secret`], [`signals`], `temp_dir` and `twin` are leaves that anybody may use.

mod bench;
pub mod cli;
mod clock;
mod config;
mod delivery;
mod demo;
mod dispatcher;
mod figures;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod http;
mod listen;
mod listener;
mod lock;
mod metrics;
mod model;
mod output;
mod secret;
mod sender;
mod server;
mod session;
mod signals;
mod signature;
mod store;
mod targets;
mod temp_dir;
mod trust;
mod twin;
mod upkeep;
