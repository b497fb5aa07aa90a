//! Settings (`docs/settings.md`).

mod reading;
mod settings_as_people_write_them;
