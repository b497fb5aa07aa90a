//! The program: parses its arguments and hands them on.

use std::process::ExitCode;

use btk_system::cli::{Cli, run};
use clap::Parser as _;

fn main() -> ExitCode {
    run(Cli::parse())
}
