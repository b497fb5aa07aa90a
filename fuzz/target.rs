//! Every target: its name is that of the program.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| btk_system::fuzz::run(env!("CARGO_BIN_NAME"), bytes));
