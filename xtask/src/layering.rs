//! Who may reach whom, over any number of steps.
//!
//! `deny.toml` names the direct parents that a package may have. What matters for the people in the
//! records is stronger: that verification has *no path at all* to code that opens an identity. The rules
//! are data ([`rules::RULES`]); the graph is what cargo resolves, with all features and without
//! dev-dependencies, which do not ship.

mod graph;
mod rules;

use graph::Graph;

use crate::{command, failure::Failure};

const METADATA: [&str; 5] = ["metadata", "--format-version", "1", "--all-features", "--locked"];

/// Checks the rules against the dependency graph of this workspace.
pub(crate) fn check() -> Result<(), Failure> {
    let metadata = command::output("cargo", &METADATA)?;
    let graph = Graph::from_metadata(&metadata).map_err(|error| Failure::Output {
        command: "cargo metadata".into(),
        cause: error.to_string(),
    })?;
    let violations = rules::violations(&graph, rules::RULES);
    Failure::unless_empty("layering", violations.iter().map(ToString::to_string).collect())?;
    println!(
        "layering ok: {} rules over {} packages",
        rules::RULES.len(),
        graph.len()
    );
    Ok(())
}
