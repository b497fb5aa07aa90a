//! Who may what, and what is never shown (`docs/security.md`).

mod guard;
mod secrets;
mod session;
mod token;
