//! Catalogs in memory, for the unit tests of the checks.

use std::path::PathBuf;
use std::sync::Arc;

use table_registry_engine::{
    CallSite, Declarations, Inputs, Invocation, PolicyFiles, Root, Source, declarations_in_text,
};

use crate::database::catalog::{
    Catalog, ColumnRow, Domain, ForeignKey, Function, FunctionBody, Grant, Index, Inheritance, Membership,
    Oid, PUBLIC, PolicyRow, Relation, Role, Rows, SchemaRow, ServerRow, Setting, Trigger, Use, VolatilityRow,
};
use crate::database::code::redefined::{Kind, RedefinedRow};
use crate::database::code::setters::CodeRow;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::migrations::blind::BlindStatement;
use crate::database::probe::probed::Probed;
use crate::database::requirements::statements::{POLICY, TRIGGER};
use crate::database::rows::foreign_rows::ForeignRows;
use crate::project::{Checked, Project};
use crate::workspace::Package;

const SCHEMA: &str = "
use table_registry::table;

#[table]
pub struct Invoices {
    pub id: i64,
    pub org_id: String,
    pub total: Option<i32>,
}

#[table(kind = evidence)]
pub struct AuditLogs {
    pub id: i64,
    pub org_id: String,
    pub reason: Option<String>,
}

#[table(kind = system)]
pub struct Users {
    pub id: i64,
    pub name: String,
}
";

const POLICY_FILE: &str = r#"
[tenancy]
column = "org_id"
setting = "app.org_id"

[exempt]
backfill_state = "written by a worker"

[database]
app_roles = ["app"]
append_only_trigger = true
"#;

/// The expression of the registry's policy, as the server spells it.
pub const TENANT: &str =
    "(org_id = ( SELECT NULLIF(current_setting('app.org_id'::text, true), ''::text) AS \"nullif\"))";

const SUPERUSER: Oid = 10;
const OWNER: Oid = 11;
const APP: Oid = 12;

/// The input of a check. [`Database::sound`] has three registered tables: `invoices`, `audit_logs`, which is
/// append-only, and `users`, which belongs to no tenant. The roles are `owner`, `app` and the superuser `postgres`.
pub struct Database {
    pub rows: Rows,
    /// The text of `table-registry.toml`.
    pub policy_file: String,
    /// More structs.
    pub schema: String,
    next: Oid,
}

impl Database {
    pub fn sound() -> Self {
        let mut sound = Self {
            rows: empty(),
            policy_file: POLICY_FILE.to_string(),
            schema: String::new(),
            next: 100,
        };
        sound.table(
            "invoices",
            &[("id", "int8"), ("org_id", "text"), ("total", "int4")],
        );
        sound.table(
            "audit_logs",
            &[("id", "int8"), ("org_id", "text"), ("reason", "text")],
        );
        sound.table("users", &[("id", "int8"), ("name", "text")]);
        sound.table("backfill_state", &[("id", "int8")]);
        for (table, column) in [("invoices", "total"), ("audit_logs", "reason")] {
            sound.column(table, column).not_null = false;
        }
        for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            sound.grant(privilege, "invoices", "app");
            sound.grant(privilege, "users", "app");
        }
        for privilege in ["SELECT", "INSERT"] {
            sound.grant(privilege, "audit_logs", "app");
        }
        for table in ["invoices", "audit_logs"] {
            sound.index(table, &["org_id"]);
            sound.secure(table);
            sound.add_policy(table, POLICY, "app", TENANT);
        }
        sound.add_trigger("audit_logs");
        sound
    }

    fn number(&mut self) -> Oid {
        self.next += 1;
        self.next
    }

    fn add_relation(&mut self, name: &str, kind: &str) -> Oid {
        let oid = self.number();
        self.rows.relations.push(Relation {
            oid,
            schema: "public".to_string(),
            name: name.to_string(),
            kind: kind.to_string(),
            is_partition: false,
            row_security: false,
            force_row_security: false,
            owner: OWNER,
            security_invoker: false,
            of_extension: false,
            is_template: false,
        });
        oid
    }

    /// A table of `owner`, with columns that are not null, given by name and type.
    pub fn table(&mut self, name: &str, columns: &[(&str, &str)]) {
        self.add_relation(name, "r");
        for (column, type_name) in columns {
            self.add_column(name, column, type_name);
        }
    }

    /// An inheritance child, which is a table or, with kind `f`, a foreign table.
    pub fn child(&mut self, name: &str, kind: &str, parent: &str) {
        let child = self.add_relation(name, kind);
        let parent = self.oid(parent);
        self.rows.inheritance.push(Inheritance { child, parent });
    }

    /// A view, or with kind `m` a materialized view, of one relation. Its owner is a superuser.
    pub fn view(&mut self, name: &str, kind: &str, of: &str) {
        let view = self.add_relation(name, kind);
        self.relation(name).owner = SUPERUSER;
        let used = self.oid(of);
        self.rows.uses.push(Use {
            view,
            used,
            definition: None,
        });
    }

    /// A SECURITY DEFINER function of a superuser that every role may call.
    pub fn function(&mut self, name: &str, body: &str) -> &mut Function {
        self.rows.functions.push(Function {
            schema: "public".to_string(),
            name: name.to_string(),
            arguments: String::new(),
            types: String::new(),
            owner: SUPERUSER,
            body: body.to_string(),
            is_trigger: false,
            executors: vec![PUBLIC],
            language: if body.contains("BEGIN") { "plpgsql" } else { "sql" }.to_string(),
            is_untrusted: false,
            is_definer: true,
            is_bound: false,
            is_stored: false,
            is_leakproof: false,
            search_path: Some("public, pg_temp".to_string()),
            settings: vec!["search_path".to_string()],
            policies_of: Vec::new(),
        });
        last(&mut self.rows.functions)
    }

    pub fn relation(&mut self, name: &str) -> &mut Relation {
        the(&mut self.rows.relations, |one| one.name == name)
    }

    pub fn oid(&mut self, relation: &str) -> Oid {
        self.relation(relation).oid
    }

    pub fn remove(&mut self, relation: &str) {
        self.rows.relations.retain(|one| one.name != relation);
    }

    /// Switches row-level security on, and forces it for the owner.
    pub fn secure(&mut self, table: &str) {
        let relation = self.relation(table);
        relation.row_security = true;
        relation.force_row_security = true;
    }

    pub fn add_column(&mut self, table: &str, name: &str, type_name: &str) {
        let relation = self.oid(table);
        self.rows.columns.push(ColumnRow {
            relation,
            name: name.to_string(),
            type_name: type_name.to_string(),
            type_text: type_name.to_string(),
            type_kind: "b".to_string(),
            base_type: None,
            not_null: true,
            is_numbered: false,
            is_generated: false,
            has_default: false,
        });
    }

    pub fn column(&mut self, table: &str, name: &str) -> &mut ColumnRow {
        let relation = self.oid(table);
        the(&mut self.rows.columns, |one| {
            one.relation == relation && one.name == name
        })
    }

    pub fn remove_column(&mut self, table: &str, name: &str) {
        let relation = self.oid(table);
        self.rows
            .columns
            .retain(|one| one.relation != relation || one.name != name);
    }

    /// A valid index with no condition.
    pub fn index(&mut self, table: &str, columns: &[&str]) -> &mut Index {
        let relation = self.oid(table);
        self.rows.indexes.push(Index {
            relation,
            name: format!("{table}_{}_idx", columns.join("_")),
            method: "btree".to_string(),
            columns: columns.iter().map(|column| Some((*column).to_string())).collect(),
            expressions: String::new(),
            is_unique: false,
            is_primary: false,
            is_valid: true,
            is_partial: false,
            is_constraint: false,
            of_parent: false,
        });
        last(&mut self.rows.indexes)
    }

    /// A foreign key without actions.
    pub fn foreign_key(
        &mut self,
        table: &str,
        columns: &[&str],
        referenced: &str,
        keys: &[&str],
    ) -> &mut ForeignKey {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let (relation, referenced) = (self.oid(table), self.oid(referenced));
        self.rows.foreign_keys.push(ForeignKey {
            relation,
            name: format!("{table}_{}_fkey", columns.join("_")),
            referenced,
            columns: list(columns),
            keys: list(keys),
            harmless: String::new(),
            on_delete: "a".to_string(),
            set_on_delete: list(columns),
            on_update: "a".to_string(),
            deferral: String::new(),
            is_valid: true,
            of_parent: false,
        });
        last(&mut self.rows.foreign_keys)
    }

    /// A value that sessions of a role, or with PUBLIC of every role, start with.
    pub fn setting(&mut self, role: &str, name: &str, value: &str) -> &mut Setting {
        let role = self.role_oid(role);
        self.rows.settings.push(Setting {
            role,
            in_database: false,
            of_server: false,
            name: name.to_string(),
            value: value.to_string(),
        });
        last(&mut self.rows.settings)
    }

    /// A schema that every role may use, with the roles that may create objects in it.
    pub fn add_schema(&mut self, name: &str, creators: &[&str]) {
        let creators = creators.iter().map(|role| self.role_oid(role)).collect();
        self.rows.schemas.push(SchemaRow {
            name: name.to_string(),
            owner: OWNER,
            users: vec![PUBLIC],
            creators,
        });
    }

    /// A function that policies call.
    pub fn called(&mut self, schema: &str, name: &str, volatility: &str) {
        self.rows.volatilities.push(VolatilityRow {
            schema: schema.to_string(),
            name: name.to_string(),
            volatility: volatility.to_string(),
        });
    }

    /// A function that is one expression.
    pub fn body(&mut self, schema: &str, name: &str, parameters: &[&str], body: &str) -> &mut FunctionBody {
        self.rows.bodies.push(FunctionBody {
            schema: schema.to_string(),
            name: name.to_string(),
            parameters: parameters.iter().map(ToString::to_string).collect(),
            types: parameters.iter().map(|_| "text".to_string()).collect(),
            result: if name.starts_with("is_") {
                "boolean"
            } else {
                "text"
            }
            .to_string(),
            is_strict: false,
            is_immutable: false,
            is_only: true,
            is_text: true,
            body: body.to_string(),
        });
        last(&mut self.rows.bodies)
    }

    /// A function that changes the setting that holds the tenant.
    pub fn setter(&mut self, name: &str) {
        self.code(name, "SELECT set_config('app.org_id', '2', true)");
    }

    /// The code that runs where an object is used.
    pub fn code(&mut self, name: &str, body: &str) -> &mut CodeRow {
        self.rows.setters.push(CodeRow {
            name: name.to_string(),
            on_write: false,
            body: body.to_string(),
        });
        last(&mut self.rows.setters)
    }

    pub fn domain(&mut self, name: &str, base: &str) {
        self.rows.domains.push(Domain {
            name: name.to_string(),
            base: base.to_string(),
        });
    }

    /// An object of a user with the name of a built-in one, in another schema than that.
    pub fn redefine(&mut self, kind: Kind, name: &str) -> &mut RedefinedRow {
        self.rows.redefined.push(RedefinedRow {
            kind: kind.name().to_string(),
            name: name.to_string(),
            // Casts have no schema.
            in_pg_catalog: kind == Kind::Cast,
            is_for_text: true,
        });
        last(&mut self.rows.redefined)
    }

    /// A permissive policy for all commands, with the same expression for new rows.
    pub fn add_policy(&mut self, table: &str, name: &str, role: &str, expression: &str) -> &mut PolicyRow {
        let (relation, role) = (self.oid(table), self.role_oid(role));
        self.rows.policies.push(PolicyRow {
            relation,
            name: name.to_string(),
            command: "*".to_string(),
            permissive: true,
            roles: vec![role],
            using: Some(expression.to_string()),
            check: Some(expression.to_string()),
        });
        last(&mut self.rows.policies)
    }

    /// The registry's policy of a table.
    pub fn policy(&mut self, table: &str) -> &mut PolicyRow {
        let relation = self.oid(table);
        the(&mut self.rows.policies, |one| one.relation == relation)
    }

    pub fn remove_policies(&mut self, table: &str) {
        let relation = self.oid(table);
        self.rows.policies.retain(|one| one.relation != relation);
    }

    pub fn role(&mut self, name: &str) -> &mut Role {
        the(&mut self.rows.roles, |one| one.name == name)
    }

    pub fn role_oid(&mut self, name: &str) -> Oid {
        match name {
            "PUBLIC" => PUBLIC,
            name => self.role(name).oid,
        }
    }

    pub fn add_role(&mut self, name: &str) -> &mut Role {
        let oid = self.number();
        self.rows.roles.push(role(oid, name));
        last(&mut self.rows.roles)
    }

    /// A new role that `app` is a member of.
    pub fn add_group(&mut self, name: &str) -> &mut Role {
        self.add_role(name);
        self.add_member(name, "app");
        self.role(name)
    }

    pub fn add_member(&mut self, group: &str, member: &str) {
        let (role, member) = (self.role_oid(group), self.role_oid(member));
        self.rows.memberships.push(Membership {
            role,
            member,
            grantor: Some(SUPERUSER),
            admin: false,
            inherit: true,
            set: true,
        });
    }

    pub fn grant(&mut self, privilege: &str, relation: &str, role: &str) -> &mut Grant {
        let (relation, grantee) = (self.oid(relation), self.role_oid(role));
        self.rows.grants.push(Grant {
            relation,
            column: None,
            grantor: OWNER,
            grantee,
            privilege: privilege.to_string(),
            is_grantable: false,
        });
        last(&mut self.rows.grants)
    }

    /// The trigger that the registry requires: statement-level, before UPDATE, DELETE and TRUNCATE.
    pub fn add_trigger(&mut self, table: &str) {
        let relation = self.oid(table);
        self.rows.triggers.push(Trigger {
            relation,
            name: TRIGGER.to_string(),
            events: 0b11_1010,
            enabled: "O".to_string(),
            function_schema: "public".to_string(),
            function: TRIGGER.to_string(),
            function_body: "BEGIN RAISE EXCEPTION 'no'; END".to_string(),
            function_owner: OWNER,
            has_condition: false,
            transition_tables: Vec::new(),
        });
    }

    pub fn trigger(&mut self) -> &mut Trigger {
        last(&mut self.rows.triggers)
    }

    pub fn inspect<R>(self, look: impl FnOnce(&Context<'_>) -> R) -> R {
        self.inspect_probed(Probed::default(), look)
    }

    /// Like [`Self::inspect`], but after a probe.
    pub fn inspect_probed<R>(self, probed: Probed, look: impl FnOnce(&Context<'_>) -> R) -> R {
        self.inspect_with(|context| context.probed = probed, look)
    }

    /// Like [`Self::inspect`], but after a comparison of the data.
    pub fn inspect_compared<R>(
        self,
        foreign_rows: Vec<ForeignRows>,
        look: impl FnOnce(&Context<'_>) -> R,
    ) -> R {
        self.inspect_with(|context| context.foreign_rows = foreign_rows, look)
    }

    /// Like [`Self::inspect`], but after migrations.
    pub fn inspect_migrated<R>(self, blind: Vec<BlindStatement>, look: impl FnOnce(&Context<'_>) -> R) -> R {
        self.inspect_with(|context| context.blind = blind, look)
    }

    /// Like [`Self::inspect`], but on a server that was started for this run.
    pub fn inspect_throwaway<R>(self, look: impl FnOnce(&Context<'_>) -> R) -> R {
        self.inspect_with(|context| context.is_throwaway = true, look)
    }

    fn inspect_with<R>(
        self,
        change: impl FnOnce(&mut Context<'_>),
        look: impl FnOnce(&Context<'_>) -> R,
    ) -> R {
        let schema = format!("{SCHEMA}{}", self.schema);
        let shop = read(&schema, &self.policy_file, "update_delete = [\"audit_logs\"]");
        assert_eq!(shop.faults.len(), 0, "{:?}", shop.faults);
        let catalog = Catalog::from(self.rows);
        let mut context = Context::new(&shop, &catalog).unwrap();
        change(&mut context);
        look(&context)
    }
}

/// The findings of a check in a sound database after a change.
pub fn findings(check: fn(&Context<'_>) -> Vec<Finding>, change: impl FnOnce(&mut Database)) -> Vec<Finding> {
    let mut database = Database::sound();
    change(&mut database);
    database.inspect(check)
}

/// The table and the object of each finding, `-` for none.
pub fn found(check: fn(&Context<'_>) -> Vec<Finding>, change: impl FnOnce(&mut Database)) -> Vec<String> {
    let found = findings(check, change);
    let text = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_string());
    let lines = found
        .iter()
        .map(|finding| format!("{} {}", text(&finding.table), text(&finding.object)));
    lines.collect()
}

/// The result of a check that finds nothing.
pub const NOTHING: [&str; 0] = [];

fn empty() -> Rows {
    Rows {
        server: ServerRow {
            version: 150_000,
            database: "shop".to_string(),
            owner: OWNER,
            connectors: vec![PUBLIC],
            creators: vec![OWNER],
        },
        schemas: vec![SchemaRow {
            name: "public".to_string(),
            owner: OWNER,
            users: vec![PUBLIC],
            creators: vec![OWNER],
        }],
        relations: Vec::new(),
        columns: Vec::new(),
        roles: vec![
            Role {
                superuser: true,
                ..role(SUPERUSER, "postgres")
            },
            role(OWNER, "owner"),
            role(APP, "app"),
        ],
        memberships: Vec::new(),
        grants: Vec::new(),
        default_grants: Vec::new(),
        policies: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        volatilities: Vec::new(),
        inheritance: Vec::new(),
        uses: Vec::new(),
        rules: Vec::new(),
        functions: Vec::new(),
        aggregates: Vec::new(),
        leakproof: Vec::new(),
        definitions: Vec::new(),
        bodies: Vec::new(),
        setters: Vec::new(),
        redefined: Vec::new(),
        domains: Vec::new(),
        triggers: Vec::new(),
        settings: Vec::new(),
        read_settings: Vec::new(),
        server_grants: Vec::new(),
        partman: Vec::new(),
    }
}

fn role(oid: Oid, name: &str) -> Role {
    Role {
        oid,
        name: name.to_string(),
        superuser: false,
        bypass_rls: false,
        create_role: false,
        replication: false,
        can_log_in: true,
    }
}

/// A project with one schema file and an empty revoke list.
pub fn project_of(schema: &str, policy_file: &str) -> Project {
    read(&format!("use table_registry::table;\n{schema}"), policy_file, "")
}

fn read(schema: &str, policy_file: &str, revoke: &str) -> Project {
    let source = |path: &str, text: &str| Arc::new(Source::new(path, text));
    let inputs = Inputs {
        declarations: Declarations {
            list: declarations_in_text(source("src/schema/mod.rs", schema)),
            complete: true,
            ..Declarations::default()
        },
        files: PolicyFiles {
            main: Some(source("table-registry.toml", policy_file)),
            revoke: Some(source("revoke.toml", revoke)),
            ..PolicyFiles::default()
        },
        faults: Vec::new(),
    };
    let checked = Checked::new(inputs.clone());
    Project {
        package: package(),
        root: source("src/lib.rs", ""),
        call: CallSite::new(Root::current(), "src/lib.rs"),
        invocation: Invocation::parse("\"schema/\"".parse().unwrap(), &mut Vec::new()),
        inputs,
        policy: checked.policy,
        registry: checked.registry,
        sources: Vec::new(),
        faults: checked.faults,
    }
}

fn package() -> Package {
    Package {
        name: "shop".to_string(),
        root: Root::current(),
        directory: PathBuf::new(),
        crate_roots: vec![PathBuf::from("src/lib.rs")],
        mentions_facade: true,
        has_crate_paths: true,
        is_alone: true,
        ..Package::default()
    }
}

fn last<T>(rows: &mut [T]) -> &mut T {
    rows.last_mut().unwrap()
}

fn the<T>(rows: &mut [T], is_it: impl Fn(&T) -> bool) -> &mut T {
    rows.iter_mut().find(|row| is_it(row)).unwrap()
}
