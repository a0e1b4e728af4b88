//! Decides which roles a role can become: <https://www.postgresql.org/docs/current/role-membership.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::catalog::{Catalog, Membership, Oid, PUBLIC, PolicyRow, Relation, Role};
use crate::database::requirements::statements::identifier;

/// Membership in one of these is as good as a superuser's rights:
/// <https://www.postgresql.org/docs/current/predefined-roles.html>.
const SERVER_ACCESS: &[&str] = &[
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
];
/// The attribute of roles to which policies do not apply.
pub const BYPASS_RLS: &str = "BYPASSRLS";
/// Members of these roles hold privileges on every table and schema, without an entry in any list of grants.
pub const READ_ALL_DATA: &str = "pg_read_all_data";
const WRITE_ALL_DATA: &str = "pg_write_all_data";

/// The privileges on rows, about which policies decide.
pub const USES_OF_ROWS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

/// A role, and every role whose privileges it has or can obtain.
#[derive(Debug)]
pub struct Actor<'c> {
    pub role: &'c Role,
    /// The way to each role: a list of roles that starts with this one, each a member of the next.
    reachable: BTreeMap<Oid, Vec<Oid>>,
    catalog: &'c Catalog,
}

impl<'c> Actor<'c> {
    pub fn new(catalog: &'c Catalog, role: &'c Role) -> Self {
        Self {
            role,
            reachable: reachable(|member| catalog.memberships(member), role.oid),
            catalog,
        }
    }

    /// A role as the owner of a view or a function that others use: only what it inherits counts, since nobody can SET ROLE
    /// there.
    pub fn of_owner(catalog: &'c Catalog, role: &'c Role) -> Self {
        let mut reachable = BTreeMap::new();
        let mut open = vec![vec![role.oid]];
        while let Some(way) = open.pop() {
            let last = way.last().copied().unwrap_or(role.oid);
            for edge in catalog.memberships(last).iter().filter(|edge| edge.inherit) {
                if edge.role != role.oid && !reachable.contains_key(&edge.role) {
                    let way = [way.as_slice(), &[edge.role]].concat();
                    reachable.insert(edge.role, way.clone());
                    open.push(way);
                }
            }
        }
        Self {
            role,
            reachable,
            catalog,
        }
    }

    /// Whether it has or can obtain the privileges of a role.
    pub fn reaches(&self, role: Oid) -> bool {
        role == PUBLIC || role == self.role.oid || self.reachable.contains_key(&role)
    }

    /// Whether a permissive policy can let rows through for it.
    pub fn is_given(&self, policy: &PolicyRow) -> bool {
        policy.roles.iter().any(|role| self.reaches(*role))
    }

    /// Whether a policy applies to it without SET ROLE.
    pub fn is_given_at_once(&self, policy: &PolicyRow) -> bool {
        let is_own = |role: &Oid| *role == PUBLIC || *role == self.role.oid;
        let inherits = |role: &Oid| Self::of_owner(self.catalog, self.role).reaches(*role);
        policy.roles.iter().any(|role| is_own(role) || inherits(role))
    }

    /// Whether policies decide which rows of a table it sees.
    pub fn is_bound(&self, relation: &Relation) -> bool {
        relation.row_security
            && !self.ignores_policies()
            && (relation.force_row_security || !self.reaches(relation.owner))
    }

    /// Whether a policy always applies to it, so that no role it can change to uses the table without the policy.
    pub fn is_bound_by(&self, policy: &PolicyRow, relation: &Relation) -> bool {
        let is_for = |role: &Role| policy.roles.contains(&role.oid);
        let uses = |role: &'c Role| {
            let actor = Self::of_owner(self.catalog, role);
            USES_OF_ROWS
                .iter()
                .any(|privilege| actor.holds(relation, privilege))
        };
        let mut others = self.others();
        policy.roles.contains(&PUBLIC)
            || (is_for(self.role) && others.all(|role| is_for(role) || !uses(role)))
    }

    /// Whether policies do not apply to it.
    pub fn ignores_policies(&self) -> bool {
        self.role.superuser || self.role.bypass_rls
    }

    /// Whether it holds a privilege on a relation, or on a column of it.
    pub fn holds(&self, relation: &Relation, privilege: &str) -> bool {
        let mut grants = self.catalog.grants(relation.oid).iter();
        self.reaches(relation.owner)
            || grants.any(|grant| grant.privilege == privilege && self.reaches(grant.grantee))
            || self.holds_everywhere(privilege)
    }

    /// Whether it holds a privilege on a column.
    pub fn holds_on(&self, relation: &Relation, column: &str, privilege: &str) -> bool {
        let mut grants = self.catalog.grants(relation.oid).iter();
        self.reaches(relation.owner)
            || self.holds_everywhere(privilege)
            || grants.any(|grant| {
                let is_about_it = grant.column.as_deref().is_none_or(|one| one == column);
                is_about_it && grant.privilege == privilege && self.reaches(grant.grantee)
            })
    }

    /// Whether it holds SELECT on all of some columns.
    pub fn reads(&self, relation: &Relation, columns: &[String]) -> bool {
        let grants = self.catalog.grants(relation.oid).iter();
        let held: Vec<Option<&String>> = grants
            .filter(|grant| grant.privilege == "SELECT" && self.reaches(grant.grantee))
            .map(|grant| grant.column.as_ref())
            .collect();
        let reads = |column: &String| held.contains(&None) || held.contains(&Some(column));
        self.reaches(relation.owner) || self.holds_everywhere("SELECT") || columns.iter().all(reads)
    }

    /// Whether it holds a privilege on every table, without an entry in any list of grants.
    fn holds_everywhere(&self, privilege: &str) -> bool {
        let by = match privilege {
            "SELECT" => READ_ALL_DATA,
            "INSERT" | "UPDATE" | "DELETE" => WRITE_ALL_DATA,
            _ => return self.role.superuser,
        };
        self.role.superuser || self.others().any(|role| role.name == by)
    }

    /// Revokes the membership that lets it read everything.
    pub fn revoke_everything_readable(&self) -> Option<String> {
        let role = self.others().find(|role| role.name == READ_ALL_DATA)?;
        Some(self.revoke_way_to(role.oid, &self.catalog.server.database))
    }

    /// Whether it may use a schema.
    pub fn enters(&self, schema: &str) -> bool {
        let found = self.catalog.schemas.get(schema);
        let is_granted = found.is_some_and(|schema| {
            self.reaches(schema.owner) || schema.users.iter().any(|role| self.reaches(*role))
        });
        is_granted || self.holds_everywhere("SELECT") || self.holds_everywhere("INSERT")
    }

    /// Whether it holds one of some privileges on a relation, and may use its schema.
    pub fn may(&self, relation: &Relation, privileges: &[&str]) -> bool {
        self.enters(&relation.schema) && privileges.iter().any(|one| self.holds(relation, one))
    }

    /// The other roles that it reaches.
    pub fn others(&self) -> impl Iterator<Item = &'c Role> {
        self.reachable.keys().filter_map(|oid| self.catalog.role_of(*oid))
    }

    /// The roles on the way to a role, from itself to that role.
    fn steps_to(&self, role: Oid) -> Vec<Oid> {
        self.reachable.get(&role).cloned().unwrap_or_else(|| vec![role])
    }

    /// The way to a role as text: `app` → `group` → `owner`.
    pub fn way_to(&self, role: Oid) -> String {
        let steps = self.steps_to(role).into_iter();
        let names: Vec<String> = steps
            .map(|step| format!("`{}`", self.catalog.role_name(step)))
            .collect();
        names.join(" → ")
    }

    /// Whether the way to a role leads through one that meets a condition.
    pub fn passes(&self, role: Oid, is_met: impl Fn(Oid) -> bool) -> bool {
        let steps = self.steps_to(role);
        steps[..steps.len() - 1].iter().any(|step| is_met(*step))
    }

    /// The way to a role, as a fact of a finding.
    pub fn memberships(&self, role: Oid) -> String {
        format!("memberships: {}", self.way_to(role))
    }

    /// Revokes the first membership on the way to a role, as the role that granted it.
    pub fn revoke_way_to(&self, role: Oid, database: &str) -> String {
        let first = self.steps_to(role).get(1).copied().unwrap_or(role);
        let mut memberships = self.catalog.memberships(self.role.oid).iter();
        let grantor = memberships
            .find(|edge| edge.role == first)
            .and_then(|edge| edge.grantor);
        let Some(grantor) = grantor else {
            return format!("ALTER DATABASE {} OWNER TO …;", identifier(database));
        };
        let (first, own) = (self.catalog.grantee(first), identifier(&self.role.name));
        // Before PostgreSQL 16, a membership does not depend on its grantor.
        let by = if self.catalog.server.version >= 160_000 {
            format!(" GRANTED BY {}", self.catalog.grantee(grantor))
        } else {
            String::new()
        };
        format!("REVOKE {first} FROM {own}{by};")
    }
}

/// The attributes and predefined roles that make a role exempt from every rule.
pub fn exemptions(role: &Role, version: i32) -> Vec<&'static str> {
    let attributes = [
        (role.superuser, "SUPERUSER"),
        (role.bypass_rls, BYPASS_RLS),
        (role.replication, "REPLICATION"),
        // Before PostgreSQL 16, the role may grant any role except superusers to any role.
        (role.create_role && version < 160_000, "CREATEROLE"),
        (
            SERVER_ACCESS.contains(&role.name.as_str()),
            "access to the files of the server",
        ),
        (role.name == WRITE_ALL_DATA, "UPDATE and DELETE in every table"),
    ];
    attributes
        .into_iter()
        .filter_map(|(has, what)| has.then_some(what))
        .collect()
}

/// The way to each role that a role reaches. SET ROLE needs a chain of memberships with the SET option, starting at
/// the role of the session. Each role on that chain also inherits privileges. A role with the ADMIN option on another
/// can grant that role to itself.
fn reachable<'m>(memberships: impl Fn(Oid) -> &'m [Membership], start: Oid) -> BTreeMap<Oid, Vec<Oid>> {
    let mut ways = BTreeMap::new();
    let mut seen = BTreeSet::from([(start, true)]);
    let mut open = vec![(vec![start], start, true)];
    while let Some((way, at, by_set)) = open.pop() {
        for edge in memberships(at) {
            let sets = edge.admin || (by_set && edge.set);
            let inherits = edge.inherit || edge.admin;
            for next in [
                sets.then_some((edge.role, true)),
                inherits.then_some((edge.role, false)),
            ] {
                let Some((role, by_set)) = next.filter(|next| seen.insert(*next)) else {
                    continue;
                };
                let way = [way.as_slice(), &[role]].concat();
                ways.entry(role).or_insert_with(|| way.clone());
                open.push((way, role, by_set));
            }
        }
    }
    ways.remove(&start);
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(member: Oid, role: Oid, inherit: bool, set: bool) -> Membership {
        Membership {
            role,
            member,
            grantor: None,
            admin: false,
            inherit,
            set,
        }
    }

    fn ways(edges: &[Membership]) -> BTreeMap<Oid, Vec<Oid>> {
        let of = |member| {
            edges
                .chunk_by(|a, b| a.member == b.member)
                .find(|chunk| chunk[0].member == member)
                .unwrap_or_default()
        };
        reachable(of, 1)
    }

    /// Role 1 inherits role 4 through role 2, but can SET ROLE to 4, and so reach role 5, only through role 3.
    #[test]
    fn each_step_of_a_way_is_possible() {
        for first in [2, 3] {
            let mut edges = vec![
                edge(1, 2, true, false),
                edge(1, 3, false, true),
                edge(2, 4, true, true),
                edge(3, 4, false, true),
                edge(4, 5, false, true),
            ];
            if first == 3 {
                edges.swap(0, 1);
            }
            assert_eq!(ways(&edges)[&5], [1, 3, 4, 5]);
        }
    }

    #[test]
    fn reachable_roles() {
        let found = |edges: &[Membership]| ways(edges).into_keys().collect::<Vec<_>>();
        assert_eq!(found(&[edge(1, 2, false, true), edge(2, 3, true, false)]), [2, 3]);
        // A role that is only inherited does not allow SET ROLE to its own roles.
        assert_eq!(found(&[edge(1, 2, true, false), edge(2, 3, false, true)]), [2]);
        assert_eq!(found(&[edge(1, 2, false, false)]), [0; 0]);
        // A role with the ADMIN option on another can grant that role to itself, with the SET option.
        let admin = Membership {
            admin: true,
            ..edge(2, 3, false, false)
        };
        assert_eq!(
            found(&[edge(1, 2, true, false), admin, edge(3, 4, false, true)]),
            [2, 3, 4]
        );
        assert_eq!(found(&[edge(2, 1, true, true)]), [0; 0]);
        // Servers refuse circular memberships, but the search must end even if a snapshot has one.
        assert_eq!(found(&[edge(1, 2, true, true), edge(2, 1, true, true)]), [2]);
    }
}
