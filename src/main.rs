//! The program: parses its arguments and hands them on.

use std::process::ExitCode;

use btk_system::cli::{Cli, run};
use clap::Parser as _;

/// Small objects are made and dropped by many threads here; the system's allocator takes a tenth of
/// the time for that (`btk bench`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
