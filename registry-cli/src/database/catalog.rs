//! A snapshot of the system catalogs: <https://www.postgresql.org/docs/current/catalogs.html>.
//!
//! The checks are functions of this one snapshot. Columns that old servers lack are read through `to_jsonb`.
//! Privileges are read by name, because newer servers may add letters.

#![expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "rows have the columns that the catalogs have"
)]

use std::collections::{BTreeMap, BTreeSet};

use sqlx::FromRow;

use crate::database::code::mention::Words;
use crate::database::code::redefined::{Redefined, RedefinedRow};
use crate::database::code::setters::CodeRow;
use crate::database::requirements::statements::{Qualified, identifier, literal};
use crate::database::server::session::Session;
use crate::failure::Failure;
use crate::progress;

pub type Oid = i64;

/// The grantee PUBLIC, which stands for every role.
pub const PUBLIC: Oid = 0;

/// A domain, with its base type.
#[derive(Debug, FromRow)]
pub struct Domain {
    /// As SQL writes it.
    pub name: String,
    pub base: String,
}

/// A table, a view, or another relation with rows.
#[derive(Debug, FromRow)]
pub struct Relation {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: String,
    pub is_partition: bool,
    pub row_security: bool,
    pub force_row_security: bool,
    pub owner: Oid,
    /// Whether it is a view that uses the rights of its caller.
    pub security_invoker: bool,
    pub of_extension: bool,
    /// Whether it is only a template for partitions, as `pg_partman` has them, and holds no rows itself.
    pub is_template: bool,
}

impl Relation {
    pub fn qualified(&self) -> Qualified {
        Qualified {
            schema: self.schema.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether it can have row-level security.
    pub fn is_table(&self) -> bool {
        self.kind == "r" || self.kind == "p"
    }

    pub fn is_view(&self) -> bool {
        self.kind == "v"
    }

    pub fn is_foreign_table(&self) -> bool {
        self.kind == "f"
    }
}

#[derive(Debug, FromRow)]
pub struct ColumnRow {
    pub relation: Oid,
    pub name: String,
    /// The type's name in `pg_type`; an array type starts with `_`.
    pub type_name: String,
    /// The type as SQL writes it.
    pub type_text: String,
    /// `pg_type.typtype`: `b` for base types.
    pub type_kind: String,
    /// The name of the type under all domains, if the type is one: the server sends its values as that type.
    pub base_type: Option<String>,
    pub not_null: bool,
    /// Whether a sequence gives its values.
    pub is_numbered: bool,
    /// Whether its values are computed from other columns.
    pub is_generated: bool,
    pub has_default: bool,
}

#[derive(Debug, FromRow)]
pub struct Role {
    pub oid: Oid,
    pub name: String,
    pub superuser: bool,
    pub bypass_rls: bool,
    pub create_role: bool,
    pub replication: bool,
    pub can_log_in: bool,
}

impl Role {
    /// Whether the server has it from the start: <https://www.postgresql.org/docs/current/predefined-roles.html>.
    pub fn is_predefined(&self) -> bool {
        self.name.starts_with("pg_")
    }
}

/// `member` is a member of `role`.
#[derive(Debug, FromRow)]
pub struct Membership {
    pub role: Oid,
    pub member: Oid,
    /// `None` for a membership that nobody granted: that of the database's owner in `pg_database_owner`.
    pub grantor: Option<Oid>,
    pub admin: bool,
    pub inherit: bool,
    pub set: bool,
}

#[derive(Debug, FromRow)]
pub struct Grant {
    pub relation: Oid,
    /// The column, if the grant is for a single column.
    pub column: Option<String>,
    pub grantor: Oid,
    pub grantee: Oid,
    pub privilege: String,
    pub is_grantable: bool,
}

#[derive(Debug, FromRow)]
pub struct PolicyRow {
    pub relation: Oid,
    pub name: String,
    /// `r` for SELECT, `a` for INSERT, `w` for UPDATE, `d` for DELETE, `*` for all.
    pub command: String,
    pub permissive: bool,
    pub roles: Vec<Oid>,
    pub using: Option<String>,
    pub check: Option<String>,
}

impl PolicyRow {
    /// Whether it is for a command, given by its letter.
    pub fn is_for(&self, letter: &str) -> bool {
        self.command == "*" || self.command == letter
    }
}

#[derive(Debug, FromRow)]
pub struct ForeignKey {
    pub relation: Oid,
    pub name: String,
    pub referenced: Oid,
    pub columns: Vec<String>,
    /// The columns of the referenced table, in the order of `columns`.
    pub keys: Vec<String>,
    /// The definition of the key with the actions CASCADE, SET NULL and SET DEFAULT left out.
    pub harmless: String,
    /// `a` NO ACTION, `r` RESTRICT, `c` CASCADE, `n` SET NULL, `d` SET DEFAULT.
    pub on_delete: String,
    /// The columns that SET NULL and SET DEFAULT change when the referenced row is deleted.
    pub set_on_delete: Vec<String>,
    pub on_update: String,
    /// When it is checked, as SQL writes it; empty for at once.
    pub deferral: String,
    /// Whether all rows are known to obey it.
    pub is_valid: bool,
    /// Whether a partition repeats this constraint of its parent.
    pub of_parent: bool,
}

impl ForeignKey {
    /// Each column with the column that it refers to.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.columns.iter().map(String::as_str);
        columns.zip(self.keys.iter().map(String::as_str))
    }
}

#[derive(Debug, FromRow)]
pub struct Index {
    pub relation: Oid,
    pub name: String,
    /// `pg_am.amname`.
    pub method: String,
    /// `None` for an expression.
    pub columns: Vec<Option<String>>,
    pub expressions: String,
    pub is_unique: bool,
    pub is_primary: bool,
    pub is_valid: bool,
    pub is_partial: bool,
    /// Whether a constraint owns it.
    pub is_constraint: bool,
    /// Whether it is a part of the index of a partitioned table.
    pub of_parent: bool,
}

/// The volatility of the functions of a name.
#[derive(Debug, FromRow)]
pub struct VolatilityRow {
    pub schema: String,
    pub name: String,
    /// `i` IMMUTABLE, `s` STABLE, `v` VOLATILE.
    pub volatility: String,
}

#[derive(Clone, Debug, FromRow)]
pub struct Inheritance {
    pub child: Oid,
    pub parent: Oid,
}

/// The use of a relation by a view.
#[derive(Debug, FromRow)]
pub struct Use {
    pub view: Oid,
    pub used: Oid,
    /// The definition of the view, if it calls a function that returns rows of the relation, and so may depend on the
    /// relation without reading it.
    pub definition: Option<String>,
}

impl Use {
    fn reads(&self, relations: &[Relation]) -> bool {
        let Some(definition) = &self.definition else {
            return true;
        };
        let used = relations.iter().find(|relation| relation.oid == self.used);
        used.is_none_or(|used| Words::outside_quotes(definition).reads(&used.schema, &used.name))
    }
}

#[derive(Debug, FromRow)]
pub struct Rule {
    pub relation: Oid,
    pub name: String,
    pub definition: String,
    /// The event of an INSTEAD rule: `2` UPDATE, `3` INSERT, `4` DELETE.
    pub instead_of: Option<String>,
}

/// A function or procedure of the database, unless it belongs to an extension.
#[derive(Debug, FromRow)]
pub struct Function {
    pub schema: String,
    pub name: String,
    /// The names and types of the arguments, as ALTER ROUTINE takes them.
    pub arguments: String,
    /// The types of the arguments, which tell the function from others of its name.
    pub types: String,
    pub owner: Oid,
    pub body: String,
    pub is_trigger: bool,
    pub executors: Vec<Oid>,
    /// `pg_language.lanname`.
    pub language: String,
    /// Whether the language lets it do what the server's user may do on the machine.
    pub is_untrusted: bool,
    /// Whether it runs as its owner: SECURITY DEFINER.
    pub is_definer: bool,
    /// Whether its body is in standard SQL, whose names were looked up when it was created.
    pub is_bound: bool,
    /// Whether an object of the database calls it, whoever may use its schema.
    pub is_stored: bool,
    pub is_leakproof: bool,
    /// The `search_path` that it sets.
    pub search_path: Option<String>,
    /// The names of all settings that it sets.
    pub settings: Vec<String>,
    /// The tables whose policies call it.
    pub policies_of: Vec<Oid>,
}

impl Function {
    /// The function as ALTER ROUTINE takes it.
    pub fn signature(&self) -> String {
        format!(
            "{}.{}({})",
            identifier(&self.schema),
            identifier(&self.name),
            self.arguments
        )
    }
}

/// An aggregate, and a function that it calls.
#[derive(Debug, FromRow)]
pub struct Aggregate {
    pub schema: String,
    /// With the types of its arguments.
    pub name: String,
    pub owner: Oid,
    pub executors: Vec<Oid>,
    pub function_schema: String,
    pub function: String,
    /// The types of the function's arguments.
    pub function_types: String,
}

/// A built-in function.
#[derive(Debug, FromRow)]
pub struct BuiltIn {
    /// With its schema and the types of its arguments.
    pub name: String,
    /// As ALTER ROUTINE takes it.
    pub signature: String,
}

/// The query of a materialized view.
#[derive(Debug, FromRow)]
pub struct Definition {
    pub view: Oid,
    pub definition: String,
}

/// A function that runs as its caller, and may be one expression.
#[derive(Debug, FromRow)]
pub struct FunctionBody {
    pub schema: String,
    pub name: String,
    /// The names of the parameters, empty for those without a name.
    pub parameters: Vec<String>,
    /// The types of the parameters.
    pub types: Vec<String>,
    pub result: String,
    /// Whether its value is null if an argument is.
    pub is_strict: bool,
    /// Whether the server may keep its value for later statements.
    pub is_immutable: bool,
    pub body: String,
    /// Whether no other schema has a function with its name.
    pub is_only: bool,
    /// Whether its names are resolved each time it is called, by the search path of the caller.
    pub is_text: bool,
}

#[derive(Debug, FromRow)]
pub struct DefaultGrant {
    pub owner: Oid,
    pub schema: Option<String>,
    pub grantee: Oid,
    pub privilege: String,
}

#[derive(Debug, FromRow)]
pub struct Trigger {
    pub relation: Oid,
    pub name: String,
    /// The bits of `pg_trigger.tgtype`.
    pub events: i16,
    /// `O` enabled, `D` disabled, `R` on replicas only, `A` always.
    pub enabled: String,
    pub function_schema: String,
    pub function: String,
    pub function_body: String,
    pub function_owner: Oid,
    pub has_condition: bool,
    /// The names of the tables with the old and the new rows.
    pub transition_tables: Vec<String>,
}

impl Trigger {
    pub fn is_enabled(&self) -> bool {
        self.enabled == "O" || self.enabled == "A"
    }
}

#[derive(Debug, FromRow)]
pub struct SchemaRow {
    pub name: String,
    pub owner: Oid,
    /// The roles that hold USAGE.
    pub users: Vec<Oid>,
    /// The roles that hold CREATE.
    pub creators: Vec<Oid>,
}

#[derive(Debug, FromRow)]
pub struct ServerRow {
    pub version: i32,
    pub database: String,
    /// The owner of the database.
    pub owner: Oid,
    /// The roles that hold CONNECT on the database.
    pub connectors: Vec<Oid>,
    /// The roles that hold CREATE on the database.
    pub creators: Vec<Oid>,
}

/// A value that sessions start with.
#[derive(Debug, FromRow)]
pub struct Setting {
    /// The role whose sessions they are, or [`PUBLIC`] for every role.
    pub role: Oid,
    /// Whether they are sessions in this database alone.
    pub in_database: bool,
    /// Whether it comes from the configuration of the server.
    pub of_server: bool,
    /// In lower case.
    pub name: String,
    pub value: String,
}

/// The name of a setting that policies read, in lower case.
#[derive(Debug, FromRow)]
pub struct SettingName {
    pub name: String,
}

/// A privilege on something of the server.
#[derive(Debug, FromRow)]
pub struct ServerGrant {
    pub grantee: Oid,
    /// The role that the privilege is of use to, or [`PUBLIC`] for every role.
    pub mapped: Oid,
    pub privilege: String,
    /// As GRANT names the kind of object: `FUNCTION`.
    pub kind: String,
    /// The object as GRANT names it.
    pub object: String,
    /// The object as messages name it.
    pub name: String,
}

/// A table for which `pg_partman` makes partitions.
#[derive(Debug, FromRow)]
pub struct PartmanTable {
    /// The table that lists it, as SQL writes it.
    pub config: String,
    /// The name with its schema, as the list has it.
    pub parent: String,
    /// Whether each partition gets the privileges of the table.
    pub grants: bool,
    /// Whether the list has a column that decides it.
    pub can_choose: bool,
}

/// The table in which `pg_partman` lists what it manages, as SQL writes it.
#[derive(Debug, FromRow)]
struct PartmanConfig {
    config: String,
}

/// The rows of the catalogs, as the server returns them.
#[derive(Debug)]
pub struct Rows {
    pub server: ServerRow,
    pub schemas: Vec<SchemaRow>,
    pub relations: Vec<Relation>,
    pub columns: Vec<ColumnRow>,
    pub roles: Vec<Role>,
    pub memberships: Vec<Membership>,
    pub grants: Vec<Grant>,
    pub default_grants: Vec<DefaultGrant>,
    pub policies: Vec<PolicyRow>,
    pub foreign_keys: Vec<ForeignKey>,
    pub indexes: Vec<Index>,
    pub volatilities: Vec<VolatilityRow>,
    pub inheritance: Vec<Inheritance>,
    pub uses: Vec<Use>,
    pub rules: Vec<Rule>,
    pub functions: Vec<Function>,
    pub aggregates: Vec<Aggregate>,
    pub leakproof: Vec<BuiltIn>,
    pub definitions: Vec<Definition>,
    pub bodies: Vec<FunctionBody>,
    pub setters: Vec<CodeRow>,
    pub redefined: Vec<RedefinedRow>,
    pub domains: Vec<Domain>,
    pub triggers: Vec<Trigger>,
    pub settings: Vec<Setting>,
    pub read_settings: Vec<SettingName>,
    pub server_grants: Vec<ServerGrant>,
    pub partman: Vec<PartmanTable>,
}

impl Rows {
    fn read(session: &mut Session) -> Result<Self, Failure> {
        let mut servers: Vec<ServerRow> =
            session.query("the server's version", include_str!("catalog/server.sql"))?;
        let server = servers
            .pop()
            .ok_or_else(|| Failure::new("the server does not report its version"))?;
        Ok(Self {
            server_grants: server_grants(session, server.version)?,
            partman: partman(session)?,
            server,
            relations: session.query("tables", include_str!("catalog/relations.sql"))?,
            schemas: session.query("schemas", include_str!("catalog/schemas.sql"))?,
            roles: session.query("roles", include_str!("catalog/roles.sql"))?,
            inheritance: session.query("inheritance", include_str!("catalog/inheritance.sql"))?,
            memberships: session.query("memberships of roles", include_str!("catalog/memberships.sql"))?,
            default_grants: session
                .query("default privileges", include_str!("catalog/default_grants.sql"))?,
            rules: session.query("rules", include_str!("catalog/rules.sql"))?,
            bodies: session.query("the bodies of functions", include_str!("catalog/bodies.sql"))?,
            setters: session.query("code that changes settings", include_str!("catalog/setters.sql"))?,
            redefined: session.query(
                "objects with the names of built-in ones",
                include_str!("catalog/redefined.sql"),
            )?,
            domains: session.query("domains", include_str!("catalog/domains.sql"))?,
            foreign_keys: session.query("foreign keys", include_str!("catalog/foreign_keys.sql"))?,
            indexes: session.query("indexes", include_str!("catalog/indexes.sql"))?,
            volatilities: session.query(
                "the volatility of functions",
                include_str!("catalog/volatilities.sql"),
            )?,
            uses: session.query("dependencies of views", include_str!("catalog/uses.sql"))?,
            columns: session.query("columns", include_str!("catalog/columns.sql"))?,
            grants: session.query("privileges", include_str!("catalog/grants.sql"))?,
            policies: session.query("policies", include_str!("catalog/policies.sql"))?,
            functions: session.query("functions", include_str!("catalog/functions.sql"))?,
            aggregates: session.query("aggregates", include_str!("catalog/aggregates.sql"))?,
            leakproof: session.query("built-in functions", include_str!("catalog/leakproof.sql"))?,
            definitions: session.query("materialized views", include_str!("catalog/definitions.sql"))?,
            triggers: session.query("triggers", include_str!("catalog/triggers.sql"))?,
            settings: settings(session)?,
            read_settings: session.query(
                "settings that policies read",
                include_str!("catalog/read_settings.sql"),
            )?,
        })
    }
}

/// Only some roles may read the files of the server's configuration, which also name settings that no session has read
/// yet.
fn settings(session: &mut Session) -> Result<Vec<Setting>, Failure> {
    let mut settings: Vec<Setting> = session.query("settings", include_str!("catalog/settings.sql"))?;
    let what = "the configuration of the server";
    let may_read: Vec<SettingName> = session.query(what, include_str!("catalog/may_read_files.sql"))?;
    if !may_read.is_empty() {
        let of_files: Vec<Setting> = session.query(what, include_str!("catalog/file_settings.sql"))?;
        let is_known = |one: &Setting| {
            let mut known = settings.iter();
            known.any(|other| other.of_server && other.name == one.name)
        };
        let new: Vec<Setting> = of_files.into_iter().filter(|one| !is_known(one)).collect();
        settings.extend(new);
    }
    Ok(settings)
}

fn server_grants(session: &mut Session, version: i32) -> Result<Vec<ServerGrant>, Failure> {
    let what = "privileges on objects of the server";
    let mut grants: Vec<ServerGrant> = session.query(what, include_str!("catalog/server_grants.sql"))?;
    if version >= 150_000 {
        let on_parameters: Vec<ServerGrant> =
            session.query(what, include_str!("catalog/parameter_grants.sql"))?;
        grants.extend(on_parameters);
    }
    Ok(grants)
}

/// The tables that `pg_partman` manages, in whichever schema it is.
fn partman(session: &mut Session) -> Result<Vec<PartmanTable>, Failure> {
    let what = "the configuration of pg_partman";
    let configs: Vec<PartmanConfig> = session.query(what, include_str!("catalog/partman.sql"))?;
    let mut tables = Vec::new();
    for PartmanConfig { config } in configs {
        // Versions without the column grant on each partition what is granted on the parent.
        let sql = format!(
            "SELECT {} AS config, parent_table::text AS parent,
                    coalesce((to_jsonb(c) ->> 'inherit_privileges')::bool, true) AS grants,
                    to_jsonb(c) ? 'inherit_privileges' AS can_choose
             FROM {config} c ORDER BY 2",
            literal(&config)
        );
        let of_config: Vec<PartmanTable> = session.query(what, &sql)?;
        tables.extend(of_config);
    }
    Ok(tables)
}

/// The rows of the catalogs, indexed for the checks.
#[derive(Debug)]
pub struct Catalog {
    pub server: ServerRow,
    pub schemas: BTreeMap<String, SchemaRow>,
    pub relations: Vec<Relation>,
    pub default_grants: Vec<DefaultGrant>,
    /// The functions and procedures of the database.
    pub routines: Vec<Function>,
    aggregates: Vec<Aggregate>,
    /// The built-in functions that somebody has made LEAKPROOF.
    pub leakproof: Vec<BuiltIn>,
    /// The queries of materialized views.
    definitions: BTreeMap<Oid, Definition>,
    pub foreign_keys: Vec<ForeignKey>,
    /// All code that may change a setting, or use code that does; empty if none changes one.
    pub setters: Vec<CodeRow>,
    /// What users have defined under the name of something built in.
    pub redefined: Redefined,
    domains: BTreeMap<String, Domain>,
    pub settings: Vec<Setting>,
    pub server_grants: Vec<ServerGrant>,
    pub partman: Vec<PartmanTable>,
    read_settings: BTreeSet<String>,
    roles: BTreeMap<Oid, Role>,
    /// Keyed by member.
    memberships: BTreeMap<Oid, Vec<Membership>>,
    /// Keyed by parent.
    children: BTreeMap<Oid, Vec<Inheritance>>,
    /// Keyed by child.
    parents: BTreeMap<Oid, Vec<Inheritance>>,
    /// Keyed by view.
    uses: BTreeMap<Oid, Vec<Use>>,
    columns: BTreeMap<Oid, Vec<ColumnRow>>,
    grants: BTreeMap<Oid, Vec<Grant>>,
    policies: BTreeMap<Oid, Vec<PolicyRow>>,
    indexes: BTreeMap<Oid, Vec<Index>>,
    /// Keyed by name.
    bodies: BTreeMap<String, Vec<FunctionBody>>,
    /// Keyed by schema and name.
    volatilities: BTreeMap<(String, String), String>,
    triggers: BTreeMap<Oid, Vec<Trigger>>,
    rules: BTreeMap<Oid, Vec<Rule>>,
    by_name: BTreeMap<(String, String), usize>,
    by_oid: BTreeMap<Oid, usize>,
    /// The positions of foreign keys, keyed by the table that has them.
    keys_of: BTreeMap<Oid, Vec<usize>>,
}

impl From<Rows> for Catalog {
    fn from(rows: Rows) -> Self {
        let uses = rows.uses.into_iter();
        let uses = uses.filter(|one| one.reads(&rows.relations)).collect();
        let positions = rows.relations.iter().enumerate();
        Self {
            by_name: positions
                .clone()
                .map(|(at, one)| ((one.schema.clone(), one.name.clone()), at))
                .collect(),
            by_oid: positions.map(|(at, one)| (one.oid, at)).collect(),
            keys_of: positions_of(&rows.foreign_keys, |key| key.relation),
            server: rows.server,
            relations: rows.relations,
            schemas: by_key(rows.schemas, |schema| schema.name.clone()),
            roles: by_key(rows.roles, |role| role.oid),
            memberships: grouped(rows.memberships, |edge| edge.member),
            default_grants: rows.default_grants,
            routines: rows.functions,
            aggregates: rows.aggregates,
            leakproof: rows.leakproof,
            definitions: by_key(rows.definitions, |one| one.view),
            bodies: grouped(rows.bodies, |function| function.name.clone()),
            foreign_keys: rows.foreign_keys,
            setters: rows.setters,
            redefined: rows.redefined.into(),
            domains: by_key(rows.domains, |domain| domain.name.clone()),
            settings: rows.settings,
            server_grants: rows.server_grants,
            partman: rows.partman,
            read_settings: rows.read_settings.into_iter().map(|one| one.name).collect(),
            children: grouped(rows.inheritance.clone(), |one| one.parent),
            parents: grouped(rows.inheritance, |one| one.child),
            uses: grouped(uses, |one| one.view),
            columns: grouped(rows.columns, |column| column.relation),
            grants: grouped(rows.grants, |grant| grant.relation),
            policies: grouped(rows.policies, |policy| policy.relation),
            indexes: grouped(rows.indexes, |index| index.relation),
            volatilities: rows
                .volatilities
                .into_iter()
                .map(|row| ((row.schema, row.name), row.volatility))
                .collect(),
            triggers: grouped(rows.triggers, |trigger| trigger.relation),
            rules: grouped(rows.rules, |rule| rule.relation),
        }
    }
}

impl Catalog {
    /// Reads the catalogs in one read-only transaction.
    pub fn read(session: &mut Session) -> Result<Self, Failure> {
        let _spinner = progress::spinner("Reading", "the catalogs");
        session.execute(
            "cannot start a transaction in the database",
            // With many tables, the queries look expensive to the server, and compiling one takes longer than running it.
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL jit = off",
        )?;
        let rows = Rows::read(session)?;
        session.execute("cannot end the transaction", "ROLLBACK")?;
        Ok(Self::from(rows))
    }

    pub fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        let position = self.by_name.get(&(schema.to_string(), name.to_string()))?;
        Some(&self.relations[*position])
    }

    pub fn table(&self, name: &Qualified) -> Option<&Relation> {
        let found = self.relation(&name.schema, &name.name);
        found.filter(|relation| relation.is_table())
    }

    pub fn relation_of(&self, oid: Oid) -> Option<&Relation> {
        self.by_oid.get(&oid).map(|position| &self.relations[*position])
    }

    pub fn columns(&self, relation: Oid) -> &[ColumnRow] {
        self.columns.get(&relation).map_or(&[], Vec::as_slice)
    }

    /// Whether a column holds no NULL, in a table and in its children.
    pub fn is_never_null(&self, relation: Oid, name: &str) -> bool {
        let is_not_null = |relation: Oid| {
            let mut columns = self.columns(relation).iter();
            columns.any(|column| column.name == name && column.not_null && column.type_kind != "d")
        };
        is_not_null(relation) && self.descendants(relation).all(|child| is_not_null(child.oid))
    }

    pub fn grants(&self, relation: Oid) -> &[Grant] {
        self.grants.get(&relation).map_or(&[], Vec::as_slice)
    }

    pub fn policies(&self, relation: Oid) -> &[PolicyRow] {
        self.policies.get(&relation).map_or(&[], Vec::as_slice)
    }

    pub fn indexes(&self, relation: Oid) -> &[Index] {
        self.indexes.get(&relation).map_or(&[], Vec::as_slice)
    }

    /// The volatility of a function, as in [`VolatilityRow`], if it is known not to be immutable, or policies call it.
    pub fn volatility(&self, schema: &str, name: &str) -> Option<&str> {
        let key = (schema.to_string(), name.to_string());
        self.volatilities.get(&key).map(String::as_str)
    }

    /// A function that is the only one with its name in a schema, or in all schemas.
    pub fn body(&self, schema: Option<&str>, name: &str) -> Option<&FunctionBody> {
        let mut named = self.bodies.get(name)?.iter();
        match schema {
            Some(schema) => named.find(|function| function.schema == schema),
            None => named.find(|function| function.is_only),
        }
    }

    /// The type below a domain, or the type itself.
    pub fn base_type<'t>(&'t self, sql_type: &'t str) -> &'t str {
        let mut base = sql_type;
        while let Some(domain) = self.domains.get(base) {
            base = &domain.base;
        }
        base
    }

    /// The relation with a name, in one schema or, if only one has it, in any.
    pub fn relation_named(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        if let Some(schema) = schema {
            return self.relation(schema, name);
        }
        let mut named = self.relations.iter().filter(|relation| relation.name == name);
        let found = named.next();
        found.filter(|_| named.next().is_none())
    }

    /// The foreign keys of a table.
    pub fn foreign_keys_of(&self, relation: Oid) -> impl Iterator<Item = &ForeignKey> {
        let positions = self.keys_of.get(&relation).into_iter().flatten();
        positions.map(|at| &self.foreign_keys[*at])
    }

    /// The functions that run as their owner.
    pub fn definers(&self) -> impl Iterator<Item = &Function> {
        self.routines.iter().filter(|function| function.is_definer)
    }

    /// The aggregates that call a function.
    pub fn aggregates_of<'c>(&'c self, function: &'c Function) -> impl Iterator<Item = &'c Aggregate> {
        self.aggregates.iter().filter(|aggregate| {
            aggregate.function == function.name
                && aggregate.function_schema == function.schema
                && aggregate.function_types == function.types
        })
    }

    /// The query of a materialized view.
    pub fn definition(&self, view: Oid) -> Option<&str> {
        self.definitions.get(&view).map(|one| one.definition.as_str())
    }

    /// The triggers that run a function.
    pub fn triggers_of<'c>(&'c self, function: &Function) -> impl Iterator<Item = &'c Trigger> {
        let (schema, name) = (function.schema.clone(), function.name.clone());
        let all = self.triggers.values().flatten();
        all.filter(move |trigger| {
            trigger.function == name && trigger.function_schema == schema && trigger.enabled != "D"
        })
    }

    pub fn triggers(&self, relation: Oid) -> &[Trigger] {
        self.triggers.get(&relation).map_or(&[], Vec::as_slice)
    }

    pub fn rules(&self, relation: Oid) -> &[Rule] {
        self.rules.get(&relation).map_or(&[], Vec::as_slice)
    }

    pub fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().flatten()
    }

    /// The relations that a view uses.
    pub fn used_by(&self, view: Oid) -> impl Iterator<Item = &Relation> {
        let uses = self.uses.get(&view).into_iter().flatten();
        uses.filter_map(|one| self.relation_of(one.used))
    }

    /// Whether a policy reads a setting, given in lower case.
    pub fn is_read_by_policies(&self, setting: &str) -> bool {
        self.read_settings.contains(setting)
    }

    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.name == name)
    }

    pub fn role_of(&self, oid: Oid) -> Option<&Role> {
        self.roles.get(&oid)
    }

    /// The roles that a role is a member of.
    pub fn memberships(&self, member: Oid) -> &[Membership] {
        self.memberships.get(&member).map_or(&[], Vec::as_slice)
    }

    /// A grantee as SQL writes it.
    pub fn grantee(&self, oid: Oid) -> String {
        self.role_of(oid)
            .map_or_else(|| "PUBLIC".to_string(), |role| identifier(&role.name))
    }

    /// The name of a grantee; every role has one.
    pub fn role_name(&self, oid: Oid) -> &str {
        self.role_of(oid).map_or("PUBLIC", |role| role.name.as_str())
    }

    /// The partitions and inheritance children of a table, on all levels.
    pub fn descendants(&self, table: Oid) -> impl Iterator<Item = &Relation> {
        let all = self.descendants_through(table, |_| true).into_iter();
        all.filter_map(|oid| self.relation_of(oid))
    }

    /// The descendants that meet a condition, if all tables between them and the table meet it, too.
    pub fn descendants_through(&self, table: Oid, is_met: impl Fn(&Relation) -> bool) -> BTreeSet<Oid> {
        reached(table, |parent| {
            let edges = self.children.get(&parent).into_iter().flatten();
            let children = edges.filter_map(|one| self.relation_of(one.child));
            children.filter(|child| is_met(child)).map(|child| child.oid)
        })
    }

    /// The tables that a table is a partition or an inheritance child of, on all levels.
    pub fn ancestors(&self, table: Oid) -> BTreeSet<Oid> {
        reached(table, |child| {
            self.parents
                .get(&child)
                .into_iter()
                .flatten()
                .map(|one| one.parent)
        })
    }
}

/// Everything that can be reached from the start in one or more steps.
pub fn reached<I: Iterator<Item = Oid>>(start: Oid, next: impl Fn(Oid) -> I) -> BTreeSet<Oid> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(at) = open.pop() {
        open.extend(next(at).filter(|oid| found.insert(*oid)));
    }
    found
}

fn by_key<K: Ord, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

fn positions_of<T>(rows: &[T], key: impl Fn(&T) -> Oid) -> BTreeMap<Oid, Vec<usize>> {
    let mut positions: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        positions.entry(key(row)).or_default().push(at);
    }
    positions
}

fn grouped<K: Ord, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
