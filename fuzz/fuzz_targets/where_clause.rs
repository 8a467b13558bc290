#![no_main]

libfuzzer_sys::fuzz_target!(|value: &str| nightdesk::maximo::fuzzing::where_clause(value));
