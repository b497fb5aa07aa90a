//! The contract, line by line, from outside: the real binary, a real receiver, loopback.
//!
//! Nothing here looks inside the program: what is not visible over HTTP, in the log, in the exit
//! code or on disk is not tested here. `harness` starts the program and the receiver; each other
//! file is one chapter of the contract.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends where it is surprised, says what it measured, and has a clock of its own"
)]

mod harness;

mod alerts;
mod answers;
mod api;
mod backlog;
mod book;
mod bulkheads;
mod changes;
mod circles;
mod crash;
mod deliveries;
mod ends;
mod events;
mod explain;
mod field;
mod figures;
mod form;
mod guard;
mod hardening;
mod hostile;
mod incoming;
mod lanes;
mod list;
mod listen;
mod listing;
mod make;
mod meta;
mod outgoing;
mod pages;
mod paging;
mod payloads;
mod recovery;
mod repeats;
mod requests;
mod retention;
mod retries;
mod secrets;
mod server;
mod session;
mod settings;
mod setup;
mod signing;
mod states;
mod stop;
mod tasks;
mod tidy;
mod token;
mod values;
mod webhooks;
