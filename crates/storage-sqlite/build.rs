//! Rebuilds when a migration is added, which the embedding macro cannot notice.

#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=../../migrations/sqlite");
}
