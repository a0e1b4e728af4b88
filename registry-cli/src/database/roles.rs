//! What a role can become: <https://www.postgresql.org/docs/current/role-membership.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Catalog, Membership, Oid, PUBLIC, Role};
use super::statements::identifier;

/// Membership in one of these is as good as a superuser's rights:
/// <https://www.postgresql.org/docs/current/predefined-roles.html>.
const SERVER_ACCESS: [&str; 3] = [
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
];
const WRITE_ALL_DATA: &str = "pg_write_all_data";

/// A role of the application, and every role whose privileges it has or can take on.
#[derive(Debug)]
pub struct AppRole<'c> {
    pub role: &'c Role,
    /// By role, the one before it on the way.
    reachable: BTreeMap<Oid, Oid>,
    catalog: &'c Catalog,
}

impl<'c> AppRole<'c> {
    pub fn new(catalog: &'c Catalog, role: &'c Role) -> Self {
        Self {
            role,
            reachable: reachable(|member| catalog.memberships(member), role.oid),
            catalog,
        }
    }

    /// Whether it has the privileges of a role, or can take them on.
    pub fn reaches(&self, role: Oid) -> bool {
        role == PUBLIC || role == self.role.oid || self.reachable.contains_key(&role)
    }

    /// The roles besides itself.
    pub fn others(&self) -> impl Iterator<Item = &'c Role> {
        self.reachable.keys().filter_map(|oid| self.catalog.role_of(*oid))
    }

    /// From itself to another role, each a member of the next.
    fn steps_to(&self, role: Oid) -> Vec<Oid> {
        let mut steps = vec![role];
        let mut at = role;
        while let Some(before) = self.reachable.get(&at) {
            steps.push(*before);
            at = *before;
        }
        steps.reverse();
        steps
    }

    /// How it gets to a role: `app`, `group`, `owner`.
    pub fn way_to(&self, role: Oid) -> String {
        let steps = self.steps_to(role).into_iter();
        let names: Vec<String> = steps
            .map(|step| format!("`{}`", self.catalog.role_name(step)))
            .collect();
        names.join(" → ")
    }

    /// Whether it gets to a role by way of another one.
    pub fn passes(&self, role: Oid, is_met: impl Fn(Oid) -> bool) -> bool {
        let steps = self.steps_to(role);
        steps[..steps.len() - 1].iter().any(|step| is_met(*step))
    }

    /// Takes the first membership on the way to a role.
    pub fn revoke_way_to(&self, role: Oid) -> String {
        let first = self.steps_to(role).get(1).copied().unwrap_or(role);
        let first = identifier(self.catalog.role_name(first));
        format!("REVOKE {first} FROM {};", identifier(&self.role.name))
    }

    pub fn writes_all_data(&self) -> Option<&'c Role> {
        self.others().find(|role| role.name == WRITE_ALL_DATA)
    }
}

/// What makes a role exempt from every rule, if something does.
pub fn exemption(role: &Role, version: i32) -> Option<&'static str> {
    if role.superuser {
        Some("SUPERUSER")
    } else if role.bypass_rls {
        Some("BYPASSRLS")
    } else if role.replication {
        Some("REPLICATION")
    } else if role.create_role && version < 160_000 {
        // Until then it may grant every role but superusers to anybody.
        Some("CREATEROLE")
    } else if SERVER_ACCESS.contains(&role.name.as_str()) {
        Some("access to the files of the server")
    } else {
        None
    }
}

/// SET ROLE asks for a chain of memberships that allow it, from the role of the session; from each
/// role on that chain privileges are inherited. Who administers a role can grant it to itself.
fn reachable<'m>(memberships: impl Fn(Oid) -> &'m [Membership], start: Oid) -> BTreeMap<Oid, Oid> {
    let mut before = BTreeMap::new();
    let mut seen = BTreeSet::from([(start, true)]);
    let mut open = vec![(start, true)];
    while let Some((at, by_set)) = open.pop() {
        for edge in memberships(at) {
            let sets = by_set && (edge.set || edge.admin);
            let inherits = edge.inherit || edge.admin;
            for next in [
                sets.then_some((edge.role, true)),
                inherits.then_some((edge.role, false)),
            ] {
                let Some(next) = next.filter(|next| seen.insert(*next)) else {
                    continue;
                };
                before.entry(next.0).or_insert(at);
                open.push(next);
            }
        }
    }
    before.remove(&start);
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(member: Oid, role: Oid, inherit: bool, set: bool) -> Membership {
        Membership {
            role,
            member,
            admin: false,
            inherit,
            set,
        }
    }

    #[test]
    fn what_can_be_reached() {
        let found = |edges: &[Membership]| {
            let of = |member| {
                edges
                    .chunk_by(|a, b| a.member == b.member)
                    .find(|chunk| chunk[0].member == member)
                    .unwrap_or_default()
            };
            reachable(of, 1).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(found(&[edge(1, 2, false, true), edge(2, 3, true, false)]), [2, 3]);
        // Inherited privileges do not let it SET ROLE further.
        assert_eq!(found(&[edge(1, 2, true, false), edge(2, 3, false, true)]), [2]);
        assert_eq!(found(&[edge(1, 2, false, false)]), [0; 0]);
        assert_eq!(found(&[edge(2, 1, true, true)]), [0; 0]);
        // Servers refuse circles; a snapshot must not hang on one.
        assert_eq!(found(&[edge(1, 2, true, true), edge(2, 1, true, true)]), [2]);
    }
}
