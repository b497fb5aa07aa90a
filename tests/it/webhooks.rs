//! The webhooks that are sent (`docs/webhooks.md`).

mod alerts;
mod fan_out;
mod outgoing;
mod payloads;
mod properties;
mod signing;
mod urls_as_people_type_them;
