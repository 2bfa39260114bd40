//! Links the functions that a platform at work runs through side by side, as `link-order.txt` names them.
//!
//! Why, and how the list is made anew: `examples/bench/order`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

const LIST: &str = "link-order.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={LIST}");
    // Where the compiler brings its own linker, which takes seconds for it; and who builds without optimisation wants it quick.
    if env::var("TARGET")? == "x86_64-unknown-linux-gnu" && env::var("PROFILE")? == "release" {
        let script = Path::new(&env::var("OUT_DIR")?).join("order.ld");
        fs::write(&script, linker_script(&fs::read_to_string(LIST)?)?)?;
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
    Ok(())
}

/// A section of what the list names, in front of all other code. The compiler gives each function a section of its own,
/// `.text.<symbol>`, or `.text.unlikely.<symbol>` if it is marked as cold.
fn linker_script(list: &str) -> Result<String, std::fmt::Error> {
    let mut script = String::from("SECTIONS\n{\n  .text.first :\n  {\n");
    for name in list.lines() {
        writeln!(script, "    *(.text.{name} .text.unlikely.{name})")?;
    }
    script.push_str("  }\n}\nINSERT BEFORE .text;\n");
    Ok(script)
}
