//! What a server meets in the open: kills, stops, full disks, files that change, slow clients (`docs/production.md`).

mod crash;
mod damaged;
mod files_overwritten;
mod files_replaced;
mod hardening;
mod locked_by_another;
mod log_full_or_dead;
mod not_our_file;
mod quota;
mod server;
mod slow_clients;
mod stop;
