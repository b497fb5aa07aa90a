//! Webhooks that come in (`docs/incoming.md`).

mod form;
mod tasks;
