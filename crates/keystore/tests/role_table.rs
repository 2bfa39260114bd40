//! The table in docs/keys.md has a row for every role, and none besides; what it says of each is what the program does.

#[cfg(test)]
mod tests {
    use cyberid_crypto::Suite;
    use cyberid_keystore::{Kind, RoleName, Rotation};

    const PAGE: &str = include_str!("../../../docs/keys.md");

    fn rows() -> Vec<Vec<&'static str>> {
        let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
        let table = PAGE.lines().skip_while(|line| !line.starts_with("| role |"));
        let rows = table.skip(2).take_while(|line| line.starts_with('|'));
        rows.map(cells).collect()
    }

    fn algorithm(kind: Kind) -> &'static str {
        kind.algorithm(Suite::Nist)
    }

    fn place(role: RoleName) -> &'static str {
        match role.kind() {
            Kind::Mac => "memory",
            _ if role.is_hot() => "memory",
            Kind::Signing | Kind::Agreement | Kind::Note => "token",
        }
    }

    fn changes(role: RoleName) -> &'static str {
        match role.rotation() {
            Rotation::Alone => "alone",
            Rotation::WithPins => "with pins",
            Rotation::WithData => "with data",
        }
    }

    #[test]
    fn the_table_lists_the_roles_with_their_algorithms_places_and_changes() {
        let listed: Vec<_> = rows()
            .iter()
            .map(|row| [row[0], row[1], row[3], row[5]])
            .collect();
        let known = RoleName::ALL.iter().copied();
        let known: Vec<_> = known
            .map(|role| [role.as_str(), algorithm(role.kind()), place(role), changes(role)])
            .collect();
        assert_eq!(listed, known);
    }

    /// The table has the first suite's algorithms; a sentence below says what the second has in their places.
    #[test]
    fn the_page_says_the_algorithms_of_both_suites() {
        for kind in [Kind::Signing, Kind::Agreement, Kind::Mac] {
            let said = format!("{} for {}", kind.algorithm(Suite::Sm), algorithm(kind));
            assert!(PAGE.contains(&said), "{said}");
        }
        assert_eq!(Kind::Note.algorithm(Suite::Sm), algorithm(Kind::Note));
    }

    #[test]
    fn every_row_says_holder_rotation_and_gain() {
        for row in rows() {
            assert!(
                row.len() == 7 && row.iter().all(|cell| !cell.is_empty()),
                "{row:?}"
            );
        }
    }
}
