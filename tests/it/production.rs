//! What a server meets in the open: kills, stops, its service (`docs/production.md`).

mod crash;
mod hardening;
mod server;
mod stop;
