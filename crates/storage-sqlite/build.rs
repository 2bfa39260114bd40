//! Rebuilds when a migration is added, which the embedding macro cannot notice.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/sqlite");
}
