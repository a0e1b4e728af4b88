//! The rules about how rows belong to tenants.

use std::borrow::Cow;

use table_registry_core::TableKind;

use super::model::{Access, Parent, RegisteredTable, Tenancy};
use super::tables::{Tables, exempt, overridden};
use crate::policy::{Command, DeclaredPolicy, DeclaredTable, Placed, Policy, Tenants};
use crate::report::{Diagnostic, Fault};
use crate::sources::Declaration;
use crate::written::{WrittenParent, WrittenTenant};

/// What a struct, or an entry of `[tables]`, says about the tenancy of its table.
struct Statement<'t> {
    tenant: Option<&'t WrittenTenant>,
    shared_rows: bool,
    place: Place<'t>,
}

#[derive(Clone, Copy)]
enum Place<'t> {
    Struct(&'t Declaration),
    Entry(&'t DeclaredTable),
}

impl<'t> Statement<'t> {
    fn of(table: &'t RegisteredTable, policy: &'t Policy) -> Option<Self> {
        let says =
            |declaration: &&Declaration| declaration.tenant.is_some() || declaration.shared_rows.is_some();
        let declarations = &table.declarations;
        if let Some(declaration) = declarations.iter().find(says).or(declarations.first()) {
            return Some(Self {
                tenant: declaration.tenant.as_ref(),
                shared_rows: declaration.shared_rows.is_some(),
                place: Place::Struct(declaration),
            });
        }
        let entry = policy
            .tables
            .iter()
            .find(|entry| entry.name.value == table.name)?;
        Some(Self {
            tenant: entry.tenant.as_ref().map(|tenant| &tenant.value),
            shared_rows: entry.shared_rows.is_some(),
            place: Place::Entry(entry),
        })
    }

    fn says_anything(&self) -> bool {
        self.tenant.is_some() || self.shared_rows
    }

    /// The word for what it says.
    fn word(&self) -> &'static str {
        if self.tenant.is_some() {
            "tenant"
        } else {
            "shared_rows"
        }
    }

    fn fault(&self, code: Fault, message: String, label: &'static str) -> Diagnostic {
        self.at(Diagnostic::new(code, message), &[self.word()], label)
    }

    /// Adds the place of the last of some words that follow each other in this order.
    fn at(&self, fault: Diagnostic, words: &[&str], text: impl Into<Cow<'static, str>>) -> Diagnostic {
        match self.place {
            Place::Struct(declaration) => fault.at(&declaration.source, declaration.place_of(words), text),
            Place::Entry(entry) => {
                let tenant = entry.tenant.as_ref().map(|tenant| tenant.range.clone());
                let shared_rows = entry.shared_rows.clone();
                let place = if words == ["shared_rows"] {
                    shared_rows
                } else {
                    tenant
                };
                fault.at(
                    &entry.name.source,
                    place.unwrap_or(entry.name.range.clone()),
                    text,
                )
            }
        }
    }
}

impl Tables {
    /// Decides how the rows of each table belong to tenants.
    pub(super) fn apply_tenancy(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let tenancies: Vec<Tenancy> = self
            .sorted
            .iter()
            .map(|table| tenancy(table, policy, faults))
            .collect();
        for (table, tenancy) in self.sorted.iter_mut().zip(tenancies) {
            table.tenancy = tenancy;
        }
        self.check_policies(policy, faults);
        self.check_commands(policy, faults);
        self.check_parents(policy, faults);
    }

    fn check_policies(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let mut seen: Vec<&str> = Vec::new();
        for DeclaredPolicy { table: name, .. } in &policy.tenancy.policies {
            if seen.contains(&name.value.as_str()) {
                continue;
            }
            seen.push(&name.value);
            if let Some(table) = self.get(&name.value) {
                faults.extend(needless_policy(name, table, policy));
            } else if let Some(exempt) = exempt(policy, &name.value) {
                faults.push(
                    name.fault(
                        Fault::UnknownTable,
                        format!("policy for exempt table `{}`", name.value),
                        "named here",
                    )
                    .at(&exempt.table.source, exempt.table.range.clone(), "exempt here")
                    .note("an exempt table is not registered, so it gets no policy")
                    .help("remove the policy, or register the table with `[tables.NAME]` in place of `[exempt]`"),
                );
            } else if self.complete {
                faults.push(self.unknown(name, Fault::UnknownTable, "policy for"));
            }
        }
    }

    /// Finds the policies for commands that the application may not run on the table. The policies of a system table, or
    /// in a database of one tenant, are reported anyway.
    fn check_commands(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for table in self
            .sorted
            .iter()
            .filter(|table| table.tenancy == Tenancy::Declared)
        {
            let declared = policy.tenancy.policies.iter();
            let own = declared.filter(|declared| declared.table.value == table.name);
            let needless: Vec<&DeclaredPolicy> = own
                .filter(|declared| is_revoked(declared.command, table.access))
                .collect();
            let mut entries = policy
                .revoke
                .iter()
                .filter(|entry| entry.table.value == table.name);
            // A table that the revoke list names twice is a fault already.
            if let (false, Some(entry), None) = (needless.is_empty(), entries.next(), entries.next()) {
                faults.push(policies_without_privilege(&needless, table, &entry.table));
            }
        }
    }

    fn check_parents(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let mut unknown = Vec::new();
        for (position, table) in self.sorted.iter().enumerate() {
            let (Tenancy::Through(parent), Some(statement)) = (&table.tenancy, Statement::of(table, policy))
            else {
                continue;
            };
            let (fault, is_known) = match self.get(&parent.table) {
                Some(found) => (parent_without_tenant(table, found, policy), true),
                None => (self.unknown_parent(table, parent, policy), self.complete),
            };
            let fault = fault
                .map(|(fault, label)| statement.at(fault, &["tenant", ">", &parent.table], label))
                .or_else(|| self.circle(position, &statement));
            if fault.is_some() || !is_known {
                unknown.push(position);
            }
            faults.extend(fault);
        }
        for position in unknown {
            self.sorted[position].tenancy = Tenancy::Unknown;
        }
    }

    fn unknown_parent(
        &self,
        table: &RegisteredTable,
        parent: &Parent,
        policy: &Policy,
    ) -> Option<(Diagnostic, &'static str)> {
        let (name, parent) = (&table.name, &parent.table);
        if exempt(policy, parent).is_some() {
            let message = format!("the parent of table `{name}` is exempt table `{parent}`");
            let fault = Diagnostic::new(Fault::ParentWithoutTenant, message)
                .note("nothing is known about the rows of an exempt table")
                .help(format!(
                    "say how its rows belong to a tenant: `[tables.{parent}]` in place of `[exempt]`"
                ));
            return Some((fault, "exempt"));
        }
        if !self.complete {
            return None;
        }
        let message = format!("unknown parent `{parent}` of table `{name}`");
        let fault = Diagnostic::new(Fault::UnknownParent, message).help(match self.meant(parent) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "if its struct is in another crate, say so in the policy file: `[tables.{parent}]` with `tenant = \"…\"`"
            ),
        });
        Some((fault, "no struct declares this table"))
    }

    /// The fault of a table whose parents lead back to itself; each circle is reported at its first table by name.
    fn circle(&self, start: usize, statement: &Statement<'_>) -> Option<Diagnostic> {
        let mut chain = vec![start];
        loop {
            let last = *chain.last()?;
            let Tenancy::Through(parent) = &self.sorted[last].tenancy else {
                return None;
            };
            let next = self.position(&parent.table)?;
            if next == start {
                break;
            }
            if chain.contains(&next) {
                return None;
            }
            chain.push(next);
        }
        if chain.iter().min() != Some(&start) {
            return None;
        }
        let names = chain
            .iter()
            .chain([&start])
            .map(|at| self.sorted[*at].name.as_str());
        let names: Vec<&str> = names.collect();
        let parent = names[1];
        let fault = Diagnostic::new(
            Fault::CircularParents,
            format!("the parents of table `{}` lead back to it", names[0]),
        )
        .note(format!("`{}`", names.join("` → `")))
        .help("give one of them a tenant column of its own: `tenant = \"org_id\"`");
        Some(statement.at(fault, &["tenant", ">", parent], ""))
    }
}

fn tenancy(table: &RegisteredTable, policy: &Policy, faults: &mut Vec<Diagnostic>) -> Tenancy {
    let Some(statement) = Statement::of(table, policy) else {
        return Tenancy::Unknown;
    };
    faults.extend(disagreement(table));
    if table.kind == TableKind::System {
        if statement.says_anything() && policy.decides_kind_of(&table.name) {
            faults.push(system_tenant(table, &statement, policy));
        }
        return Tenancy::Global;
    }
    if let Tenants::One = policy.tenancy.tenants {
        if statement.says_anything() {
            faults.push(one_tenant(table, &statement));
        }
        return Tenancy::Global;
    }
    let mut declared = policy.tenancy.policies.iter();
    if let Some(declared) = declared.find(|declared| declared.table.value == table.name) {
        if statement.says_anything() {
            faults.push(declared_twice(table, &statement, declared));
        }
        return Tenancy::Declared;
    }
    let default = policy.tenancy.column().map(|column| column.name.value.clone());
    let column = match statement.tenant {
        Some(WrittenTenant::Through(written)) => {
            if statement.shared_rows {
                faults.push(shared_rows_without_column(table, &statement));
            }
            return Tenancy::Through(parent(written));
        }
        Some(WrittenTenant::Column(column)) => Some(column.text.clone()),
        None => default,
    };
    match column {
        Some(name) => Tenancy::Column {
            name,
            shared_rows: statement.shared_rows,
        },
        None => {
            if statement.shared_rows && policy.has_main_file {
                faults.push(shared_rows_without_column(table, &statement));
            }
            Tenancy::Unknown
        }
    }
}

fn parent(written: &WrittenParent) -> Parent {
    Parent {
        columns: written.columns.iter().map(|column| column.text.clone()).collect(),
        table: written.table.text.clone(),
        keys: written.keys.clone(),
    }
}

/// The fault of structs for one table, in different builds, that do not say the same.
fn disagreement(table: &RegisteredTable) -> Option<Diagnostic> {
    let said = |declaration: &Declaration| {
        let tenant = declaration.tenant.as_ref().map(|tenant| match tenant {
            WrittenTenant::Column(column) => (column.text.clone(), None),
            WrittenTenant::Through(written) => (String::new(), Some(parent(written))),
        });
        (tenant, declaration.shared_rows.is_some())
    };
    let (first, others) = table.declarations.split_first()?;
    if table.contested {
        return None;
    }
    let other = others.iter().find(|other| said(other) != said(first))?;
    Some(
        Diagnostic::new(
            Fault::ConflictingTenancy,
            format!("the structs of table `{}` do not agree on its tenant", table.name),
        )
        .at(&other.source, other.place.clone(), "")
        .at(&first.source, first.place.clone(), "")
        .note("`cfg` never changes the registry: the table is the same in all builds")
        .help("write the same `tenant` and `shared_rows` on both"),
    )
}

fn system_tenant(table: &RegisteredTable, statement: &Statement<'_>, policy: &Policy) -> Diagnostic {
    let fault = statement.fault(
        Fault::SystemTenant,
        format!("system table `{}` belongs to no tenant", table.name),
        "",
    );
    let fault = match overridden(policy, &table.name) {
        Some(entry) => fault.at(
            &entry.table.source,
            entry.table.range.clone(),
            "made `system` here",
        ),
        None => fault,
    };
    fault.help(format!(
        "remove `{}`, or give the table another kind",
        statement.word()
    ))
}

fn one_tenant(table: &RegisteredTable, statement: &Statement<'_>) -> Diagnostic {
    let message = format!(
        "table `{}` has a tenant, but the database has one tenant",
        table.name
    );
    statement
        .fault(Fault::ConflictingTenancy, message, "")
        .note("the policy file says `[tenancy] mode = \"none\"`")
        .help(format!("remove `{}`, or the mode", statement.word()))
}

fn declared_twice(
    table: &RegisteredTable,
    statement: &Statement<'_>,
    declared: &DeclaredPolicy,
) -> Diagnostic {
    let message = format!(
        "two places say how rows of table `{}` belong to a tenant",
        table.name
    );
    statement
        .fault(Fault::ConflictingTenancy, message, "")
        .at(
            &declared.table.source,
            declared.table.range.clone(),
            "policies of its own",
        )
        .note("`[[tenancy.policies]]` is for tables where neither a tenant column nor a parent fits")
        .help(format!("remove `{}`, or the policies", statement.word()))
}

fn shared_rows_without_column(table: &RegisteredTable, statement: &Statement<'_>) -> Diagnostic {
    let message = format!("table `{}` has shared rows, but no tenant column", table.name);
    statement
        .at(
            Diagnostic::new(Fault::SharedRowsWithoutColumn, message),
            &["shared_rows"],
            "",
        )
        .note("a shared row is one with NULL in the tenant column")
        .help("name the column: `tenant = \"org_id\", shared_rows`")
}

/// The fault of a policy for a table that has no tenant. One that has a tenant is reported where it says so.
fn needless_policy(name: &Placed<String>, table: &RegisteredTable, policy: &Policy) -> Option<Diagnostic> {
    let is_one = matches!(policy.tenancy.tenants, Tenants::One);
    if table.kind == TableKind::System && policy.decides_kind_of(&table.name) {
        let message = format!("policy for system table `{}`", name.value);
        let fault = name.fault(Fault::SystemTenant, message, "named here");
        return Some(
            table
                .at_declaration(fault, "declared here")
                .note("a system table belongs to no tenant and has no row-level security")
                .help("remove the policy, or give the table another kind"),
        );
    }
    is_one.then(|| {
        let message = format!("policy for table `{}` in a database of one tenant", name.value);
        name.fault(Fault::ConflictingTenancy, message, "")
            .note("the policy file says `[tenancy] mode = \"none\"`")
            .help("remove the policy, or the mode")
    })
}

/// Whether the access of a table leaves the application no privilege for a command.
fn is_revoked(command: Command, access: Access) -> bool {
    match command {
        Command::Select => false,
        Command::Insert => access.is_read_only(),
        Command::Update | Command::Delete => access.is_append_only(),
    }
}

fn policies_without_privilege(
    needless: &[&DeclaredPolicy],
    table: &RegisteredTable,
    revoked: &Placed<String>,
) -> Diagnostic {
    let commands: Vec<&str> = needless
        .iter()
        .map(|declared| declared.command.as_str())
        .collect();
    let commands = format!("`{}`", commands.join("`, `"));
    let message = format!("policy for {commands} on {} table `{}`", table.access, table.name);
    let fault = needless.iter().fold(
        Diagnostic::new(Fault::NeedlessPolicy, message),
        |fault, declared| fault.at(&declared.table.source, declared.table.range.clone(), "named here"),
    );
    fault
        .at(
            &revoked.source,
            revoked.range.clone(),
            format!("made {} here", table.access),
        )
        .note(format!(
            "the application has no privilege for {commands}, so the policy has no effect"
        ))
        .help("remove the policy, or remove the table from the revoke list")
}

fn parent_without_tenant(
    table: &RegisteredTable,
    parent: &RegisteredTable,
    policy: &Policy,
) -> Option<(Diagnostic, &'static str)> {
    let name = &parent.name;
    let fault = |what: &str| {
        let message = format!("the parent of table `{}` is {what} `{name}`", table.name);
        Diagnostic::new(Fault::ParentWithoutTenant, message)
    };
    match parent.tenancy {
        Tenancy::Global if policy.decides_kind_of(name) => {
            let mut fault = fault("system table").note("the rows of a system table belong to no tenant");
            if overridden(policy, name).is_some() {
                fault = fault.note(format!("`[overrides]` makes `{name}` a system table"));
            }
            let help = "name a parent that has a tenant, or a column: `tenant = \"org_id\"`";
            Some((fault.help(help), "belongs to no tenant"))
        }
        Tenancy::Declared => Some((
            fault("a table with policies of its own,")
                .note("such a policy decides about its own table only, and cannot be carried over to a child")
                .help(format!(
                    "declare policies for `{}`, too: `[[tenancy.policies]]`",
                    table.name
                )),
            "has policies of its own",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{codes, places, registry};

    const TENANCY: &str = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";

    const PROJECTS: &str = "#[table] struct Projects; #[table(kind = system)] struct Users;";

    fn checked(schema: &str, main: &str) -> (Vec<(String, Tenancy)>, Vec<Diagnostic>) {
        let schema = format!("use table_registry::table; {schema}");
        let (registry, faults) = registry(&[("a.rs", &schema)], main, "");
        let tables = registry.tables().iter();
        let tenancies = tables.map(|table| (table.name.clone(), table.tenancy.clone()));
        (tenancies.collect(), faults)
    }

    fn clean(schema: &str, main: &str) -> Vec<(String, Tenancy)> {
        let (tenancies, faults) = checked(schema, main);
        assert_eq!(codes(&faults), [""; 0], "{schema} {main}");
        tenancies
    }

    fn column(name: &str, shared_rows: bool) -> Tenancy {
        Tenancy::Column {
            name: name.to_string(),
            shared_rows,
        }
    }

    #[test]
    fn where_the_tenancy_comes_from() {
        for (table, main, expected) in [
            ("#[table] struct A;", TENANCY, column("org_id", false)),
            ("#[table] struct A;", "", Tenancy::Unknown),
            (
                "#[table] struct A;",
                "[tenancy]\nmode = \"none\"",
                Tenancy::Global,
            ),
            ("#[table(kind = system)] struct A;", TENANCY, Tenancy::Global),
            (
                "#[table(tenant = \"id\")] struct A;",
                TENANCY,
                column("id", false),
            ),
            ("#[table(tenant = \"id\")] struct A;", "", column("id", false)),
            ("#[table(shared_rows)] struct A;", TENANCY, column("org_id", true)),
            (
                "#[table(tenant = \"id\", shared_rows)] struct A;",
                "",
                column("id", true),
            ),
        ] {
            assert_eq!(clean(table, main)[0].1, expected, "{table} {main}");
        }
        let child = format!("{PROJECTS} #[table(tenant = through((a, b) -> projects(c, d)))] struct Tasks;");
        let expected = Tenancy::Through(Parent {
            columns: vec!["a".to_string(), "b".to_string()],
            table: "projects".to_string(),
            keys: vec!["c".to_string(), "d".to_string()],
        });
        assert_eq!(clean(&child, TENANCY)[1].1, expected);
    }

    #[test]
    fn tables_and_policies_in_the_policy_file() {
        let main = format!(
            "{TENANCY}\n[[tenancy.policies]]\ntable = \"members\"\nfor = \"select\"\nusing = \"x\"\nreason = \"y\"\n\
             [tables.ledger]\nkind = \"evidence\"\ntenant = \"through(id -> projects)\"\n[tables.\"a.b\"]\nkind = \"system\""
        );
        let tenancies = clean(&format!("{PROJECTS} #[table] struct Members;"), &main);
        let names: Vec<&str> = tenancies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.b", "ledger", "members", "projects", "users"]);
        assert_eq!(tenancies[0].1, Tenancy::Global);
        assert!(matches!(&tenancies[1].1, Tenancy::Through(parent) if parent.table == "projects"));
        assert_eq!(tenancies[2].1, Tenancy::Declared);
    }

    #[test]
    fn every_fault_of_a_struct_at_its_place() {
        for (table, main, expected) in [
            (
                "tenant = through(a -> projcts)",
                TENANCY,
                "unknown-parent projcts",
            ),
            (
                "tenant = through(a -> users)",
                TENANCY,
                "parent-without-tenant users",
            ),
            (
                "tenant = through(a -> \"users\")",
                TENANCY,
                "parent-without-tenant \"users\"",
            ),
            (
                "tenant = through(tasks -> tasks)",
                TENANCY,
                "circular-parents tasks",
            ),
            ("kind = system, tenant = \"a\"", TENANCY, "system-tenant tenant"),
            ("kind = system, shared_rows", TENANCY, "system-tenant shared_rows"),
            ("shared_rows", "", "shared-rows-without-column shared_rows"),
            (
                "tenant = through(a -> projects), shared_rows",
                TENANCY,
                "shared-rows-without-column shared_rows",
            ),
            (
                "tenant = \"a\"",
                "[tenancy]\nmode = \"none\"",
                "conflicting-tenancy tenant",
            ),
        ] {
            let (_, faults) = checked(&format!("{PROJECTS} #[table({table})] struct Tasks;"), main);
            assert_eq!(places(&faults), [expected], "{table}");
            assert!(!faults[0].helps.is_empty());
        }
    }

    #[test]
    fn every_fault_of_a_policy_entry_at_its_place() {
        let policy = |name: &str| {
            format!(
                "{TENANCY}[[tenancy.policies]]\ntable = \"{name}\"\nfor = \"select\"\nusing = \"x\"\nreason = \"y\"\n"
            )
        };
        for (main, expected) in [
            (policy("projcts"), "unknown-table \"projcts\""),
            (policy("old") + "[exempt]\nold = \"x\"", "unknown-table \"old\""),
            (policy("users"), "system-tenant \"users\""),
            (policy("tasks"), "conflicting-tenancy tenant"),
            (
                policy("projects")
                    .replace("column = \"org_id\"\nsetting = \"app.org_id\"", "mode = \"none\""),
                "conflicting-tenancy \"projects\"",
            ),
            (
                format!("{TENANCY}[tables.old]\ntenant = \"through(a -> projcts)\""),
                "unknown-parent \"through(a -> projcts)\"",
            ),
            (
                format!("{TENANCY}[tables.old]\nkind = \"system\"\nshared_rows = true"),
                "system-tenant shared_rows",
            ),
            (format!("{TENANCY}[tables.projects]"), "duplicate-table projects"),
            (
                format!("{TENANCY}[tables.old]\n[exempt]\nold = \"x\""),
                "exempt-table-declared old",
            ),
        ] {
            let tasks = if main.contains("mode") {
                ""
            } else {
                "#[table(tenant = \"a\")] struct Tasks;"
            };
            let (_, faults) = checked(&format!("{PROJECTS} {tasks}"), &main);
            assert_eq!(places(&faults), [expected], "{main}");
        }
    }

    #[test]
    fn a_policy_for_a_revoked_command() {
        for (command, revoke, is_refused) in [
            ("select", "insert_update_delete", false),
            ("insert", "update_delete", false),
            ("insert", "insert_update_delete", true),
            ("update", "update_delete", true),
            ("delete", "insert_update_delete", true),
        ] {
            let clauses = match command {
                "insert" => "check = \"x\"",
                "update" => "using = \"x\"\ncheck = \"x\"",
                _ => "using = \"x\"",
            };
            let main = format!(
                "{TENANCY}[[tenancy.policies]]\ntable = \"logs\"\nfor = \"{command}\"\n{clauses}\nreason = \"y\"\n"
            );
            let schema = "use table_registry::table; #[table] struct Logs;";
            let (_, faults) = registry(&[("a.rs", schema)], &main, &format!("{revoke} = [\"logs\"]"));
            let expected = if is_refused {
                &["needless-policy \"logs\""][..]
            } else {
                &[]
            };
            assert_eq!(places(&faults), expected, "{command} {revoke}");
        }
    }

    #[test]
    fn parents_that_cannot_say_whose_rows_they_hold() {
        let exempt = format!("{TENANCY}[exempt]\nold = \"x\"");
        let child = "#[table(tenant = through(a -> old))] struct Tasks;";
        assert_eq!(places(&checked(child, &exempt).1), ["parent-without-tenant old"]);
        let declared = format!(
            "{TENANCY}[[tenancy.policies]]\ntable = \"old\"\nfor = \"select\"\nusing = \"x\"\nreason = \"y\""
        );
        let child = format!("#[table] struct Old; {child}");
        assert_eq!(
            places(&checked(&child, &declared).1),
            ["parent-without-tenant old"]
        );
        // The fault of a parent is not one of its children, too.
        let chain =
            "#[table(tenant = through(a -> b))] struct A; #[table(tenant = through(a -> c))] struct B;";
        assert_eq!(places(&checked(chain, TENANCY).1), ["unknown-parent c"]);
    }

    #[test]
    fn a_circle_is_one_fault() {
        let tables = "#[table(tenant = through(x -> b))] struct A; #[table(tenant = through(x -> c))] struct B;\
                      #[table(tenant = through(x -> b))] struct C; #[table(tenant = through(x -> a))] struct D;";
        let (_, faults) = checked(tables, TENANCY);
        assert_eq!(places(&faults), ["circular-parents c"]);
        assert_eq!(faults[0].notes, ["`b` → `c` → `b`"]);
    }

    #[test]
    fn structs_of_different_builds_agree() {
        let tables = |second: &str| {
            format!("#[cfg(x)] #[table(tenant = \"a\")] struct A; #[cfg(y)] #[table({second})] struct A;")
        };
        clean(&tables("tenant = \"a\""), TENANCY);
        let (_, faults) = checked(&tables("tenant = \"b\""), TENANCY);
        assert_eq!(places(&faults), ["conflicting-tenancy A"]);
    }

    #[test]
    fn what_could_not_be_read_is_no_second_fault() {
        let system = "#[table(kind = system, tenant = \"a\")] struct A;";
        let (_, faults) = checked(system, "[overrides]\na = \"trth\"");
        assert_eq!(codes(&faults), ["unknown-kind"]);
        let (_, faults) = checked("#[table(tenant = through(a b))] struct A;", TENANCY);
        assert_eq!(codes(&faults), [""; 0]);
    }
}
