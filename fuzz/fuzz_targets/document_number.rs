#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (parsers::target("document_number").run)(data);
});
