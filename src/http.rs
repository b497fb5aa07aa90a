//! HTTP: what others may call of it. Every route stands in `routes`, what handlers share in `app`.
//!
//! Handlers talk to the store and to nobody else: what they write, the dispatcher finds. Must not
//! know of the dispatcher, of sockets, nor of `Config`: values are passed in.
#![doc = include_str!("../docs/internals/http.md")]

mod answer;
mod app;
mod auth;
mod body;
mod connection;
mod deliveries;
mod docs;
mod errors;
mod events;
mod extract;
mod faults;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzzed;
mod gzip;
mod idempotency;
mod incoming;
mod meta;
mod openapi;
mod outer;
mod pages;
mod paging;
mod places;
mod pool;
mod problem;
mod query;
mod rates;
mod room;
mod routes;
mod site;
mod takers;
mod tasks;
mod unreadable;
mod webhooks;

pub(crate) use app::Services;
pub(crate) use connection::{NoRoom, Peer};
pub(crate) use rates::network;
pub(crate) use routes::router;
pub(crate) use takers::Client;
pub(crate) use unreadable::unreadable;
