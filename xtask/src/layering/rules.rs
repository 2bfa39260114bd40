//! The rules, as data, and the checker that reads them.

use std::fmt;

use super::graph::Graph;

/// One package, or a group of them that grows by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// The package of this name.
    Package(&'static str),
    /// Every package under `services/`, except the executable.
    EveryService,
}

/// What a rule demands of its packages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// They reach none of these. A package never breaks a rule by being itself in the list.
    Avoid(&'static [Who]),
    /// Of this workspace they reach these alone.
    LeanOnlyOn(&'static [&'static str]),
}

/// A statement about every dependency path of some packages.
#[derive(Debug)]
pub(crate) struct Rule {
    from: &'static [Who],
    limit: Limit,
    because: &'static str,
}

/// Who may reach whom in this workspace.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        from: &[Who::Package("cyberid-verification")],
        limit: Limit::Avoid(&[
            Who::Package("cyberid-vault"),
            Who::Package("cyberid-custodian"),
            Who::Package("cyberid-issuance"),
            Who::Package("cyberid-storage-sqlite"),
            Who::Package("cyberid-storage-journal"),
        ]),
        because: "who answers \"real and old enough?\" cannot be made to open an identity",
    },
    Rule {
        from: &[
            Who::Package("cyberid-verification"),
            Who::Package("cyberid-consent"),
            Who::Package("cyberid-audit"),
            Who::Package("cyberid-ledger"),
            Who::Package("cyberid-event-push"),
            Who::Package("cyberid-witness"),
            Who::Package("cyberid-identity-source"),
            Who::Package("cyberid-holder"),
            Who::Package("cyberid-relying-party"),
            Who::Package("cyberid-auditor"),
        ],
        limit: Limit::Avoid(&[Who::Package("cyberid-record"), Who::Package("cyberid-key-holder")]),
        because: "issuance seals identity records, the two key holders open them, and nobody else does either",
    },
    Rule {
        from: &[Who::Package("cyberid-audit")],
        limit: Limit::Avoid(&[
            Who::Package("cyberid-storage"),
            Who::Package("cyberid-ledger"),
            Who::Package("cyberid-keystore"),
        ]),
        because: "the regulator's service reads: nothing it depends on so much as names a write",
    },
    Rule {
        from: &[Who::Package("cyberid-issuance")],
        limit: Limit::Avoid(&[Who::Package("cyberid-key-holder")]),
        because: "only the two key holders admit warrants",
    },
    Rule {
        from: &[Who::Package("cyberid-record")],
        limit: Limit::LeanOnlyOn(&["cyberid-domain", "cyberid-crypto"]),
        because: "what opens a record knows neither a store nor a network",
    },
    Rule {
        from: &[Who::Package("cyberid-passport")],
        limit: Limit::LeanOnlyOn(&["cyberid-domain"]),
        because: "what authenticates a passport knows neither a store nor a network",
    },
    Rule {
        from: &[Who::EveryService],
        limit: Limit::Avoid(&[Who::Package("cyberid-event-push")]),
        because: "calls to addresses that outsiders name are made in one place, and no service makes them",
    },
    Rule {
        from: &[Who::Package("cyberid-event-push")],
        limit: Limit::Avoid(&[
            Who::EveryService,
            Who::Package("cyberid-storage-sqlite"),
            Who::Package("sqlx"),
        ]),
        because: "what calls outsiders knows what happened from the feed alone",
    },
    Rule {
        from: &[Who::EveryService],
        limit: Limit::Avoid(&[Who::EveryService]),
        because: "services meet over their interfaces, so that each can run elsewhere under other keys",
    },
    Rule {
        from: &[Who::EveryService],
        limit: Limit::Avoid(&[
            Who::Package("cyberid-storage-sqlite"),
            Who::Package("cyberid-storage-journal"),
            Who::Package("sqlx"),
        ]),
        because: "only the executable knows which database is used",
    },
    Rule {
        from: &[
            Who::Package("cyberid-holder"),
            Who::Package("cyberid-relying-party"),
            Who::Package("cyberid-auditor"),
            Who::Package("cyberid-witness"),
            Who::Package("cyberid-tlog"),
            Who::Package("cyberid-protocol"),
            Who::Package("cyberid-domain"),
        ],
        limit: Limit::Avoid(&[
            Who::Package("cyberid-storage"),
            Who::Package("cyberid-storage-read"),
            Who::Package("sqlx"),
            Who::EveryService,
        ]),
        because: "outsiders embed these, and none of them may need the platform's stores to check it",
    },
    Rule {
        from: &[
            Who::Package("cyberid-tlog"),
            Who::Package("cyberid-domain"),
            Who::Package("cyberid-crypto"),
        ],
        limit: Limit::LeanOnlyOn(&[]),
        because: "the ground floor stands on nothing of ours",
    },
    Rule {
        from: &[Who::Package("cyberid-protocol")],
        limit: Limit::LeanOnlyOn(&["cyberid-domain", "cyberid-crypto", "cyberid-tlog"]),
        because: "messages are pure: no store, no network, no clock",
    },
];

/// A rule that the graph breaks, or that speaks of nobody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A path that must not exist.
    Reaches {
        /// The packages on it, both ends included.
        path: Vec<String>,
        /// The rule's reason.
        because: &'static str,
    },
    /// A rule names a package of ours that the workspace does not have: a rule about nothing protects nothing.
    Unknown {
        /// The name.
        package: &'static str,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reaches { path, because } => write!(f, "{} ({because})", path.join(" -> ")),
            Self::Unknown { package } => write!(f, "a rule names {package}, which is not in the workspace"),
        }
    }
}

/// Everything in which the graph breaks the rules.
pub(crate) fn violations(graph: &Graph, rules: &[Rule]) -> Vec<Violation> {
    rules
        .iter()
        .flat_map(|rule| rule.unknown(graph).into_iter().chain(rule.reaches(graph)))
        .collect()
}

impl Rule {
    fn unknown(&self, graph: &Graph) -> Vec<Violation> {
        let mut names: Vec<&'static str> = self.from.iter().filter_map(|who| who.named()).collect();
        match self.limit {
            Limit::Avoid(whom) => names.extend(whom.iter().filter_map(|who| who.named())),
            Limit::LeanOnlyOn(allowed) => names.extend(allowed),
        }
        // Other people's packages may be absent: then nothing reaches them.
        let ours = names.into_iter().filter(|name| name.starts_with("cyberid"));
        ours.filter(|name| graph.ours().all(|package| package != *name))
            .map(|package| Violation::Unknown { package })
            .collect()
    }

    fn reaches(&self, graph: &Graph) -> Vec<Violation> {
        let forbidden = self.forbidden(graph);
        let pairs = everyone(self.from, graph)
            .into_iter()
            .flat_map(|from| forbidden.iter().map(move |to| (from, *to)));
        pairs
            .filter(|(from, to)| from != to)
            .filter_map(|(from, to)| graph.path(from, to))
            .map(|path| Violation::Reaches {
                path,
                because: self.because,
            })
            .collect()
    }

    fn forbidden<'a>(&self, graph: &'a Graph) -> Vec<&'a str>
    where
        'static: 'a,
    {
        match self.limit {
            Limit::Avoid(whom) => everyone(whom, graph),
            Limit::LeanOnlyOn(allowed) => graph.ours().filter(|name| !allowed.contains(name)).collect(),
        }
    }
}

impl Who {
    fn named(self) -> Option<&'static str> {
        match self {
            Self::Package(name) => Some(name),
            Self::EveryService => None,
        }
    }
}

fn everyone<'a>(whom: &[Who], graph: &'a Graph) -> Vec<&'a str> {
    let each = |who: &Who| match *who {
        Who::Package(name) => vec![name],
        Who::EveryService => graph.services().collect(),
    };
    whom.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::graph::tests::made_up, *};

    const OURS: &[(&str, &str)] = &[
        ("cyberid", "services/cyberid"),
        ("cyberid-asking", "services/asking"),
        ("cyberid-opening", "services/opening"),
        ("cyberid-shared", "crates/shared"),
    ];

    fn rule(from: &'static [Who], limit: Limit) -> [Rule; 1] {
        [Rule {
            from,
            limit,
            because: "of a reason",
        }]
    }

    fn reaches(path: &[&str]) -> Violation {
        Violation::Reaches {
            path: path.iter().map(|&name| name.to_owned()).collect(),
            because: "of a reason",
        }
    }

    const APART: Limit = Limit::Avoid(&[Who::EveryService]);

    #[test]
    fn a_path_through_a_third_package_is_a_violation() {
        let graph = made_up(
            OURS,
            &[
                ("cyberid-asking", "cyberid-shared"),
                ("cyberid-shared", "cyberid-opening"),
            ],
        );
        let found = violations(&graph, &rule(&[Who::EveryService], APART));
        assert_eq!(
            found,
            [reaches(&["cyberid-asking", "cyberid-shared", "cyberid-opening"])]
        );
        assert_eq!(
            found[0].to_string(),
            "cyberid-asking -> cyberid-shared -> cyberid-opening (of a reason)"
        );
    }

    #[test]
    fn the_executable_may_join_services_that_stay_apart() {
        let graph = made_up(
            OURS,
            &[("cyberid", "cyberid-asking"), ("cyberid", "cyberid-opening")],
        );
        assert_eq!(violations(&graph, &rule(&[Who::EveryService], APART)), []);
    }

    #[test]
    fn a_package_of_others_can_be_forbidden_and_may_be_absent() {
        let limit = Limit::Avoid(&[Who::Package("sqlx")]);
        let rules = rule(&[Who::Package("cyberid-shared")], limit);
        assert_eq!(violations(&made_up(OURS, &[]), &rules), []);
        let graph = made_up(OURS, &[("cyberid-shared", "sqlx")]);
        assert_eq!(violations(&graph, &rules), [reaches(&["cyberid-shared", "sqlx"])]);
    }

    #[test]
    fn leaning_only_on_some_forbids_the_rest_of_ours_and_nothing_of_others() {
        let edges = [("cyberid-asking", "cyberid-shared"), ("cyberid-asking", "serde")];
        let graph = made_up(OURS, &edges);
        let from = &[Who::Package("cyberid-asking")];
        assert_eq!(
            violations(&graph, &rule(from, Limit::LeanOnlyOn(&["cyberid-shared"]))),
            []
        );
        let found = violations(&graph, &rule(from, Limit::LeanOnlyOn(&[])));
        assert_eq!(found, [reaches(&["cyberid-asking", "cyberid-shared"])]);
    }

    #[test]
    fn a_rule_about_nobody_is_a_violation() {
        let limit = Limit::Avoid(&[Who::Package("cyberid-misspelt")]);
        let found = violations(&made_up(OURS, &[]), &rule(&[Who::Package("cyberid-gone")], limit));
        let unknown = |package| Violation::Unknown { package };
        assert_eq!(found, [unknown("cyberid-gone"), unknown("cyberid-misspelt")]);
    }
}
