//! The first hour (`docs/start.md`).

mod first_hour;
mod listen;
mod setup;
