#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| nightdesk::maximo::fuzzing::token_answer(body));
