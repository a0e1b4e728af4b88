//! The rules about several tables, or about tables and policy files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use table_registry_core::TableKind;

use super::model::{Access, ExemptTable, RegisteredTable, Registry, Tenancy};
use super::tables::{Tables, exempt, other_spelling, overridden};
use crate::name;
use crate::policy::{DeclaredTable, Exemption, Placed, Policy, Revoked, Tenants};
use crate::report::{Code, Diagnostic, Fault, conflict};
use crate::sources::{CompileCheck, Declaration, Declarations, HiddenName, LeftOut, Orphan};
use crate::text::{conflict_marker, nearest};

/// Checks every rule, adds a fault for each place that breaks one, and returns the registry as far as it is known.
pub fn validate(declarations: Declarations, policy: &Policy, faults: &mut Vec<Diagnostic>) -> Registry {
    let tables_is_taken = declarations.tables_is_taken;
    let mut tables = Tables::merge(declarations, &policy.database.schema, faults);
    tables.add_declared(policy, faults);
    tables.check_schemas(faults);
    tables.check_exempt(policy, faults);
    tables.apply_overrides(policy, faults);
    tables.apply_revokes(policy, faults);
    tables.apply_tenancy(policy, faults);
    tables.check_exceptions(policy, faults);
    tables.check_cross_tenant_roles(policy, faults);
    tables.check_probe_values(policy, faults);
    tables.check_keys(faults);
    Registry {
        exempt: tables.exempt(policy),
        complete: tables.complete,
        tables_is_taken,
        tenant_setting: policy.tenancy.column().map(|column| column.setting.value.clone()),
        default_schema: policy.database.schema.clone(),
        has_one_tenant: matches!(policy.tenancy.tenants, Tenants::One),
        tables: tables.sorted,
    }
}

impl Declarations {
    /// Drops the structs whose `#[table]` probably belongs to another crate. A struct stays if a policy entry names its
    /// table, so that a wrong import or argument of `#[table]` is one fault, not two.
    pub fn drop_doubtful(&mut self, policy: &Policy) {
        let named = named_by(policy);
        let is_named = |name: &str| named.binary_search(&name).is_ok();
        self.list
            .retain(|declaration| !declaration.is_doubtful || is_named(&declaration.name.to_string()));
    }

    /// Adds the structs outside the directories, each with its fault, so that neither a policy entry nor the use of a
    /// key causes another fault. A struct that may belong to another crate, or that some builds leave out, counts only
    /// if a policy entry names its table.
    pub fn add_outside(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let inside = self.list.len();
        for (declaration, fault) in std::mem::take(&mut self.outside) {
            let name = declaration.name.to_string();
            let is_certain = declaration.check == CompileCheck::None
                && !declaration.is_doubtful
                && declaration.left_out == LeftOut::Never;
            let is_named = || named_by(policy).binary_search(&name.as_str()).is_ok();
            let mut declared_inside = self.list[..inside].iter();
            // A symbolic link in a directory may lead to the file.
            if self.complete
                && declared_inside.all(|other| other.name.to_string() != name)
                && (is_certain || is_named())
            {
                self.list.push(declaration);
                self.misplaced.push(name);
                faults.push(fault);
            }
        }
    }
}

/// The tables that the policy entries name, except for exempt ones, sorted.
fn named_by(policy: &Policy) -> Vec<&str> {
    let overrides = policy.overrides.iter().map(|entry| entry.table.value.as_str());
    let revokes = policy.revoke.iter().map(|entry| entry.table.value.as_str());
    let exceptions = exceptions_of_tables(policy).map(|(_, table)| table.value.as_str());
    let of_roles = policy.database.roles.iter().flat_map(|role| &role.tables);
    let policies = policy
        .tenancy
        .policies
        .iter()
        .map(|policy| policy.table.value.as_str());
    let mut named: Vec<&str> = overrides
        .chain(revokes)
        .chain(exceptions)
        .chain(of_roles.map(|table| table.value.as_str()))
        .chain(policies)
        .collect();
    named.sort_unstable();
    named
}

impl Tables {
    /// Merges the declarations of each name into one table. Several structs for one table are a fault, unless all are
    /// under `cfg` and agree on the kind.
    fn merge(declarations: Declarations, default_schema: &str, faults: &mut Vec<Diagnostic>) -> Self {
        let mut list = declarations.list;
        list.sort_by_cached_key(|declaration| declaration.name.to_string());
        let mut groups: Vec<(String, Vec<Declaration>)> = Vec::new();
        for declaration in list {
            let other_name = declaration.other_name.as_ref();
            faults.extend(other_name.map(|other| conflicting_names(&declaration, other)));
            let name = declaration.name.to_string();
            match groups.last_mut() {
                Some((previous, group)) if *previous == name => group.push(declaration),
                _ => groups.push((name, vec![declaration])),
            }
        }
        faults.extend(drop_copies(&mut groups));
        let misplaced = declarations.misplaced;
        let mut sorted = Vec::new();
        for (name, group) in groups {
            let duplicate = duplicate_table(&name, &group);
            let is_misplaced = misplaced.contains(&name);
            sorted.push(table(name, group, duplicate.is_some() || is_misplaced));
            faults.extend(duplicate.filter(|fault| !is_same_conflict(fault, faults)));
        }
        Self {
            sorted,
            complete: declarations.complete,
            default_schema: default_schema.to_string(),
        }
    }

    /// Adds the tables that the policy file declares.
    fn add_declared(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for entry in &policy.tables {
            match self
                .sorted
                .binary_search_by(|table| table.name.cmp(&entry.name.value))
            {
                Ok(position) => faults.push(declared_in_both(entry, &self.sorted[position])),
                Err(position) => self.sorted.insert(position, declared_table(entry, policy)),
            }
        }
    }

    /// Reports tables that are declared both with the default schema and without a schema.
    fn check_schemas(&self, faults: &mut Vec<Diagnostic>) {
        for table in self.sorted.iter().filter(|table| table.schema.is_none()) {
            let twin = self.same_in_database(&table.name);
            faults.extend(twin.map(|twin| two_names(table, twin, &self.default_schema)));
        }
    }

    /// The exempt tables that no struct declares, sorted by name in byte order.
    fn exempt(&self, policy: &Policy) -> Vec<ExemptTable> {
        let entries = policy.exempt.iter();
        let undeclared = entries.filter(|entry| self.get(&entry.table.value).is_none());
        let mut exempt: Vec<ExemptTable> = undeclared
            .map(|entry| ExemptTable {
                name: entry.table.value.clone(),
                reason: entry.reason.clone(),
            })
            .collect();
        exempt.sort_by_cached_key(|exempt| exempt.name.clone());
        exempt
    }

    fn check_exempt(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for exempt in &policy.exempt {
            let name = &exempt.table;
            let found = self
                .get(&name.value)
                .or_else(|| self.same_in_database(&name.value));
            let Some(table) = found else {
                continue;
            };
            let (declared, other_way) = if table.declarations.is_empty() {
                ("in `[tables]`", "the entry there")
            } else {
                ("by a struct", "`#[table]` from the struct")
            };
            let fault = name.fault(
                Fault::ExemptTableDeclared,
                format!("exempt table `{}` is declared {declared}", name.value),
                "exempt here",
            );
            faults.push(
                table
                    .at_declaration(fault, "declared here")
                    .note("an exempt table is one that nothing declares")
                    .help(format!("remove `{}` from `[exempt]`, or {other_way}", name.value)),
            );
        }
    }

    fn apply_overrides(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for table in &mut self.sorted {
            table.is_in_doubt = !policy.has_main_file;
        }
        for entry in &policy.overrides {
            let name = &entry.table;
            if let Some(table) = self.get_mut(&name.value) {
                table.kind = entry.kind.unwrap_or(table.kind);
                table.is_in_doubt |= entry.kind.is_none();
            } else if let Some(exempt) = exempt(policy, &name.value) {
                faults.push(exempt_override(name, exempt));
            } else if self.complete {
                faults.push(self.unknown(name, Fault::UnknownOverride, "override refers to"));
                let meant = self.meant(&name.value).map(str::to_string);
                if let Some(table) = meant.and_then(|name| self.get_mut(&name)) {
                    table.is_in_doubt = true;
                }
            }
        }
    }

    fn apply_revokes(&mut self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let mut seen = BTreeSet::new();
        for Revoked {
            table: name,
            is_read_only,
        } in &policy.revoke
        {
            if !seen.insert(name.value.clone()) {
                let first = policy.revoke.iter().find(|first| first.table.value == name.value);
                faults.extend(first.map(|first| repeated_revoke(&first.table, name)));
                continue;
            }
            let other_name = other_spelling(&name.value, &self.default_schema);
            let mut reasons = policy.append_only_system.iter();
            let has_reason =
                reasons.any(|entry| entry.value == name.value || other_name.as_ref() == Some(&entry.value));
            if let Some(table) = self.get_mut(&name.value) {
                if *is_read_only {
                    table.access = Access::ReadOnly;
                } else if table.kind != TableKind::System || has_reason {
                    table.access = Access::AppendOnly;
                } else if policy.decides_kind_of(&name.value) {
                    faults.push(system_revoke(name, table, policy));
                }
            } else if let Some(exempt) = exempt(policy, &name.value) {
                faults.push(exempt_revoke(name, exempt));
            } else if self.complete {
                faults.push(self.unknown(name, Fault::UnknownRevoke, "revoke list names"));
            }
        }
        self.check_reasons(policy, faults);
    }

    /// Checks the reasons of append-only system tables.
    fn check_reasons(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let append_only = policy.revoke.iter().filter(|entry| !entry.is_read_only);
        let listed: Vec<&str> = append_only.map(|entry| entry.table.value.as_str()).collect();
        for name in &policy.append_only_system {
            if !listed.contains(&name.value.as_str()) {
                let other = other_spelling(&name.value, &self.default_schema);
                let same = listed
                    .iter()
                    .copied()
                    .find(|listed| other.as_deref() == Some(listed));
                let near = same.or_else(|| nearest(&name.value, listed.iter().copied()));
                let is_read_only = policy.revoke.iter().any(|entry| entry.table.value == name.value);
                faults.push(reason_without_entry(name, near, is_read_only));
            } else if let Some(table) = self.get(&name.value)
                && table.kind != TableKind::System
                && !table.is_in_doubt
            {
                faults.push(needless_reason(name, table, policy));
            }
        }
    }

    fn check_exceptions(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for (rule, name) in exceptions_of_tables(policy) {
            if self.get(&name.value).is_some() {
                continue;
            }
            if let Some(exempt) = exempt(policy, &name.value) {
                faults.push(exempt_allow(rule, name, exempt));
            } else if self.complete {
                faults.push(self.unknown(name, Fault::UnknownAllow, &format!("exception to `{rule}` names")));
            }
        }
    }

    /// Checks the tables of the roles that work across tenants.
    fn check_cross_tenant_roles(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        let roles = policy.database.roles.iter();
        for (role, name) in roles.flat_map(|role| role.tables.iter().map(move |table| (&role.name, table))) {
            if let Some(table) = self.get(&name.value) {
                if !table.has_rls() && !table.is_in_doubt {
                    faults.push(without_tenants(role, name, table));
                }
            } else if let Some(exempt) = exempt(policy, &name.value) {
                faults.push(exempt_of_role(role, name, exempt));
            } else if self.complete {
                let what = format!("role `{}` works on", role.value);
                faults.push(self.unknown(name, Fault::UnknownTable, &what));
            }
        }
    }

    /// Checks the tables in `[database.probe]`. Only the database knows the columns.
    fn check_probe_values(&self, policy: &Policy, faults: &mut Vec<Diagnostic>) {
        for (name, _) in &policy.database.probe {
            let Some((table, _)) = name.value.rsplit_once('.') else {
                continue;
            };
            if self.complete && self.get(table).is_none() {
                let table = Placed {
                    value: table.to_string(),
                    ..name.clone()
                };
                faults.push(self.unknown(&table, Fault::UnknownTable, "value for a column of"));
            }
        }
    }

    /// Makes sure that no two tables have the same key. If two names result in the same identifier, that is a fault,
    /// and the second table is left out.
    fn check_keys(&mut self, faults: &mut Vec<Diagnostic>) {
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        let mut colliding = Vec::new();
        for table in &self.sorted {
            match owners.get(&table.key).and_then(|owner| self.get(owner)) {
                None => _ = owners.insert(table.key.clone(), table.name.clone()),
                Some(owner) => {
                    faults.push(key_collision(owner, table));
                    colliding.push((table.name.clone(), owner.name.clone()));
                }
            }
        }
        let collides = |name: &String| colliding.binary_search_by(|(other, _)| other.cmp(name)).is_ok();
        self.sorted.retain(|table| !collides(&table.name));
        for (_, owner) in &colliding {
            self.contest(owner);
        }
        self.check_aliases(owners, faults);
    }

    /// Marks a table so that the compiler does not report the same fault again.
    fn contest(&mut self, name: &str) {
        if let Some(table) = self.get_mut(name) {
            table.contested = true;
            table.check = CompileCheck::None;
        }
    }

    fn check_aliases(&mut self, mut owners: BTreeMap<String, String>, faults: &mut Vec<Diagnostic>) {
        let mut contested = Vec::new();
        for table in &mut self.sorted {
            for declaration in &table.declarations {
                let Some(hidden) = &declaration.hidden_name else {
                    continue;
                };
                let alias = name::key(&hidden.name.to_string());
                match owners.get(&alias) {
                    None => {
                        owners.insert(alias.clone(), table.name.clone());
                        table.aliases.push(alias);
                    }
                    Some(owner) if *owner == table.name => {}
                    Some(owner) => {
                        faults.push(hidden_name(&table.name, hidden, declaration));
                        contested.extend([owner.clone(), table.name.clone()]);
                    }
                }
            }
        }
        for owner in contested {
            self.contest(&owner);
        }
    }
}

fn table(name: String, declarations: Vec<Declaration>, contested: bool) -> RegisteredTable {
    let first = &declarations[0];
    let checked = declarations
        .iter()
        .max_by_key(|declaration| declaration.check)
        .unwrap_or(first);
    RegisteredTable {
        schema: first.name.schema.clone(),
        kind: first.kind,
        is_in_doubt: false,
        access: Access::default(),
        tenancy: Tenancy::default(),
        file: first.file.clone(),
        check: if contested {
            CompileCheck::None
        } else {
            checked.check
        },
        orphan: checked.orphan.clone(),
        contested,
        key: name::key(&name),
        name,
        aliases: Vec::new(),
        declared: Placed {
            value: (),
            source: Arc::clone(&first.source),
            range: first.place.clone(),
        },
        declarations,
    }
}

/// A table that the policy file declares.
fn declared_table(entry: &DeclaredTable, policy: &Policy) -> RegisteredTable {
    let name = &entry.name.value;
    RegisteredTable {
        schema: name.split_once('.').map(|(schema, _)| schema.to_string()),
        kind: entry.kind,
        is_in_doubt: false,
        access: Access::default(),
        tenancy: Tenancy::default(),
        file: policy.main_file.clone(),
        check: CompileCheck::None,
        orphan: None,
        // No struct implements what makes it the only one for its key.
        contested: true,
        key: name::key(name),
        name: name.clone(),
        aliases: Vec::new(),
        declarations: Vec::new(),
        declared: Placed {
            value: (),
            source: Arc::clone(&entry.name.source),
            range: entry.name.range.clone(),
        },
    }
}

fn declared_in_both(entry: &DeclaredTable, table: &RegisteredTable) -> Diagnostic {
    let name = &entry.name;
    let message = format!("table `{}` is declared by a struct and in `[tables]`", name.value);
    let fault = name.fault(Fault::DuplicateTable, message, "again here");
    table
        .at_declaration(fault, "declared here")
        .note("`[tables]` is for tables without a struct in this crate")
        .help("remove the entry, and write its values on the struct: `#[table(kind = …, tenant = …)]`")
}

fn two_names(table: &RegisteredTable, twin: &RegisteredTable, schema: &str) -> Diagnostic {
    let message = format!(
        "`{}` and `{}` are the same table, declared twice",
        table.name, twin.name
    );
    let fault = twin.at_declaration(Diagnostic::new(Fault::DuplicateTable, message), "again here");
    table
        .at_declaration(fault, "first here")
        .note(format!(
            "a table declared without a schema is in `{schema}`, the default schema (`[database] schema`)"
        ))
        .help("remove one of the declarations, or correct the schema")
}

/// Drops the structs of each file that no `mod` line leads to and that repeats a table of a compiled file. Such a file
/// is usually a copy that an editor or a merge left behind, so it is one fault.
fn drop_copies(groups: &mut [(String, Vec<Declaration>)]) -> Vec<Diagnostic> {
    let mut copies: Vec<(Declaration, Declaration)> = Vec::new();
    for (_, group) in groups.iter_mut().filter(|(_, group)| group.len() > 1) {
        if may_be_in_different_builds(group) {
            // Twins: a macro may bring one of them in.
            continue;
        }
        let compiled = group.iter().find(|declaration| declaration.orphan.is_none());
        if let Some(compiled) = compiled.cloned() {
            let orphans = group.iter().filter(|declaration| declaration.orphan.is_some());
            copies.extend(orphans.map(|orphan| (orphan.clone(), compiled.clone())));
            group.retain(|declaration| declaration.orphan.is_none());
        }
    }
    // The other tables of such a file are not compiled either, but that is the same fault.
    let all = groups.iter_mut().flat_map(|(_, group)| group);
    for declaration in all.filter(|declaration| declaration.orphan.is_some()) {
        if copies.iter().any(|(copy, _)| copy.orphan == declaration.orphan) {
            declaration.check = CompileCheck::None;
        }
    }
    let mut files: Vec<&Orphan> = Vec::new();
    for orphan in copies.iter().filter_map(|(copy, _)| copy.orphan.as_ref()) {
        if !files.contains(&orphan) {
            files.push(orphan);
        }
    }
    files.iter().map(|orphan| copied_file(orphan, &copies)).collect()
}

/// The fault of a file whose tables are also declared in compiled files. Each copy comes with the struct that is
/// compiled.
fn copied_file(orphan: &Orphan, copies: &[(Declaration, Declaration)]) -> Diagnostic {
    let in_file = copies
        .iter()
        .filter(|(copy, _)| copy.orphan.as_ref() == Some(orphan));
    let names: Vec<String> = in_file
        .clone()
        .map(|(copy, _)| format!("`{}`", copy.name))
        .collect();
    let (nouns, verb) = if names.len() == 1 {
        ("table", "is")
    } else {
        ("tables", "are")
    };
    let is_below = in_file.clone().any(|(copy, _)| copy.file != orphan.file);
    let mut fault = Diagnostic::new(
        Fault::DuplicateTable,
        format!(
            "{nouns} {} {verb} declared again in `{}`{}, a file that no `mod` line names",
            names.join(", "),
            orphan.file,
            if is_below { " and below it" } else { "" },
        ),
    );
    for (copy, compiled) in in_file.take(1) {
        fault = fault.at(&copy.source, copy.place.clone(), "again here").at(
            &compiled.source,
            compiled.place.clone(),
            "compiled from here",
        );
    }
    fault
        .note("every file below a schema directory is read, even one that the crate does not compile")
        .help("remove the file if it is a copy")
        .help(
            "if not, name it in a `mod` line, and give its table a name of its own: `#[table(name = \"…\")]`",
        )
}

/// Whether the conflict markers of a file are already reported.
fn is_same_conflict(fault: &Diagnostic, faults: &[Diagnostic]) -> bool {
    let path = |fault: &Diagnostic| fault.labels.first().map(|label| label.source.path.clone());
    let mut known = faults.iter().filter(|known| known.is(Fault::ConflictMarker));
    fault.is(Fault::ConflictMarker) && known.any(|known| path(known) == path(fault))
}

fn duplicate_table(name: &str, declarations: &[Declaration]) -> Option<Diagnostic> {
    let (first, others) = declarations.split_first()?;
    let are_twins = may_be_in_different_builds(declarations);
    let disagreeing = others.iter().find(|other| other.kind != first.kind);
    if others.is_empty() || (are_twins && disagreeing.is_none()) {
        return None;
    }
    let conflicted = declarations.iter().find_map(|declaration| {
        let marker = conflict_marker(&declaration.source.text)?;
        Some(conflict(&declaration.source, marker))
    });
    if conflicted.is_some() {
        return conflicted;
    }
    let mut fault = Diagnostic::new(
        Fault::DuplicateTable,
        format!("table `{name}` is declared {}", times(declarations)),
    );
    for (position, declaration) in declarations.iter().enumerate() {
        let text = match (position, are_twins) {
            (_, true) => format!("as `{}` here", declaration.kind),
            (0, false) => "first here".to_string(),
            (_, false) => "again here".to_string(),
        };
        fault = fault.at(&declaration.source, declaration.place.clone(), text);
    }
    Some(if are_twins {
        fault
            .note("structs under `cfg` may share a table if they agree on its kind")
            .help("give them the same kind: the registry describes the database, not one build")
    } else {
        fault
            .note("one struct declares one table")
            .help("remove `#[table]` from all but one, or give each its own name: `#[table(name = \"…\")]`")
    })
}

/// Whether each of the structs may be left out of a build that has another of them. What an attribute macro does is
/// unknown, but two structs under the same macro are left out together. If a build has both structs after all, their
/// implementations conflict.
fn may_be_in_different_builds(declarations: &[Declaration]) -> bool {
    let mut macros: Vec<&str> = Vec::new();
    for declaration in declarations {
        match &declaration.left_out {
            LeftOut::Never => return false,
            LeftOut::Sometimes => {}
            LeftOut::Perhaps(above) if macros.contains(&above.as_str()) => return false,
            LeftOut::Perhaps(above) => macros.push(above),
        }
    }
    true
}

fn times(declarations: &[Declaration]) -> String {
    match declarations.len() {
        2 => "twice".to_string(),
        count => format!("{count} times"),
    }
}

fn exempt_override(name: &Placed<String>, exempt: &Exemption) -> Diagnostic {
    name.fault(
        Fault::ExemptOverride,
        format!("override of exempt table `{}`", name.value),
        "overridden here",
    )
    .at(&exempt.table.source, exempt.table.range.clone(), "exempt here")
    .note("an exempt table has no struct, so it has no kind to override")
    .help("remove it from `[overrides]` or from `[exempt]`")
}

fn exempt_revoke(name: &Placed<String>, exempt: &Exemption) -> Diagnostic {
    name.fault(
        Fault::ExemptRevoke,
        format!("revoke list names exempt table `{}`", name.value),
        "named here",
    )
    .at(&exempt.table.source, exempt.table.range.clone(), "exempt here")
    .note("an exempt table is not registered, so no policy is derived for it")
    .help("remove it from the revoke list or from `[exempt]`")
}

/// The exceptions to lints and database checks that name a table.
fn exceptions_of_tables(policy: &Policy) -> impl Iterator<Item = (Code, &Placed<String>)> {
    let from_lints = policy.lints.exceptions.iter();
    let from_checks = policy.database.exceptions.iter();
    let about_tables = from_checks.filter(|entry| !entry.check.subject().is_role());
    from_lints
        .map(|entry| (Code::from(entry.rule), &entry.subject))
        .chain(about_tables.map(|entry| (Code::from(entry.check), &entry.subject)))
}

fn exempt_allow(rule: Code, name: &Placed<String>, exempt: &Exemption) -> Diagnostic {
    name.fault(
        Fault::UnknownAllow,
        format!("exception to `{}` names exempt table `{}`", rule, name.value),
        "allowed here",
    )
    .at(&exempt.table.source, exempt.table.range.clone(), "exempt here")
    .note("an exempt table has no struct, so no rule applies to it")
    .help("remove the exception, or the entry of `[exempt]`")
}

fn exempt_of_role(role: &Placed<String>, name: &Placed<String>, exempt: &Exemption) -> Diagnostic {
    name.fault(
        Fault::UnknownTable,
        format!("role `{}` works on exempt table `{}`", role.value, name.value),
        "named here",
    )
    .at(&exempt.table.source, exempt.table.range.clone(), "exempt here")
    .note("nothing is known about the rows of an exempt table")
    .help("remove the name from `tables`, or register the table with `[tables.NAME]` in place of `[exempt]`")
}

fn without_tenants(role: &Placed<String>, name: &Placed<String>, table: &RegisteredTable) -> Diagnostic {
    let message = format!(
        "role `{}` works across tenants on table `{}`, whose rows belong to no tenant",
        role.value, name.value
    );
    let fault = name.fault(Fault::NeedlessPolicy, message, "named here");
    table
        .at_declaration(fault, format!("declared `{}` here", table.kind))
        .note("only tables with tenants are listed: every role may reach the others")
        .help("remove the name from `tables`")
}

fn repeated_revoke(first: &Placed<String>, again: &Placed<String>) -> Diagnostic {
    again
        .fault(
            Fault::RepeatedRevoke,
            format!("revoke list names table `{}` twice", again.value),
            "again here",
        )
        .at(&first.source, first.range.clone(), "first here")
        .help("remove one of them")
}

/// Points at the place that makes the table a `system` table: in the policy file, or at its struct.
fn system_revoke(name: &Placed<String>, table: &RegisteredTable, policy: &Policy) -> Diagnostic {
    let fault = name.fault(
        Fault::SystemRevoke,
        format!("revoke list names system table `{}`", name.value),
        "named here",
    );
    let fault = match overridden(policy, &name.value) {
        Some(other) => fault.at(
            &other.table.source,
            other.table.range.clone(),
            "made `system` here",
        ),
        None => table.at_declaration(fault, "declared `system` here"),
    };
    fault
        .note("system tables usually hold users and roles, whose rows have to change")
        .help("remove it from the revoke list, or give the table another kind")
        .help(format!(
            "if its rows never change, say why in the revoke list: `[system]` with `{} = \"…\"`",
            name.value
        ))
        .help("if the application only reads it, move it to `insert_update_delete`")
}

fn needless_reason(name: &Placed<String>, table: &RegisteredTable, policy: &Policy) -> Diagnostic {
    let message = format!(
        "`[system]` names table `{}`, which is not a system table",
        name.value
    );
    let fault = name.fault(Fault::NeedlessPolicy, message, "named here");
    let fault = match overridden(policy, &name.value) {
        Some(entry) => {
            let label = format!("made `{}` here", table.kind);
            fault.at(&entry.table.source, entry.table.range.clone(), label)
        }
        None => table.at_declaration(fault, format!("declared `{}` here", table.kind)),
    };
    fault
        .note("only system tables need a reason to be append-only")
        .help("remove the reason")
}

fn reason_without_entry(name: &Placed<String>, near: Option<&str>, is_read_only: bool) -> Diagnostic {
    name.fault(
        Fault::UnknownTable,
        format!(
            "`[system]` gives a reason for `{}`, which `update_delete` does not list",
            name.value
        ),
        "",
    )
    .help(match near {
        _ if is_read_only => "remove the reason: a read-only table needs none".to_string(),
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove the reason, or add the table to `update_delete`".to_string(),
    })
}

fn key_collision(owner: &RegisteredTable, other: &RegisteredTable) -> Diagnostic {
    let (one, two) = (&owner.name, &other.name);
    let fault = Diagnostic::new(
        Fault::KeyCollision,
        format!(
            "tables `{one}` and `{two}` have the same typed key `tables::{}`",
            owner.key
        ),
    );
    let fault = other.at_declaration(fault, format!("declares `{two}`"));
    owner
        .at_declaration(fault, format!("declares `{one}`"))
        .note("in a key, `_` replaces every character that a Rust identifier cannot contain")
        .help("rename one of the tables")
}

fn hidden_name(name: &str, hidden: &HiddenName, declaration: &Declaration) -> Diagnostic {
    let (builds, note) = if hidden.is_implied {
        (
            "without its derives",
            "the compiler removes Diesel's derives, which imply the name, before `#[table]` can see them",
        )
    } else {
        (
            "in builds without its `cfg_attr`",
            "the compiler removes a `cfg_attr` whose condition is off before `#[table]` can read the name in it",
        )
    };
    Diagnostic::new(
        Fault::KeyCollision,
        format!(
            "{builds}, table `{name}` would get the name `{}`, which is taken",
            hidden.name
        ),
    )
    .at(&declaration.source, declaration.place.clone(), "")
    .note(note)
    .help(format!(
        "write the name where every build sees it: `#[table(name = \"{name}\")]`"
    ))
}

fn conflicting_names(declaration: &Declaration, other: &str) -> Diagnostic {
    let name = &declaration.name.table;
    Diagnostic::new(
        Fault::ConflictingNames,
        format!("the attributes of this struct name two tables, `{name}` and `{other}`"),
    )
    .at(&declaration.source, declaration.place.clone(), "")
    .note("`cfg` never changes the registry: a table has one name in all builds")
    .help(format!("say which one is meant: `#[table(name = \"{name}\")]`"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{codes, inputs, places, registry};
    use crate::{Source, declarations_in_text};

    /// The registry and the faults if a `mod` line leads only to the first file.
    fn with_orphans(files: &[(&str, &str)]) -> (Registry, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        let mut list = Vec::new();
        for (position, (path, text)) in files.iter().enumerate() {
            let orphan = (position > 0).then(|| Orphan {
                file: path.to_string(),
                below_cfg: None,
            });
            for declaration in declarations_in_text(Arc::new(Source::new(*path, *text))) {
                let check = if orphan.is_some() {
                    CompileCheck::File
                } else {
                    CompileCheck::None
                };
                let orphan = orphan.clone();
                list.push(Declaration {
                    check,
                    orphan,
                    ..declaration
                });
            }
        }
        let declarations = Declarations {
            list,
            complete: true,
            ..Declarations::default()
        };
        let registry = validate(declarations, &Policy::default(), &mut faults);
        (registry, faults)
    }

    const TWO: &str = "use table_registry::table; #[table] struct Users; #[table] struct Roles;";

    #[test]
    fn a_copied_file_is_one_fault() {
        let copy = format!("{TWO} #[table] struct Sessions;");
        let (registry, faults) = with_orphans(&[("users.rs", TWO), ("users copy.rs", &copy)]);
        assert_eq!(codes(&faults), ["duplicate-table"]);
        assert_eq!(
            faults[0].message,
            "tables `roles`, `users` are declared again in `users copy.rs`, a file that no `mod` line names"
        );
        assert_eq!(faults[0].labels[0].source.path, "users copy.rs");
        assert_eq!(registry.table("users").unwrap().file, "users.rs");
        let checks: Vec<CompileCheck> = registry.tables().iter().map(|table| table.check).collect();
        assert_eq!(checks, [CompileCheck::None; 3]);
    }

    #[test]
    fn each_copy_is_a_fault() {
        let (_, faults) = with_orphans(&[("a.rs", TWO), ("a_BASE_1.rs", TWO), ("a_LOCAL_1.rs", TWO)]);
        assert_eq!(codes(&faults), ["duplicate-table"; 2]);
        let twin = "use table_registry::table; #[cfg(x)] #[table] struct Users;";
        let (_, faults) = with_orphans(&[("a.rs", twin), ("b.rs", twin)]);
        assert_eq!(codes(&faults), [""; 0]);
        // Neither is compiled, so neither is the copy.
        let (_, faults) = with_orphans(&[("mod.rs", ""), ("a.rs", TWO), ("b.rs", TWO)]);
        assert_eq!(codes(&faults), ["duplicate-table"; 2]);
        assert_eq!(faults[0].message, "table `roles` is declared twice");
    }

    #[test]
    fn a_conflict_is_not_a_duplicate() {
        let conflict = "use table_registry::table;\n<<<<<<< HEAD\n#[table] struct Users(u8);\n#[table] struct Roles(u8);\n\
            =======\n#[table] struct Users(u16);\n#[table] struct Roles(u16);\n>>>>>>> x\n";
        let (_, faults) = registry(&[("a.rs", conflict)], "", "");
        assert_eq!(places(&faults), ["conflict-marker <<<<<<<"]);
        let policy = "[overrides]\n<<<<<<< HEAD\n=======\nusers = \"system\"\n>>>>>>> x\n";
        let (_, faults) = registry(&[("a.rs", TWO)], policy, "");
        assert_eq!(places(&faults), ["conflict-marker <<<<<<<"]);
    }

    #[test]
    fn a_struct_outside_is_the_only_fault_about_its_table() {
        let outside = |text: &str| {
            let declared = declarations_in_text(Arc::new(Source::new("x.rs", text))).into_iter();
            let with_fault = declared.map(|declaration| {
                let fault = Diagnostic::new(Fault::OutsideDirectories, "").at(
                    &declaration.source,
                    declaration.place.clone(),
                    "",
                );
                (declaration, fault)
            });
            with_fault.collect::<Vec<_>>()
        };
        let faults = |struct_outside: &str, revoke: &str, complete: bool| {
            let declarations = Declarations {
                list: declarations_in_text(Arc::new(Source::new("a.rs", TWO))),
                outside: outside(struct_outside),
                complete,
                ..Declarations::default()
            };
            places(&inputs(declarations, "", revoke).check().faults)
        };
        let ours = "use table_registry::table; #[table] struct Logs;";
        let conditional = "use table_registry::table; #[cfg(x)] #[table] struct Logs;";
        let perhaps_ours = "use other::*; #[table] struct Logs;";
        let revoke = "update_delete = [\"logs\"]";
        let outside = ["outside-directories Logs"];
        for text in [ours, conditional, perhaps_ours] {
            assert_eq!(faults(text, revoke, true), outside, "{text}");
        }
        assert_eq!(faults(ours, "", true), outside);
        assert_eq!(faults(conditional, "", true), [""; 0]);
        assert_eq!(faults(perhaps_ours, "", true), [""; 0]);
        assert_eq!(
            faults(ours, "update_delete = [\"other\"]", true),
            ["outside-directories Logs", "unknown-revoke \"other\""]
        );
        // Some directory could not be read.
        assert_eq!(faults(ours, revoke, false), [""; 0]);
        // A link in a directory leads to the file.
        assert_eq!(faults(TWO, "", true), [""; 0]);
    }

    #[test]
    fn a_policy_entry_for_the_name_that_diesel_does_not_imply() {
        let text = "use table_registry::table; #[derive(diesel::Queryable)] #[table] struct Invoice;";
        let files = [("a.rs", text)];
        let (_, faults) = registry(&files, "[overrides]\ninvoice = \"system\"\n[exempt]", "");
        assert_eq!(codes(&faults), ["unknown-override"]);
        assert_eq!(
            faults[0].notes,
            ["Diesel's derives on `Invoice` imply the name `invoices`"]
        );
        assert_eq!(faults[0].helps, ["did you mean `invoices`?"]);
    }

    #[test]
    fn a_policy_entry_makes_a_doubtful_attribute_ours() {
        for (overrides, revoke, is_registered) in [
            ("", "", false),
            ("[overrides]\nusers = \"control\"", "", true),
            ("", "update_delete = [\"users\"]", true),
            ("[exempt]\nusers = \"of another crate\"", "", false),
        ] {
            let users = ("a.rs", "#[table(title = \"Users\")] struct Users;");
            let (registry, faults) = registry(&[users], overrides, revoke);
            assert_eq!(codes(&faults), [""; 0]);
            assert_eq!(
                registry.table("users").is_some(),
                is_registered,
                "{overrides}{revoke}"
            );
        }
    }

    #[test]
    fn structs_that_may_be_in_different_builds() {
        for text in [
            "#[cfg(x)] #[table] struct A; #[cfg(y)] #[table] struct A; #[cfg(z)] #[table] struct A;",
            "#[on(x)] #[table] struct A; #[on(y)] #[table] struct A;",
            "#[on(x)] #[table] struct A; #[cfg(x)] #[on(x)] #[table] struct A;",
        ] {
            let (_, faults) = registry(&[("a.rs", text)], "", "");
            assert_eq!(codes(&faults), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_valid_schema_has_no_fault() {
        let (registry, faults) = registry(
            &[
                (
                    "a.rs",
                    "#[table] struct Users; #[table(kind = evidence)] struct AuditLogs;",
                ),
                (
                    "b.rs",
                    "#[cfg(x)] #[table] struct Twin; #[cfg(not(x))] #[table] struct Twin;",
                ),
            ],
            "[overrides]\nusers = \"system\"\n[exempt]\nold = \"kept\"",
            "update_delete = [\"audit_logs\"]",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let tables: Vec<_> = registry
            .tables()
            .iter()
            .map(|table| {
                (
                    table.name.as_str(),
                    table.kind,
                    table.access.is_append_only(),
                    table.check == CompileCheck::File,
                )
            })
            .collect();
        assert_eq!(
            tables,
            [
                ("audit_logs", TableKind::Evidence, true, true),
                ("twin", TableKind::Truth, false, false),
                ("users", TableKind::System, false, true),
            ]
        );
        let exempt = &registry.exempt()[0];
        assert_eq!((exempt.name.as_str(), exempt.reason.as_str()), ("old", "kept"));
    }

    #[test]
    fn entries_of_the_database_name_registered_tables() {
        let schema = "#[table] struct Users; #[table(kind = system)] struct Roles;";
        let exception = |table: &str| {
            format!("[[database.allow.open-policy]]\ntable = \"{table}\"\npolicy = \"p\"\nreason = \"x\"")
        };
        let role = |table: &str| {
            format!("[database.roles.worker]\ntenants = \"all\"\ntables = [\"{table}\"]\nreason = \"x\"")
        };
        for (entry, code) in [
            (exception("users"), None),
            (exception("usrs"), Some("unknown-allow")),
            (exception("old"), Some("unknown-allow")),
            (role("users"), None),
            (role("usrs"), Some("unknown-table")),
            (role("old"), Some("unknown-table")),
            (role("roles"), Some("needless-policy")),
        ] {
            let main = format!("[exempt]\nold = \"x\"\n{entry}");
            let (_, faults) = registry(&[("a.rs", schema)], &main, "");
            assert_eq!(codes(&faults), Vec::from_iter(code), "{main}");
            assert!(faults.iter().all(|fault| !fault.helps.is_empty()));
        }
    }

    #[test]
    fn every_fault_alone() {
        let schema = "#[table] struct Users; #[table(kind = system)] struct Roles;";
        for (schema, overrides, revoke, code) in [
            (schema, "[overrides]\nusrs = \"link\"", "", "unknown-override"),
            (
                schema,
                "[overrides]\nold = \"link\"\n[exempt]\nold = \"x\"",
                "",
                "exempt-override",
            ),
            (schema, "[exempt]\nusers = \"x\"", "", "exempt-table-declared"),
            (schema, "", "update_delete = [\"usrs\"]", "unknown-revoke"),
            (
                schema,
                "[exempt]\nold = \"x\"",
                "update_delete = [\"old\"]",
                "exempt-revoke",
            ),
            (schema, "", "update_delete = [\"roles\"]", "system-revoke"),
            (
                schema,
                "[overrides]\nusers = \"system\"",
                "update_delete = [\"users\"]",
                "system-revoke",
            ),
            (
                schema,
                "[lints.allow.float-money]\nusrs = \"x\"",
                "",
                "unknown-allow",
            ),
            (
                schema,
                "[exempt]\nold = \"x\"\n[lints.allow.float-money]\nold = \"x\"",
                "",
                "unknown-allow",
            ),
            (
                schema,
                "",
                "update_delete = [\"users\", \"users\"]",
                "repeated-revoke",
            ),
            (
                "#[table] struct A; #[table(name = \"a\")] struct B;",
                "",
                "",
                "duplicate-table",
            ),
            (
                "#[table] struct A; mod m { #[cfg(x)] #[table] struct A; }",
                "",
                "",
                "duplicate-table",
            ),
            (
                "#[x] #[table] struct A; mod m { #[x] #[table] struct A; }",
                "",
                "",
                "duplicate-table",
            ),
            (
                "#[x] #[table] struct A; mod m { #[table] struct A; }",
                "",
                "",
                "duplicate-table",
            ),
            (
                "#[cfg(x)] #[table] struct A; #[cfg(y)] #[table(kind = link)] struct A;",
                "",
                "",
                "duplicate-table",
            ),
            (
                "#[table] #[diesel(table_name = a)] #[cfg_attr(x, sea_orm(table_name = \"b\"))] struct A;",
                "",
                "",
                "conflicting-names",
            ),
            (
                "#[table(name = \"a-b\")] struct A; #[table(name = \"a_b\")] struct B;",
                "",
                "",
                "key-collision",
            ),
            (
                "#[cfg_attr(x, diesel(table_name = b))] #[table] struct A; #[table(name = \"a\")] struct C;",
                "",
                "",
                "key-collision",
            ),
        ] {
            let (_, faults) = registry(&[("a.rs", schema)], overrides, revoke);
            assert_eq!(codes(&faults), [code], "{schema} {overrides} {revoke}");
            assert!(!faults[0].labels.is_empty());
            assert!(!faults[0].helps.is_empty());
        }
    }

    #[test]
    fn a_table_that_is_no_longer_system_can_be_revoked() {
        let (_, faults) = registry(
            &[("a.rs", "#[table(kind = system)] struct Users;")],
            "[overrides]\nusers = \"evidence\"",
            "update_delete = [\"users\"]",
        );
        assert_eq!(codes(&faults), [""; 0]);
    }

    #[test]
    fn every_fault_of_the_revoke_list_alone() {
        let schema = "#[table] struct Users; #[table(kind = system)] struct Roles;";
        for (revoke, code) in [
            (
                "update_delete = [\"users\"]\ninsert_update_delete = [\"users\"]",
                "repeated-revoke",
            ),
            ("[system]\nroles = \"x\"", "unknown-table"),
            ("insert_update_delete = [\"user\"]", "unknown-revoke"),
        ] {
            let (_, faults) = registry(&[("a.rs", schema)], "", revoke);
            assert_eq!(codes(&faults), [code], "{revoke}");
        }
    }

    #[test]
    fn a_value_for_the_probe() {
        let main = "[database.probe]\n\"usrs.name\" = \"'x'\"\n\"users.name\" = \"'x'\"";
        let (_, faults) = registry(&[("a.rs", "#[table] struct Users;")], main, "");
        assert_eq!(places(&faults), ["unknown-table \"usrs.name\""]);
        assert_eq!(faults[0].helps, ["did you mean `users`?"]);
    }

    #[test]
    fn a_reason_for_a_table_that_needs_none() {
        let schema = "#[table] struct Users; #[table(kind = system)] struct Roles;";
        let revoke = "update_delete = [\"users\", \"roles\"]\n[system]\nusers = \"x\"\nrols = \"x\"\nrolse = \"x\"\nroles = \"x\"";
        let (_, faults) = registry(&[("a.rs", schema)], "", revoke);
        assert_eq!(
            places(&faults),
            [
                "needless-policy users",
                "unknown-table rols",
                "unknown-table rolse"
            ]
        );
        assert_eq!(faults[2].helps, ["did you mean `roles`?"]);
    }

    #[test]
    fn a_name_with_the_default_schema_and_one_without_are_one_table() {
        let users = "#[table] struct Users;";
        let in_public =
            "#[table] struct Users; #[table(schema = \"public\", name = \"users\")] struct Others;";
        for (schema, main, revoke, expected) in [
            (in_public, "", "", "duplicate-table Others"),
            (in_public, "[database]\nschema = \"erp\"", "", ""),
            (
                users,
                "[tables.\"public.users\"]",
                "",
                "duplicate-table \"public.users\"",
            ),
            (users, "[tables.\"erp.users\"]", "", ""),
            (
                users,
                "[exempt]\n\"public.users\" = \"x\"",
                "",
                "exempt-table-declared \"public.users\"",
            ),
            (users, "[exempt]\n\"audit.users\" = \"x\"", "", ""),
            (
                users,
                "",
                "update_delete = [\"public.users\"]",
                "unknown-revoke \"public.users\"",
            ),
            (
                users,
                "[overrides]\n\"public.users\" = \"link\"",
                "",
                "unknown-override \"public.users\"",
            ),
        ] {
            let (_, faults) = registry(&[("a.rs", schema)], main, revoke);
            assert_eq!(places(&faults).join(", "), expected, "{schema} {main} {revoke}");
            if let Some(fault) = faults
                .first()
                .filter(|fault| fault.code.to_string().starts_with("unknown"))
            {
                assert_eq!(fault.helps, ["did you mean `users`?"]);
            }
        }
    }

    #[test]
    fn read_only_tables_and_system_tables() {
        let (registry, faults) = registry(
            &[(
                "a.rs",
                "#[table(kind = system)] struct Logins; #[table(kind = system)] struct Countries; #[table] struct A;",
            )],
            "",
            "update_delete = [\"logins\"]\ninsert_update_delete = [\"countries\", \"a\"]\n[system]\nlogins = \"a log\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let access: Vec<Access> = registry.tables().iter().map(|table| table.access).collect();
        assert_eq!(access, [Access::ReadOnly, Access::ReadOnly, Access::AppendOnly]);
        assert_eq!(registry.append_only().count(), 3);
        assert_eq!(registry.read_only().count(), 2);
    }

    #[test]
    fn a_table_in_a_schema_is_suggested_for_its_bare_name() {
        let (_, faults) = registry(
            &[("a.rs", "#[table(schema = \"audit\")] struct Events;")],
            "[overrides]\nevents = \"evidence\"",
            "",
        );
        assert_eq!(faults[0].helps, ["did you mean `audit.events`?"]);
    }

    #[test]
    fn a_hidden_name_is_an_alias() {
        let (registry, faults) = registry(
            &[(
                "a.rs",
                "#[cfg_attr(x, diesel(table_name = users))]\n#[table] struct User;",
            )],
            "",
            "",
        );
        assert_eq!(codes(&faults), [""; 0]);
        assert_eq!(registry.tables()[0].aliases, ["user"]);
    }
}
