//! The webhooks that are sent (`docs/webhooks.md`).

mod alerts;
mod outgoing;
mod payloads;
mod properties;
mod signing;
