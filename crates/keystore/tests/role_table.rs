//! The table in keys/README.md has a row for every role, and none besides.

#[cfg(test)]
mod tests {
    use cyberid_keystore::RoleName;

    const README: &str = include_str!("../../../keys/README.md");

    fn rows() -> Vec<Vec<&'static str>> {
        let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
        let table = README.lines().skip_while(|line| !line.starts_with("| role |"));
        let rows = table.skip(2).take_while(|line| line.starts_with('|'));
        rows.map(cells).collect()
    }

    #[test]
    fn the_table_lists_the_roles_with_their_algorithms() {
        let listed: Vec<_> = rows().iter().map(|row| (row[0], row[1])).collect();
        let known = RoleName::ALL.iter();
        let known: Vec<_> = known
            .map(|role| (role.as_str(), role.kind().algorithm()))
            .collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn every_row_says_holder_rotation_and_gain() {
        for row in rows() {
            assert!(
                row.len() == 5 && row.iter().all(|cell| !cell.is_empty()),
                "{row:?}"
            );
        }
    }
}
