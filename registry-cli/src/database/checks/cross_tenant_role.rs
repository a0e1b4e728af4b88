//! Roles in `[database.roles]` that the database lacks, or that reach more than their tables.

use std::collections::BTreeMap;

use table_registry_engine::{CrossTenantRole, DatabaseCheck};

use crate::database::access::grants::grants;
use crate::database::access::ownership;
use crate::database::access::roles::{Actor, BYPASS_RLS, exemptions};
use crate::database::catalog::{Function, Oid, PolicyRow, Relation};
use crate::database::code::openings::{Access, below, opened_by, opens, ways_to};
use crate::database::code::tenant_statements::code_of_function;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::logic::Verdict;
use crate::database::policies::{COMMANDS, Clause, question};
use crate::database::requirements::relatives::ANY;
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let roles = context.settings.roles.iter();
    roles
        .flat_map(|declared| {
            let mut findings = match context.catalog.role(&declared.name.value) {
                None => vec![missing(declared)],
                Some(role) => judged(context, declared, &Actor::new(context.catalog, role)),
            };
            for finding in &mut findings {
                finding.entry = Some(declared.name.clone());
            }
            findings
        })
        .collect()
}

fn missing(declared: &CrossTenantRole) -> Finding {
    let name = &declared.name.value;
    Finding::of_role(
        DatabaseCheck::CrossTenantRole,
        name,
        format!("role `{name}`, which works across tenants, does not exist"),
        format!("CREATE ROLE {} LOGIN;", identifier(name)),
    )
    .fact("`pg_roles` has no row of that name")
}

fn judged<'c>(context: &'c Context<'c>, declared: &CrossTenantRole, actor: &Actor<'c>) -> Vec<Finding> {
    let mut findings = members(context, actor);
    let exempt = exempt(context, actor);
    if !exempt.is_empty() {
        // Nothing limits it, so the tables that it reaches need no findings of their own.
        findings.extend(exempt);
        return findings;
    }
    findings.extend(ownership::findings(
        context,
        actor,
        DatabaseCheck::CrossTenantRole,
    ));
    findings.extend(tables(context, declared, actor));
    findings
}

/// The roles of the application that can become the role.
fn members(context: &Context<'_>, actor: &Actor<'_>) -> Vec<Finding> {
    let name = &actor.role.name;
    let apps = context.app_roles.iter();
    let members = apps.filter(|app| app.role.oid != actor.role.oid && app.reaches(actor.role.oid));
    members
        .map(|app| {
            let message = format!(
                "role `{}` of the application can become `{name}`, which works across tenants",
                app.role.name
            );
            let fix = app.revoke_way_to(actor.role.oid, &context.catalog.server.database);
            Finding::of_role(DatabaseCheck::CrossTenantRole, name, message, fix)
                .fact(app.memberships(actor.role.oid))
        })
        .collect()
}

/// What exempts the role from all rules. BYPASSRLS does not: the privileges of the role still limit it.
fn exempt(context: &Context<'_>, actor: &Actor<'_>) -> Vec<Finding> {
    let name = &actor.role.name;
    let mut findings = Vec::new();
    for role in std::iter::once(actor.role).chain(actor.others()) {
        let is_own = role.oid == actor.role.oid;
        let attributes = exemptions(role, context.catalog.server.version).into_iter();
        for what in attributes.filter(|what| *what != BYPASS_RLS) {
            let (message, fix) = if is_own {
                (
                    format!("role `{name}` has {what}, so no list of tables limits it"),
                    format!("ALTER ROLE {} NO{what};", identifier(name)),
                )
            } else {
                (
                    format!(
                        "role `{name}` can become `{}`, so no list of tables limits it: {what}",
                        role.name
                    ),
                    actor.revoke_way_to(role.oid, &context.catalog.server.database),
                )
            };
            let finding = Finding::of_role(DatabaseCheck::CrossTenantRole, name, message, fix);
            findings.push(if is_own {
                finding.fact("`pg_roles` has this attribute of the role")
            } else {
                finding.object(&role.name).fact(actor.memberships(role.oid))
            });
        }
    }
    findings
}

/// A way by which the role reaches a table, and what closes it.
struct Way<'c> {
    table: &'c Table<'c>,
    fact: String,
    fixes: Vec<String>,
}

/// The tables that the role reaches but does not list, and those that it lists but does not reach.
fn tables<'c>(context: &'c Context<'c>, declared: &CrossTenantRole, actor: &Actor<'c>) -> Vec<Finding> {
    let secured = context.row_secured();
    let mut ways: Vec<Way<'_>> = secured
        .flat_map(|(table, relation)| by_privileges(context, actor, table, relation))
        .collect();
    let views = context.catalog.relations.iter();
    ways.extend(views.flat_map(|view| by_view(context, actor, view)));
    let functions = context.catalog.definers();
    ways.extend(functions.flat_map(|function| by_function(context, actor, function)));
    let mut by_table: BTreeMap<&str, Vec<Way<'_>>> = BTreeMap::new();
    for way in ways.into_iter().filter(|way| way.table.has_rls()) {
        by_table.entry(way.table.name()).or_default().push(way);
    }
    let is_listed = |table: &str| declared.tables.iter().any(|listed| listed.value == table);
    let beyond = by_table.iter().filter(|(table, _)| !is_listed(table));
    let mut findings: Vec<Finding> = beyond
        .map(|(table, ways)| finding(declared, table, ways))
        .collect();
    let useless = context.row_secured().filter(|(table, relation)| {
        is_listed(table.name())
            && !by_table.contains_key(table.name())
            // `ownership` reports it.
            && !actor.reaches(relation.owner)
    });
    findings.extend(useless.map(|(table, _)| not_reached(declared, table.name())));
    findings
}

/// If the role gained access to the table later, no review would notice.
fn not_reached(declared: &CrossTenantRole, table: &str) -> Finding {
    let name = &declared.name.value;
    let message = format!("role `{name}` lists table `{table}`, but does not reach its rows");
    let fix =
        format!("grant it a privilege and give it a policy or BYPASSRLS, or remove `{table}` from `tables`");
    Finding::of_table(DatabaseCheck::CrossTenantRole, table, message, fix)
        .object(name)
        .fact("it holds no privilege on the table, or no policy lets it see rows of all tenants")
        .warning()
}

fn finding(declared: &CrossTenantRole, table: &str, ways: &[Way<'_>]) -> Finding {
    let name = &declared.name.value;
    let message =
        format!("role `{name}` reaches rows of all tenants in table `{table}`, which it does not list");
    let mut fixes: Vec<&str> = Vec::new();
    for fix in ways.iter().flat_map(|way| &way.fixes) {
        if !fixes.contains(&fix.as_str()) {
            fixes.push(fix);
        }
    }
    let fix = if fixes.is_empty() {
        format!("revoke the privilege, or add `{table}` to `tables`")
    } else {
        fixes.join(" ")
    };
    let finding = Finding::of_table(DatabaseCheck::CrossTenantRole, table, message, fix);
    let facts = ways.iter().map(|way| &way.fact);
    let listed = declared.tables.iter().map(|table| &table.value);
    facts
        .fold(finding.object(name), Finding::fact)
        .fact(format!("`[database.roles.{name}]` lists {}", quoted(listed)))
}

/// The privileges on a table, its children and its parents.
fn by_privileges<'c>(
    context: &'c Context<'c>,
    actor: &Actor<'_>,
    table: &'c Table<'c>,
    relation: &'c Relation,
) -> Vec<Way<'c>> {
    let ancestors = context.catalog.ancestors(relation.oid).into_iter();
    let unregistered = ancestors.filter(|parent| context.table_of(*parent).is_none());
    let parents = unregistered.filter_map(|parent| context.catalog.relation_of(parent));
    // `ownership` reports what an owner of the family reaches.
    let family = context.family(relation);
    let of_others = family.filter(|relation| !actor.reaches(relation.owner));
    let relations = of_others.chain(parents);
    relations
        .flat_map(|relation| privileges_on(context, actor, table, relation))
        .collect()
}

fn privileges_on<'c>(
    context: &'c Context<'c>,
    actor: &Actor<'_>,
    table: &'c Table<'c>,
    relation: &'c Relation,
) -> Vec<Way<'c>> {
    // A trigger of the role runs as whoever writes to the table, and sees what is written.
    let every = ANY.iter().copied().chain(["TRIGGER"]);
    let held = every.filter(|one| actor.holds(relation, one));
    let reaching: Vec<&str> = held
        .filter(|one| lets_rows_through(context, actor, relation, one))
        .collect();
    let name = context.name_of(relation);
    let granted = grants(context, relation, &reaching, |grantee| reached(actor, grantee));
    if actor.reaches(relation.owner) {
        return vec![Way {
            table,
            fact: format!(
                "`{name}` includes the rows of the table and is owned by `{}`",
                context.catalog.role_name(relation.owner)
            ),
            fixes: vec![format!("ALTER TABLE {} OWNER TO …;", relation.qualified())],
        }];
    }
    if granted.is_empty() && !reaching.is_empty() {
        return vec![Way {
            table,
            fact: format!("it holds {} on every table", reaching.join(", ")),
            fixes: actor.revoke_everything_readable().into_iter().collect(),
        }];
    }
    let ways = granted.into_iter().map(|grant| Way {
        table,
        fact: format!("{} on `{name}`, {}", grant.privileges.join(", "), grant.way),
        fixes: vec![grant.revoke(context, relation)],
    });
    ways.collect()
}

fn reached<'x, 'c>(actor: &'x Actor<'c>, grantee: Oid) -> Option<&'x Actor<'c>> {
    actor.reaches(grantee).then_some(actor)
}

/// Whether row-level security lets a role use a privilege on rows of several tenants.
fn lets_rows_through(context: &Context<'_>, actor: &Actor<'_>, relation: &Relation, privilege: &str) -> bool {
    let Some((letter, _)) = COMMANDS.iter().find(|(_, command)| *command == privilege) else {
        // Policies do not apply to TRUNCATE and TRIGGER.
        return true;
    };
    let bypasses = actor.ignores_policies() || actor.others().any(|role| role.bypass_rls);
    let is_open = |policy: &PolicyRow, clause: Clause| {
        let question = question(context, actor, relation, policy, clause, letter);
        question.is_some_and(|question| question.verdict() != Verdict::Isolated)
    };
    let policies = context.catalog.policies(relation.oid).iter();
    let mut given =
        policies.filter(|policy| policy.permissive && policy.is_for(letter) && actor.is_given(policy));
    bypasses
        || !relation.row_security
        || given.any(|policy| {
            let clauses = Clause::ALL.iter().copied();
            let mut of_command = clauses.filter(|clause| clause.commands().contains(letter));
            of_command.any(|clause| is_open(policy, clause))
        })
}

/// The tables that a view shows with the rights of its owner, or of which it holds a copy.
fn by_view<'c>(context: &'c Context<'c>, actor: &Actor<'c>, view: &'c Relation) -> Vec<Way<'c>> {
    let is_copy = view.kind == "m";
    if !is_copy && (view.kind != "v" || view.security_invoker) {
        return Vec::new();
    }
    let access = Access {
        reads: true,
        ..Access::default()
    };
    let mut tables = below(context, view);
    tables.retain(|(table, used)| is_copy || opens(context, view.owner, table, used, access));
    if tables.is_empty() {
        return Vec::new();
    }
    let name = context.name_of(view);
    let fact = if is_copy {
        format!("materialized view `{name}` holds a copy of it")
    } else {
        let owner = context.catalog.role_name(view.owner);
        format!("view `{name}` shows it with the rights of its owner `{owner}`")
    };
    let used = ways_to(context, std::slice::from_ref(actor), view, ANY);
    if used.is_empty() {
        return Vec::new();
    }
    let revokes = used.into_iter().flat_map(|used| {
        let granted = grants(context, used, ANY, |grantee| reached(actor, grantee)).into_iter();
        granted.map(move |grant| grant.revoke(context, used))
    });
    let fixes: Vec<String> = revokes.collect();
    let ways = tables.into_iter().map(|(table, _)| Way {
        table,
        fact: fact.clone(),
        fixes: fixes.clone(),
    });
    ways.collect()
}

/// The tables that a function opens to the role alone. `definer_function` judges those that the application may call.
fn by_function<'c>(context: &'c Context<'c>, actor: &Actor<'_>, function: &Function) -> Vec<Way<'c>> {
    let may_call = |actor: &Actor<'_>| {
        actor.enters(&function.schema) && function.executors.iter().any(|role| actor.reaches(*role))
    };
    if function.is_trigger || !may_call(actor) || context.app_roles.iter().any(may_call) {
        return Vec::new();
    }
    let owner = context.catalog.role_name(function.owner);
    let name = context.function_name(function);
    let executors = function.executors.iter().filter(|role| actor.reaches(**role));
    let fixes: Vec<String> = executors
        .map(|role| {
            let grantee = context.catalog.grantee(*role);
            format!(
                "REVOKE EXECUTE ON ROUTINE {} FROM {grantee};",
                function.signature()
            )
        })
        .collect();
    let code = code_of_function(context, function);
    let opened = opened_by(context, &code, function.owner, |_| true).into_iter();
    let tables = opened.filter_map(|name| context.table_named(name));
    let ways = tables.map(|table| Way {
        table,
        fact: format!("function `{name}` reaches it with the rights of its owner `{owner}`"),
        fixes: fixes.clone(),
    });
    ways.collect()
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Severity;

    use super::find;
    use crate::database::catalog::Inheritance;
    use crate::database::checks::{open_policy, run};
    use crate::database::findings::finding::Finding;
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found};

    /// A role `relay` that works across tenants on `invoices`.
    fn declare(it: &mut Database) {
        it.policy_file.push_str(
            "[database.roles.relay]\ntenants = \"all\"\ntables = [\"invoices\"]\nreason = \"sends them\"\n",
        );
    }

    fn relay(it: &mut Database) {
        declare(it);
        it.add_role("relay");
        it.grant("SELECT", "invoices", "relay");
        it.add_policy("invoices", "relay", "relay", "true");
    }

    #[test]
    fn a_role_that_reaches_its_tables_alone() {
        assert_eq!(found(find, relay), NOTHING);
        assert_eq!(found(open_policy::find, relay), NOTHING);
    }

    #[test]
    fn a_role_that_bypasses_row_level_security() {
        let bypassing = |it: &mut Database| {
            relay(it);
            it.role("relay").bypass_rls = true;
        };
        assert_eq!(found(find, bypassing), NOTHING);
        let found = findings(find, |it| {
            bypassing(it);
            it.grant("SELECT", "audit_logs", "relay");
        });
        assert_eq!(
            found[0].message,
            "role `relay` reaches rows of all tenants in table `audit_logs`, which it does not list"
        );
        assert_eq!(
            found[0].fix,
            "REVOKE SELECT ON TABLE \"public\".\"audit_logs\" FROM \"relay\";"
        );
        assert_eq!(
            found[0].facts,
            [
                "SELECT on `audit_logs`, granted to `relay`",
                "`[database.roles.relay]` lists `invoices`"
            ]
        );
        assert!(found[0].entry.is_some());
    }

    #[test]
    fn a_role_that_does_not_exist() {
        assert_eq!(found(find, declare), ["- relay"]);
    }

    /// The change, with the role.
    fn with(change: impl FnOnce(&mut Database)) -> Vec<String> {
        found(find, |it| {
            relay(it);
            change(it);
        })
    }

    #[test]
    fn a_table_that_it_lists_but_does_not_reach() {
        let found = findings(find, |it| {
            declare(it);
            it.add_role("relay");
            it.grant("SELECT", "invoices", "relay");
        });
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            ["role `relay` lists table `invoices`, but does not reach its rows"]
        );
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn a_privilege_that_policies_make_useless() {
        assert_eq!(
            with(|it| {
                it.grant("SELECT", "audit_logs", "relay");
            }),
            NOTHING
        );
        assert_eq!(
            with(|it| {
                it.grant("SELECT", "audit_logs", "relay");
                it.add_policy("audit_logs", "one_tenant", "relay", TENANT);
            }),
            NOTHING
        );
    }

    #[test]
    fn an_open_policy_of_another_table() {
        assert_eq!(
            with(|it| {
                it.grant("SELECT", "audit_logs", "relay");
                it.add_policy("audit_logs", "relay", "relay", "true");
            }),
            ["audit_logs relay"]
        );
    }

    #[test]
    fn another_table_without_row_level_security() {
        assert_eq!(
            with(|it| {
                it.grant("UPDATE", "audit_logs", "relay");
                it.relation("audit_logs").row_security = false;
            }),
            ["audit_logs relay"]
        );
    }

    #[test]
    fn truncate_ignores_policies() {
        assert_eq!(
            with(|it| {
                it.grant("TRUNCATE", "audit_logs", "relay");
            }),
            ["audit_logs relay"]
        );
    }

    #[test]
    fn a_partition_of_another_table() {
        assert_eq!(
            with(|it| {
                it.child("old_logs", "r", "audit_logs");
                it.grant("SELECT", "old_logs", "relay");
            }),
            ["audit_logs relay"]
        );
    }

    #[test]
    fn a_parent_of_another_table() {
        let parent = |it: &mut Database| {
            it.table("all_logs", &[("id", "int8")]);
            let (parent, child) = (it.oid("all_logs"), it.oid("audit_logs"));
            it.rows.inheritance.push(Inheritance { child, parent });
        };
        assert_eq!(with(parent), NOTHING);
        assert_eq!(
            with(|it| {
                parent(it);
                it.grant("SELECT", "all_logs", "relay");
            }),
            ["audit_logs relay"]
        );
        assert_eq!(
            with(|it| {
                parent(it);
                let relay = it.role_oid("relay");
                it.relation("all_logs").owner = relay;
            }),
            ["audit_logs relay"]
        );
    }

    #[test]
    fn a_privilege_of_a_group() {
        let of_group = |it: &mut Database| {
            it.add_role("auditors").bypass_rls = true;
            it.add_member("auditors", "relay");
            it.grant("SELECT", "audit_logs", "auditors");
        };
        assert_eq!(with(of_group), ["audit_logs relay"]);
    }

    #[test]
    fn a_system_table_has_no_tenants() {
        assert_eq!(
            with(|it| {
                it.role("relay").bypass_rls = true;
                it.grant("SELECT", "users", "relay");
            }),
            NOTHING
        );
    }

    #[test]
    fn everything_that_can_be_read() {
        let found = findings(find, |it| {
            relay(it);
            it.role("relay").bypass_rls = true;
            it.add_role("pg_read_all_data");
            it.add_member("pg_read_all_data", "relay");
        });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].fix, "REVOKE \"pg_read_all_data\" FROM \"relay\";");
    }

    #[test]
    fn a_view_of_another_table() {
        assert_eq!(
            with(|it| {
                it.view("logs", "v", "audit_logs");
                it.grant("SELECT", "logs", "relay");
            }),
            ["audit_logs relay"]
        );
        assert_eq!(
            with(|it| {
                it.view("totals", "v", "invoices");
                it.grant("SELECT", "totals", "relay");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_function_that_it_alone_may_call() {
        assert_eq!(
            with(|it| {
                let relay = it.role_oid("relay");
                it.function("purge", "DELETE FROM audit_logs").executors = vec![relay];
            }),
            ["audit_logs relay"]
        );
        assert_eq!(
            with(|it| {
                it.function("purge", "DELETE FROM audit_logs");
            }),
            NOTHING
        );
    }

    /// The policy that only the members of the role reach is no second finding.
    #[test]
    fn a_role_of_the_application_that_can_become_it() {
        let member = |it: &mut Database| {
            relay(it);
            it.add_member("relay", "app");
        };
        let found_here = findings(find, member);
        let fixes: Vec<&str> = found_here.iter().map(|one: &Finding| one.fix.as_str()).collect();
        assert_eq!(fixes, ["REVOKE \"relay\" FROM \"app\";"]);
        assert_eq!(found(open_policy::find, member), NOTHING);
    }

    /// Nothing else is found about a policy that a role of the application reaches only by becoming the role.
    #[test]
    fn the_policies_of_the_role_are_no_findings_of_other_checks() {
        let mut database = Database::sound();
        relay(&mut database);
        let policy = database.rows.policies.last_mut().unwrap();
        policy.check = None;
        database.add_member("relay", "app");
        let found = database.inspect(run);
        let codes: Vec<&str> = found.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["cross-tenant-role"]);
    }

    #[test]
    fn a_superuser_has_no_limits() {
        let found = findings(find, |it| {
            relay(it);
            it.role("relay").superuser = true;
        });
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            ["role `relay` has SUPERUSER, so no list of tables limits it"]
        );
        assert_eq!(with(|it| it.add_member("postgres", "relay")), ["- postgres"]);
    }

    #[test]
    fn an_owner_of_tables() {
        assert_eq!(with(|it| it.add_member("owner", "relay")), ["- owner"]);
    }
}
