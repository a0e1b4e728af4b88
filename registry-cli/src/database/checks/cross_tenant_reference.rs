//! Foreign keys by which a row can refer to a row of another tenant.

use table_registry_engine::{DatabaseCheck, Level, Lint};

use crate::database::catalog::{ForeignKey, Relation};
use crate::database::context::{Context, Table, tenant_columns};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::{bounded, column_list, create_unique_index, identifier};
use crate::database::rows::global_references::{self, action};
use crate::database::rows::references::{Reference, references};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let all = references(context);
    let crossing = all
        .iter()
        .filter(|reference| !reference.holds_tenant() && !is_without_tenant(context, reference));
    let open = crossing.filter(|reference| {
        let wider = wider(&all, reference);
        wider.is_none_or(|wider| !wider.is_valid)
    });
    open.map(|reference| finding(context, reference, wider(&all, reference)))
        .chain(global_references::find(context))
        .chain(leaving_keys(context))
        .collect()
}

/// Whether a table lacks its tenant column, and an error says so in place of a finding about the key.
fn is_without_tenant(context: &Context<'_>, reference: &Reference<'_, '_>) -> bool {
    let level = context.project.policy.lints.level(Lint::MissingTenantColumn);
    if level != Level::Deny || !actions(reference.key).is_empty() {
        return false;
    }
    let lacks = |table: &Table<'_>, relation: &Relation| {
        let tenant = table.tenant_column();
        context.lacks_tenant_column(relation)
            && tenant.is_some_and(|tenant| context.is_tenant_column(table, tenant))
    };
    lacks(reference.child, reference.relation) || lacks(reference.parent, reference.referenced)
}

/// Another key of the same rows that holds the tenant, too.
fn wider<'c>(all: &[Reference<'_, 'c>], narrow: &Reference<'_, 'c>) -> Option<&'c ForeignKey> {
    let of_both = all.iter().filter(|other| {
        (other.key.relation, other.key.referenced) == (narrow.key.relation, narrow.key.referenced)
    });
    let holds_all = |other: &&Reference<'_, 'c>| {
        let mut pairs = narrow.key.pairs();
        pairs.all(|pair| other.key.pairs().any(|one| one == pair))
    };
    let mut wider = of_both.filter(|other| other.holds_tenant()).filter(holds_all);
    wider.next().map(|other| other.key)
}

fn finding(context: &Context<'_>, reference: &Reference<'_, '_>, wider: Option<&ForeignKey>) -> Finding {
    let Reference {
        child, parent, key, ..
    } = reference;
    let message = format!(
        "foreign key `{}` lets a row of table `{}` refer to a row of another tenant in `{}`",
        key.name,
        child.name(),
        parent.name()
    );
    let fix = fix(context, reference, wider);
    let finding = Finding::of_table(DatabaseCheck::CrossTenantReference, child.name(), message, fix)
        .object(&key.name)
        .of_column(key.columns.first().map_or("", String::as_str))
        .of_relation(context.name_beside(child, reference.relation))
        .fact(
            "the server checks foreign keys without row-level security, and this one leaves the tenant out",
        );
    let actions = actions(key);
    if actions.is_empty() {
        return finding;
    }
    finding
        .fact(format!(
            "{}: a tenant that changes its own row in `{}` changes rows of other tenants, without any privilege on them",
            actions.join(", "),
            parent.name()
        ))
        .grave()
}

/// The findings for keys that take the tenant from a row when the row to which it refers is deleted or gets another key.
fn leaving_keys(context: &Context<'_>) -> impl Iterator<Item = Finding> {
    let keys = context.catalog.foreign_keys.iter().filter(|key| !key.of_parent);
    keys.filter_map(|key| leaving_key(context, key))
}

fn leaving_key(context: &Context<'_>, key: &ForeignKey) -> Option<Finding> {
    let child = context.table_holding(key.relation)?;
    let relation = context.catalog.relation_of(key.relation)?;
    let columns = tenant_columns(child.registered);
    let tenant = key
        .columns
        .iter()
        .find(|column| columns.contains(&column.as_str()))?;
    let is_set = |letter: &str, columns: &[String]| {
        let is_shared = letter == "n" && child.column_of_shared_rows().is_some();
        (is_shared || letter == "d") && columns.contains(tenant)
    };
    let events = [
        ("DELETE", &key.on_delete, &key.set_on_delete),
        ("UPDATE", &key.on_update, &key.columns),
    ];
    let leaving = events
        .iter()
        .filter(|(_, letter, columns)| is_set(letter, columns));
    let actions: Vec<String> = leaving
        .filter_map(|(event, letter, _)| action(event, letter))
        .collect();
    if actions.is_empty() {
        return None;
    }
    let message = format!(
        "foreign key `{}` removes or changes the tenant of rows in table `{}`",
        key.name,
        child.name()
    );
    let finding = Finding::of_table(
        DatabaseCheck::CrossTenantReference,
        child.name(),
        message,
        without_tenant(context, relation, key, tenant)?,
    )
    .object(&key.name)
    .of_column(tenant)
    .of_relation(context.name_beside(child, relation));
    Some(
        finding
            .fact(format!(
                "{} changes `{tenant}`: the row then belongs to everybody, or to another tenant",
                actions.join(", ")
            ))
            .grave(),
    )
}

/// The key with an action that leaves the tenant alone.
fn without_tenant(
    context: &Context<'_>,
    relation: &Relation,
    key: &ForeignKey,
    tenant: &str,
) -> Option<String> {
    let referenced = context.catalog.relation_of(key.referenced)?;
    let others: Vec<&str> = key
        .columns
        .iter()
        .map(String::as_str)
        .filter(|column| *column != tenant)
        .collect();
    let is_possible =
        context.catalog.server.version >= 150_000 && !["n", "d"].contains(&key.on_update.as_str());
    if !is_possible || others.is_empty() {
        return Some("let the key RESTRICT, and change the rows that refer to it first".to_string());
    }
    let (table, name) = (relation.qualified(), identifier(&key.name));
    let definition = definition(&key.columns, referenced, &key.keys);
    let suffix = suffix(context, key, &others);
    Some(format!(
        "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}{suffix};"
    ))
}

/// What the key does to rows that refer to a row that changes.
fn actions(key: &ForeignKey) -> Vec<String> {
    let events = [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)];
    let actions = events.iter().filter_map(|(event, letter)| action(event, letter));
    actions.collect()
}

fn fix(context: &Context<'_>, reference: &Reference<'_, '_>, wider: Option<&ForeignKey>) -> String {
    let child = reference.relation;
    let drop = drop_where_safe(context, reference);
    if let Some(wider) = wider {
        let validate = validate(reference, &wider.name);
        return [validate].into_iter().chain(drop).collect::<Vec<_>>().join("\n");
    }
    let Some(pairs) = reference.with_tenant() else {
        return format!(
            "give both tables a tenant column, or the same parent, and put that column into a foreign key: {} \
             (tenant, {}) REFERENCES {} (tenant, {})",
            child.qualified(),
            reference.key.columns.join(", "),
            reference.referenced.qualified(),
            reference.key.keys.join(", ")
        );
    };
    let (columns, keys): (Vec<&str>, Vec<&str>) = pairs.into_iter().unzip();
    let referenced = reference.referenced;
    let definition = definition(&columns, referenced, &keys);
    if child.kind == "p" || referenced.kind == "p" {
        return format!(
            "put the tenant into the key, with a unique index on {} ({}): {definition}",
            referenced.qualified(),
            column_list(&keys)
        );
    }
    let name = bounded(&child.name, &columns, "fkey");
    let index =
        (!is_unique(context, referenced, &keys)).then(|| create_unique_index(&referenced.qualified(), &keys));
    let add = format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {definition}{} NOT VALID;",
        child.qualified(),
        identifier(&name),
        suffix(
            context,
            reference.key,
            &reference
                .key
                .columns
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
        )
    );
    let statements = index
        .into_iter()
        .chain([add, validate(reference, &name)])
        .chain(drop);
    statements.collect::<Vec<_>>().join("\n")
}

/// A foreign key, without what it does to rows.
fn definition(columns: &[impl AsRef<str>], referenced: &Relation, keys: &[impl AsRef<str>]) -> String {
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        column_list(columns),
        referenced.qualified(),
        column_list(keys)
    )
}

/// The server compares the rows with the rights of the role that runs the statement. Under FORCE, the owner sees no row, and
/// the key would count as valid.
fn validate(reference: &Reference<'_, '_>, name: &str) -> String {
    let validate = format!(
        "ALTER TABLE {} VALIDATE CONSTRAINT {};",
        reference.relation.qualified(),
        identifier(name)
    );
    let mut hidden: Vec<&Relation> = [reference.relation, reference.referenced].into();
    hidden.retain(|relation| relation.row_security && relation.force_row_security);
    hidden.dedup_by_key(|relation| relation.oid);
    if hidden.is_empty() {
        return validate;
    }
    let set = |how: &str| -> String {
        let statements = hidden.iter().map(|relation| {
            let table = relation.qualified();
            format!("    ALTER TABLE {table} {how} ROW LEVEL SECURITY;\n")
        });
        statements.collect()
    };
    format!(
        "DO $table_registry$ BEGIN\n{}    {validate}\n{}END $table_registry$;",
        set("NO FORCE"),
        set("FORCE")
    )
}

/// The server does not check a key of which a column is null. So where the tenant may be null, the narrow key stays
/// beside the new one.
fn drop_where_safe(context: &Context<'_>, reference: &Reference<'_, '_>) -> Option<String> {
    let pairs = reference.with_tenant()?;
    let added = pairs
        .iter()
        .filter(|(column, _)| !reference.key.columns.iter().any(|own| own == column));
    let rows = context.catalog.columns(reference.relation.oid);
    let is_never_null = |name: &str| rows.iter().any(|row| row.name == name && row.not_null);
    added
        .into_iter()
        .all(|(column, _)| is_never_null(column))
        .then(|| {
            format!(
                "ALTER TABLE {} DROP CONSTRAINT {};",
                reference.relation.qualified(),
                identifier(&reference.key.name)
            )
        })
}

/// The actions of the key, for some columns alone: none of them may change the tenant.
fn suffix(context: &Context<'_>, key: &ForeignKey, columns: &[&str]) -> String {
    let of_some_columns = |action: &str| {
        // Older servers cannot leave the tenant out.
        (context.catalog.server.version >= 150_000).then(|| format!("{action} ({})", column_list(columns)))
    };
    let on_delete = match key.on_delete.as_str() {
        "c" => Some("CASCADE".to_string()),
        "r" => Some("RESTRICT".to_string()),
        "n" => of_some_columns("SET NULL"),
        "d" => of_some_columns("SET DEFAULT"),
        _ => None,
    };
    let on_update = match key.on_update.as_str() {
        "c" => Some("CASCADE".to_string()),
        "r" => Some("RESTRICT".to_string()),
        _ => None,
    };
    let deferral = (!key.deferral.is_empty()).then(|| format!(" {}", key.deferral));
    let parts = [
        on_delete.map(|action| format!(" ON DELETE {action}")),
        on_update.map(|action| format!(" ON UPDATE {action}")),
        deferral,
    ];
    parts.into_iter().flatten().collect()
}

/// Whether a foreign key can refer to these columns.
fn is_unique(context: &Context<'_>, relation: &Relation, columns: &[&str]) -> bool {
    let mut indexes = context.catalog.indexes(relation.oid).iter();
    indexes.any(|index| {
        let is_exact = index.columns.len() == columns.len()
            && columns
                .iter()
                .all(|column| index.columns.iter().any(|own| own.as_deref() == Some(*column)));
        index.is_unique && index.is_valid && !index.is_partial && is_exact
    })
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Severity;

    use super::find;
    use crate::database::catalog::ForeignKey;
    use crate::database::findings::finding::Finding;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A key of `invoices` that refers to another invoice.
    fn narrow(it: &mut Database) -> &mut ForeignKey {
        it.foreign_key("invoices", &["total"], "invoices", &["id"])
    }

    #[test]
    fn a_key_without_the_tenant() {
        let found = findings(find, |it| {
            narrow(it);
        });
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message,
            "foreign key `invoices_total_fkey` lets a row of table `invoices` refer to a row of another tenant in `invoices`"
        );
        assert_eq!(
            found[0].fix,
            "CREATE UNIQUE INDEX CONCURRENTLY \"invoices__org_id__id_key\" ON \"public\".\"invoices\" (\"org_id\", \"id\");\n\
             ALTER TABLE \"public\".\"invoices\" ADD CONSTRAINT \"invoices__org_id__total_fkey\" FOREIGN KEY (\"org_id\", \"total\") \
             REFERENCES \"public\".\"invoices\" (\"org_id\", \"id\") NOT VALID;\n\
             DO $table_registry$ BEGIN\n    \
                 ALTER TABLE \"public\".\"invoices\" NO FORCE ROW LEVEL SECURITY;\n    \
                 ALTER TABLE \"public\".\"invoices\" VALIDATE CONSTRAINT \"invoices__org_id__total_fkey\";\n    \
                 ALTER TABLE \"public\".\"invoices\" FORCE ROW LEVEL SECURITY;\n\
             END $table_registry$;\n\
             ALTER TABLE \"public\".\"invoices\" DROP CONSTRAINT \"invoices_total_fkey\";"
        );
    }

    /// The finding about the column takes the place of this one only if it is an error, too.
    #[test]
    fn a_table_without_its_tenant_column() {
        let with = |level: &'static str, action: &'static str| {
            let lints = format!("[lints]\nmissing-tenant-column = \"{level}\"\n");
            found(find, move |it| {
                it.policy_file.push_str(&lints);
                narrow(it).on_delete = action.to_string();
                it.remove_column("invoices", "org_id");
            })
            .len()
        };
        assert_eq!(
            [with("deny", "a"), with("warn", "a"), with("deny", "c")],
            [0, 1, 1]
        );
    }

    #[test]
    fn the_owner_of_a_table_without_force_sees_its_rows() {
        let found = findings(find, |it| {
            it.relation("invoices").force_row_security = false;
            narrow(it);
        });
        assert!(
            found[0]
                .fix
                .contains("NOT VALID;\nALTER TABLE \"public\".\"invoices\" VALIDATE"),
            "{}",
            found[0].fix
        );
    }

    /// A key of shared rows that holds the tenant.
    fn of_shared_rows(change: fn(&mut ForeignKey)) -> Vec<Finding> {
        findings(find, |it| {
            it.schema = "#[table(tenant = \"org_id\", shared_rows)]\npub struct Notes { pub id: i64, pub org_id: Option<String>, pub folder: Option<i64> }"
                .to_string();
            it.table("notes", &[("id", "int8"), ("org_id", "text"), ("folder", "int8")]);
            it.secure("notes");
            change(it.foreign_key("notes", &["org_id", "folder"], "invoices", &["org_id", "id"]));
        })
    }

    #[test]
    fn a_key_that_takes_the_tenant_from_a_row() {
        for change in [
            (|key| key.on_delete = "n".to_string()) as fn(&mut ForeignKey),
            |key| key.on_delete = "d".to_string(),
            |key| key.on_update = "n".to_string(),
        ] {
            let found = of_shared_rows(change);
            assert!(found.len() == 1 && found[0].is_grave(), "{found:?}");
        }
        assert_eq!(
            of_shared_rows(|key| key.on_delete = "n".to_string())[0].fix,
            "ALTER TABLE \"public\".\"notes\" DROP CONSTRAINT \"notes_org_id_folder_fkey\", ADD CONSTRAINT \"notes_org_id_folder_fkey\" \
             FOREIGN KEY (\"org_id\", \"folder\") REFERENCES \"public\".\"invoices\" (\"org_id\", \"id\") ON DELETE SET NULL (\"folder\");"
        );
        for change in [
            (|key| key.on_delete = "c".to_string()) as fn(&mut ForeignKey),
            |key| {
                key.on_delete = "n".to_string();
                key.set_on_delete = vec!["folder".to_string()];
            },
        ] {
            assert_eq!(of_shared_rows(change).len(), 0);
        }
    }

    #[test]
    fn a_key_that_gives_a_child_another_parent() {
        let found = found(find, |it| {
            it.schema = "#[table(tenant = through(invoice -> invoices))]\npub struct Lines { pub id: i64, pub invoice: i64 }"
                .to_string();
            it.table("lines", &[("id", "int8"), ("invoice", "int8")]);
            it.secure("lines");
            it.foreign_key("lines", &["invoice"], "invoices", &["id"])
                .on_delete = "d".to_string();
        });
        assert_eq!(found, ["lines lines_invoice_fkey"]);
    }

    /// A row that loses its tenant belongs to nobody, unless the table has shared rows.
    #[test]
    fn a_row_that_loses_its_tenant() {
        let found = findings(find, |it| {
            it.foreign_key("invoices", &["org_id", "total"], "invoices", &["org_id", "id"])
                .on_delete = "n".to_string();
        });
        assert_eq!(found.len(), 0);
    }

    #[test]
    fn actions_are_grave_and_leave_the_tenant_alone() {
        let of = |change: fn(&mut ForeignKey)| {
            let found = findings(find, |it| {
                it.policy_file
                    .push_str("[database.levels]\ncross-tenant-reference = \"allow\"\n");
                change(narrow(it));
            });
            let added = found
                .first()
                .map(|one| one.fix.lines().nth(1).unwrap().to_string());
            (
                found.first().is_some_and(Finding::is_grave),
                added.unwrap_or_default(),
            )
        };
        let (is_grave, added) = of(|key| key.on_delete = "c".to_string());
        assert!(
            is_grave && added.ends_with("ON DELETE CASCADE NOT VALID;"),
            "{added}"
        );
        let (is_grave, added) = of(|key| key.on_delete = "n".to_string());
        assert!(
            is_grave && added.ends_with("ON DELETE SET NULL (\"total\") NOT VALID;"),
            "{added}"
        );
        let (is_grave, added) = of(|key| key.on_update = "n".to_string());
        assert!(
            is_grave && added.ends_with("(\"org_id\", \"id\") NOT VALID;"),
            "{added}"
        );
        let (is_grave, added) = of(|key| {
            key.on_delete = "r".to_string();
            key.deferral = "DEFERRABLE".to_string();
        });
        assert!(
            !is_grave && added.ends_with("ON DELETE RESTRICT DEFERRABLE NOT VALID;"),
            "{added}"
        );
    }

    #[test]
    fn the_level_is_that_of_keys_without_actions() {
        let severities = |level: &str, on_delete: &str| {
            let mut database = Database::sound();
            let levels = ["[database.levels]\ncross-tenant-reference = \"", level, "\"\n"].concat();
            database.policy_file.push_str(&levels);
            narrow(&mut database).on_delete = on_delete.to_string();
            let found = database.inspect(crate::database::checks::run);
            found.iter().map(|one| one.severity).collect::<Vec<_>>()
        };
        assert_eq!(severities("warn", "a"), [Severity::Warning]);
        assert_eq!(severities("allow", "a"), []);
        assert_eq!(severities("allow", "c"), [Severity::Error]);
    }

    #[test]
    fn a_key_with_the_tenant() {
        let wide = |it: &mut Database| {
            it.foreign_key("invoices", &["total", "org_id"], "audit_logs", &["id", "org_id"]);
        };
        assert_eq!(found(find, wide), NOTHING);
        // A second key of the same rows may leave it out.
        let both = |it: &mut Database| {
            wide(it);
            it.foreign_key("invoices", &["total"], "audit_logs", &["id"]);
        };
        assert_eq!(found(find, both), NOTHING);
        let not_validated = findings(find, |it| {
            both(it);
            it.rows.foreign_keys[0].is_valid = false;
        });
        assert!(
            not_validated[0].fix.contains(
                "NO FORCE ROW LEVEL SECURITY;\n    ALTER TABLE \"public\".\"invoices\" VALIDATE CONSTRAINT \"invoices_total_org_id_fkey\";"
            ),
            "{}",
            not_validated[0].fix
        );
    }

    #[test]
    fn a_key_stays_where_the_tenant_may_be_null() {
        let found = findings(find, |it| {
            it.column("invoices", "org_id").not_null = false;
            narrow(it);
        });
        assert!(!found[0].fix.contains("DROP"), "{}", found[0].fix);
    }

    const CHILDREN: &str = "
        #[table(tenant = through(invoice_id -> invoices))] pub struct Lines { pub id: i64, pub invoice_id: i64, pub log: i64 }
        #[table(tenant = through(invoice_id -> invoices))] pub struct Notes { pub line: i64, pub invoice_id: i64 }
        #[table(tenant = \"id\")] pub struct Tenants { pub id: String }";

    fn children(it: &mut Database) {
        it.schema = CHILDREN.to_string();
        it.table(
            "lines",
            &[("id", "int8"), ("invoice_id", "int8"), ("log", "int8")],
        );
        it.table("notes", &[("line", "int8"), ("invoice_id", "int8")]);
        it.table("tenants", &[("id", "text")]);
    }

    #[test]
    fn references_to_parents_tenants_and_system_tables() {
        assert_eq!(
            found(find, |it| {
                children(it);
                it.foreign_key("lines", &["invoice_id"], "invoices", &["id"]);
                it.foreign_key("invoices", &["org_id"], "tenants", &["id"]);
                it.foreign_key("invoices", &["total"], "users", &["id"]);
                it.foreign_key("notes", &["invoice_id", "line"], "lines", &["invoice_id", "id"]);
            }),
            NOTHING
        );
    }

    #[test]
    fn references_of_children() {
        let found = findings(find, |it| {
            children(it);
            it.foreign_key("notes", &["line"], "lines", &["id"]);
            it.foreign_key("lines", &["log"], "audit_logs", &["id"]);
        });
        assert!(
            found[0].fix.contains("FOREIGN KEY (\"invoice_id\", \"line\") REFERENCES \"public\".\"lines\" (\"invoice_id\", \"id\")"),
            "{}",
            found[0].fix
        );
        // Here, no column of the child holds the tenant.
        assert!(
            found[1].fix.starts_with("give both tables a tenant column"),
            "{}",
            found[1].fix
        );
    }
}
