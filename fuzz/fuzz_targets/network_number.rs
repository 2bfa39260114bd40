#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (parsers::target("network_number").run)(data);
});
