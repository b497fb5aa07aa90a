//! Webhooks that come in (`docs/incoming.md`).

mod form;
mod tasks;
mod text_in_other_encodings;
