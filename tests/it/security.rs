//! Who may what, and what is never shown (`docs/security.md`).

mod secrets;
mod session;
mod targets;
mod token;
