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

mod answers;
mod api;
mod crash;
mod deliveries;
mod form;
mod hardening;
mod incoming;
mod lanes;
mod list;
mod outgoing;
mod paging;
mod repeats;
mod retries;
mod secrets;
mod server;
mod settings;
mod stop;
mod tasks;
mod tidy;
mod token;
mod values;
