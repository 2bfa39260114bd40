//! The functions of a program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The size in bytes of each function by its symbol; of those that share one, together.
pub(crate) fn sizes(program: &Path) -> BTreeMap<String, u64> {
    let listed = Command::new("nm")
        .args(["--print-size", "--defined-only"])
        .arg(program)
        .output()
        .unwrap();
    assert!(listed.status.success(), "nm");
    let mut sizes = BTreeMap::new();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        let [_, size, "t" | "T" | "w" | "W", name] = *line.split(' ').collect::<Vec<_>>() else {
            continue;
        };
        *sizes.entry(name.to_owned()).or_default() += u64::from_str_radix(size, 16).unwrap();
    }
    sizes
}
