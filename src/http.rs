//! HTTP: what others may call of it. Every route stands in `routes`, what handlers share in `app`.
//!
//! Handlers talk to the store and to nobody else: what they write, the dispatcher finds. Must not
//! know of the dispatcher, of sockets, nor of `Config`: values are passed in.
#![doc = include_str!("../docs/internals/http.md")]

mod answer;
mod app;
mod assets;
mod body;
mod changes;
mod deliveries;
mod delivery_request;
mod docs;
mod door;
mod errors;
mod event_list;
mod events;
mod extract;
mod figures;
mod forms;
mod guard;
mod idempotency;
mod incoming;
mod jobs;
mod meta;
mod openapi;
mod pack;
mod pages;
mod places;
mod problem;
mod query;
mod recover;
mod respond;
mod room;
mod routes;
mod samples;
mod session;
mod setup;
mod site;
mod takers;
mod task_list;
mod tasks;
mod unreadable;
mod webhook_actions;
mod webhook_view;
mod webhooks;

pub use app::{NoRoom, Peer, Services};
pub use guard::network;
pub use routes::router;
pub use takers::Client;
pub use unreadable::unreadable;
