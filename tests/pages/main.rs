//! The pages, in a real browser, against the real program and a real receiver.
//!
//! Needs Chromium and its driver, which `scripts/test` installs: `cargo test --test pages`. What is tested is what a
//! person sees and does; what the API answers is the affair of `tests/it`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test ends where it is surprised, says what it measured, and has a clock of its own"
)]

mod accessible;
mod board;
mod browser;
mod cut;
mod deliveries;
#[path = "../it"]
mod shared {
    #[expect(dead_code, reason = "one harness serves two programs of tests")]
    pub(crate) mod harness;
}

mod frame;
mod layout;
mod overview;
mod pictures;
mod safety;
mod setup;
mod sign_in;
mod speed;
mod truth;
mod webhooks;
mod windows;

use shared::harness;
