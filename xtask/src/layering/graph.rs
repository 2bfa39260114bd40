//! The dependency graph, by package name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

/// Every package that ships and what it leans on directly.
///
/// Versions of one package are one node, so the graph may hold a path that no build has; never the reverse.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    leans_on: BTreeMap<String, BTreeSet<String>>,
    /// Packages of this workspace, with the folder that holds each, relative to its root.
    ours: BTreeMap<String, String>,
}

impl Graph {
    /// Reads the output of `cargo metadata --format-version 1`.
    pub(crate) fn from_metadata(json: &[u8]) -> serde_json::Result<Self> {
        let metadata: Metadata = serde_json::from_slice(json)?;
        let names: BTreeMap<&str, &str> = metadata
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let mut graph = Self::default();
        for package in &metadata.packages {
            graph.leans_on.entry(package.name.clone()).or_default();
            if metadata.workspace_members.contains(&package.id) {
                graph
                    .ours
                    .insert(package.name.clone(), package.folder(&metadata.workspace_root));
            }
        }
        for node in &metadata.resolve.nodes {
            let Some(from) = names.get(node.id.as_str()) else {
                continue;
            };
            let shipped = node.deps.iter().filter(|dep| dep.ships());
            let to = shipped
                .filter_map(|dep| names.get(dep.pkg.as_str()))
                .map(|&name| name.to_owned());
            graph.leans_on.entry((*from).to_owned()).or_default().extend(to);
        }
        Ok(graph)
    }

    /// How many packages there are.
    pub(crate) fn len(&self) -> usize {
        self.leans_on.len()
    }

    /// The names of this workspace's packages.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &str> {
        self.ours.keys().map(String::as_str)
    }

    /// The services: every package under `services/`, except the executable that joins them.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        let services = self
            .ours
            .iter()
            .filter(|(_, folder)| folder.starts_with("services/"));
        services
            .map(|(name, _)| name.as_str())
            .filter(|&name| name != "cyberid")
    }

    /// A shortest path from one package to another, both ends included.
    pub(crate) fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut waiting = VecDeque::from([vec![from.to_owned()]]);
        while let Some(path) = waiting.pop_front() {
            let direct = path
                .last()
                .and_then(|last| self.leans_on.get(last))
                .into_iter()
                .flatten();
            for next in direct {
                let longer = || [path.as_slice(), std::slice::from_ref(next)].concat();
                if next == to {
                    return Some(longer());
                }
                if seen.insert(next.clone()) {
                    waiting.push_back(longer());
                }
            }
        }
        None
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    workspace_root: String,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
}

impl Package {
    fn folder(&self, root: &str) -> String {
        let path = self
            .manifest_path
            .strip_prefix(root)
            .unwrap_or(&self.manifest_path);
        path.trim_start_matches('/')
            .trim_end_matches("/Cargo.toml")
            .to_owned()
    }
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

impl Dependency {
    /// Whether any use of it is more than a dev-dependency.
    fn ships(&self) -> bool {
        self.dep_kinds
            .iter()
            .any(|kind| kind.kind.as_deref() != Some("dev"))
    }
}

/// `null` is a normal dependency; otherwise `dev` or `build`.
#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A made-up graph: workspace packages with their folders, then edges.
    pub(crate) fn made_up(ours: &[(&str, &str)], edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for &(name, folder) in ours {
            graph.ours.insert(name.into(), folder.into());
            graph.leans_on.entry(name.into()).or_default();
        }
        for &(from, to) in edges {
            graph.leans_on.entry(from.into()).or_default().insert(to.into());
            graph.leans_on.entry(to.into()).or_default();
        }
        graph
    }

    const METADATA: &str = r#"{
        "packages": [
            {"id": "a#1", "name": "a", "manifest_path": "/w/services/a/Cargo.toml"},
            {"id": "b#1", "name": "b", "manifest_path": "/w/crates/b/Cargo.toml"},
            {"id": "main#1", "name": "cyberid", "manifest_path": "/w/services/cyberid/Cargo.toml"},
            {"id": "x#1", "name": "x", "manifest_path": "/elsewhere/x-1/Cargo.toml"},
            {"id": "x#2", "name": "x", "manifest_path": "/elsewhere/x-2/Cargo.toml"}
        ],
        "workspace_members": ["a#1", "b#1", "main#1"],
        "workspace_root": "/w",
        "resolve": {"nodes": [
            {"id": "main#1", "deps": [{"pkg": "a#1", "dep_kinds": [{"kind": null, "target": null}]}]},
            {"id": "a#1", "deps": [
                {"pkg": "b#1", "dep_kinds": [{"kind": "dev", "target": null}]},
                {"pkg": "x#2", "dep_kinds": [{"kind": "dev", "target": null}, {"kind": "build", "target": null}]}
            ]},
            {"id": "b#1", "deps": []}, {"id": "x#1", "deps": []}, {"id": "x#2", "deps": []}
        ]}
    }"#;

    #[test]
    fn metadata_becomes_names_folders_and_shipped_edges() {
        let graph = Graph::from_metadata(METADATA.as_bytes()).unwrap();
        assert_eq!(graph.len(), 4);
        assert_eq!(graph.services().collect::<Vec<_>>(), ["a"]);
        assert_eq!(graph.path("cyberid", "x").unwrap(), ["cyberid", "a", "x"]);
        assert_eq!(graph.path("a", "b"), None, "dev-dependencies do not ship");
    }

    #[test]
    fn other_json_is_an_error() {
        assert!(Graph::from_metadata(b"{}").is_err());
    }

    #[test]
    fn the_shortest_path_is_found_and_circles_end() {
        let graph = made_up(&[], &[("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("a", "c")]);
        assert_eq!(graph.path("a", "d").unwrap(), ["a", "c", "d"]);
        assert_eq!(graph.path("d", "a"), None);
    }
}
