#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| brickyard_project::fuzzing::bundle(bytes));
