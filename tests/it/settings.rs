//! Settings (`docs/settings.md`).

mod reading;
