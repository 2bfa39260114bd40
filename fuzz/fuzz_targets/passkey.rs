#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (parsers::target("passkey").run)(data);
});
