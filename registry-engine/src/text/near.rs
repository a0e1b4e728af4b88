//! Names that are almost right, for `did you mean …?`.

/// The candidate that was probably meant: as in rustc, at most a third of its letters may be wrong. Letter case is
/// ignored, and two swapped neighbours count as one wrong letter.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_of(name, &mut candidates.into_iter())
}

/// Not generic, so that it is compiled once rather than for each type of iterator.
fn nearest_of<'a>(name: &str, candidates: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let limit = name.chars().count().max(3) / 3;
    candidates
        .map(|candidate| {
            let distance = strsim::osa_distance(&folded, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, if a candidate is close to the name.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const TABLES: &[&str] = &["audit_logs", "user_roles", "users", "wip"];

    #[test]
    fn names_that_are_almost_right() {
        for (name, expected) in [
            ("usrs", Some("users")),
            ("user", Some("users")),
            ("Users", Some("users")),
            ("uesrs", Some("users")),
            ("auditlogs", Some("audit_logs")),
            ("user_role", Some("user_roles")),
            ("wpi", Some("wip")),
            ("invoices", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, TABLES.iter().copied()), expected, "{name}");
        }
    }
}
