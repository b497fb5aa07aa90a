//! The contract, line by line, from outside: the real binary, a real receiver, loopback.
//!
//! Nothing here looks inside the program: what is not visible over HTTP, in the log, in the exit
//! code or on disk is not tested here. `harness` starts the program and the receiver; a folder
//! is a page of the book, each file a chapter of the contract; in `field` each is something that went wrong with systems
//! of this kind, in `project` it is the code and its documents.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends where it is surprised, says what it measured, and has a clock of its own"
)]

mod harness;

mod api;
mod deliveries;
mod field;
mod incoming;
mod pages;
mod production;
mod project;
mod security;
mod settings;
mod start;
mod webhooks;
