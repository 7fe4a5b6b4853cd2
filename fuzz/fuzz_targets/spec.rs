//! Any text, taken for a spec: spec -> plan -> blueprints -> template, or a report. Run it from the root of the repository with
//! `cargo fuzz run spec -- -dict=fuzz/spec.dict -max_len=4096`.

#![no_main]

#[path = "../../tests/suite/judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    judge::judge(&String::from_utf8_lossy(bytes));
});
