//! The codes of the database checks.

use super::family::codes;
use super::level::Level;

/// Calls a macro with every database check, in the order in which `verify` reports them: `Variant "code" in module:
/// Subject, always Level;`, or `usually Level` if the policy file may set another one. The command line has a file and
/// a text for each, both named `module`.
#[macro_export]
macro_rules! for_each_check {
    ($macro:ident) => {
        $macro! {
            MissingAppRole "missing-app-role" in missing_app_role: Nothing, always Deny;
            IdleAppRole "idle-app-role" in idle_app_role: Role, always Deny;
            UnusedAppRole "unused-app-role" in unused_app_role: Role, always Deny;
            PrivilegedAppRole "privileged-app-role" in privileged_app_role: Attribute, always Deny;
            AppRoleOwnsTable "app-role-owns-table" in app_role_owns_table: Owner, always Deny;
            DefaultTenant "default-tenant" in default_tenant: Setting, always Deny;
            DefaultPrivilege "default-privilege" in default_privilege: Role, always Deny;
            ServerPrivilege "server-privilege" in server_privilege: Privilege, always Deny;
            CreatePrivilege "create-privilege" in create_privilege: Privilege, usually Deny;
            BookkeepingPrivilege "bookkeeping-privilege" in bookkeeping_privilege: RelationOfRole, usually Deny;
            CrossTenantRole "cross-tenant-role" in cross_tenant_role: Nothing, always Deny;
            MissingTable "missing-table" in missing_table: Table, always Deny;
            MissingExemptTable "missing-exempt-table" in missing_exempt_table: Nothing, usually Deny;
            UnregisteredTable "unregistered-table" in unregistered_table: Nothing, always Deny;
            ExemptTenantTable "exempt-tenant-table" in exempt_tenant_table: RelationOfRole, usually Warn;
            RlsDisabled "rls-disabled" in rls_disabled: Table, always Deny;
            RlsNotForced "rls-not-forced" in rls_not_forced: Table, always Deny;
            MissingPolicy "missing-policy" in missing_policy: Table, always Deny;
            OpenPolicy "open-policy" in open_policy: Policy, always Deny;
            UnprovenPolicy "unproven-policy" in unproven_policy: Policy, always Deny;
            OutdatedPolicy "outdated-policy" in outdated_policy: Policy, always Deny;
            PolicyWithoutCheck "policy-without-check" in policy_without_check: Policy, always Deny;
            RecursivePolicy "recursive-policy" in recursive_policy: Policy, always Deny;
            DeadPolicy "dead-policy" in dead_policy: Policy, usually Warn;
            SingleLayer "single-layer" in single_layer: Policy, usually Warn;
            UnboundPrivilege "unbound-privilege" in unbound_privilege: Grantee, always Deny;
            AppendOnlyPrivilege "append-only-privilege" in append_only_privilege: Grantee, always Deny;
            MissingTrigger "missing-trigger" in missing_trigger: Table, always Deny;
            CascadeIntoAppendOnly "cascade-into-append-only" in cascade_into_append_only: Constraint, always Deny;
            UnprotectedChild "unprotected-child" in unprotected_child: Relation, always Deny;
            UnprotectedParent "unprotected-parent" in unprotected_parent: Relation, always Deny;
            PartmanPrivileges "partman-privileges" in partman_privileges: Table, always Deny;
            DefinerView "definer-view" in definer_view: View, always Deny;
            EmptyView "empty-view" in empty_view: View, usually Warn;
            MaterializedView "materialized-view" in materialized_view: View, always Deny;
            DefinerFunction "definer-function" in definer_function: Function, always Deny;
            RewriteRule "rewrite-rule" in rewrite_rule: Rule, always Deny;
            UnprovenFunction "unproven-function" in unproven_function: FunctionOfRole, usually Warn;
            MutableSearchPath "mutable-search-path" in mutable_search_path: FunctionOfRole, usually Deny;
            AppRoleOwnsFunction "app-role-owns-function" in app_role_owns_function: FunctionOfRole, always Deny;
            LeakproofFunction "leakproof-function" in leakproof_function: FunctionOfRole, always Deny;
            UncallableFunction "uncallable-function" in uncallable_function: Function, usually Deny;
            AmbiguousParent "ambiguous-parent" in ambiguous_parent: Table, always Deny;
            UnreadableParent "unreadable-parent" in unreadable_parent: RoleOfTable, usually Deny;
            CrossTenantReference "cross-tenant-reference" in cross_tenant_reference: Constraint, usually Warn;
            CrossTenantUnique "cross-tenant-unique" in cross_tenant_unique: Index, usually Allow;
            ForeignTenantRow "foreign-tenant-row" in foreign_tenant_row: Constraint, always Deny;
            PerRowCall "per-row-call" in per_row_call: Policy, usually Warn;
            MissingTenantIndex "missing-tenant-index" in missing_tenant_index: Table, usually Warn;
            NullableTenantColumn "nullable-tenant-column" in nullable_tenant_column: Column, always Deny;
            MissingColumn "missing-column" in missing_column: Column, usually Deny;
            ExtraColumn "extra-column" in extra_column: Column, usually Deny;
            ColumnTypeMismatch "column-type-mismatch" in column_type_mismatch: Column, usually Warn;
            BlindMigration "blind-migration" in blind_migration: Migration, usually Warn;
            ProbeAllowed "probe-allowed" in probe_allowed: RoleOfTable, always Deny;
            ProbeFailed "probe-failed" in probe_failed: RoleOfTable, always Deny;
            ProbeUntried "probe-untried" in probe_untried: Table, always Deny;
        }
    };
}

/// What a database check is about, and so what an exception to it names: always the object of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSubject {
    /// Nothing: the policy file itself decides it.
    Nothing,
    /// A registered table as a whole.
    Table,
    /// A policy of a table.
    Policy,
    /// A column of a table.
    Column,
    /// A constraint of a table.
    Constraint,
    /// An index of a table.
    Index,
    /// A view of a table.
    View,
    /// A function that reaches a table, with the types of its arguments: `purge(integer)`.
    Function,
    /// A function that a role of the application uses, with the types of its arguments.
    FunctionOfRole,
    /// A rule that reaches a table.
    Rule,
    /// A partition, a child or a parent of a table.
    Relation,
    /// A migration that works on a table.
    Migration,
    /// A role that holds privileges on a table, or PUBLIC.
    Grantee,
    /// A role of the application that uses a table.
    RoleOfTable,
    /// A role of the application.
    Role,
    /// A role of the application, and the owner that it is or can become.
    Owner,
    /// A role of the application, and an attribute that it has or can obtain, or a predefined role.
    Attribute,
    /// A role of the application, and a privilege that is not about a table: `CREATE on schema public`.
    Privilege,
    /// A role of the application, and a setting that its sessions start with.
    Setting,
    /// A role of the application, and a table that is not registered.
    RelationOfRole,
}

impl CheckSubject {
    /// The key of an exception that names the object beside the table or role. `None` if there is no such object.
    #[must_use]
    pub const fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing | Self::Table | Self::Role => return None,
            Self::Policy => "policy",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::View => "view",
            Self::Function | Self::FunctionOfRole => "function",
            Self::Rule => "rule",
            Self::Relation | Self::RelationOfRole => "relation",
            Self::Migration => "migration",
            Self::Grantee => "grantee",
            Self::RoleOfTable => "role",
            Self::Owner => "owner",
            Self::Attribute => "attribute",
            Self::Privilege => "privilege",
            Self::Setting => "setting",
        })
    }

    /// An object for people: ``policy `read_all` of table `announcements` ``.
    #[must_use]
    pub fn described(self, subject: &str, object: Option<&str>, relation: Option<&str>) -> String {
        let whole = if self.is_role() { "role" } else { "table" };
        match (self.key().zip(object), relation) {
            (None, _) => format!("{whole} `{subject}`"),
            (Some((key, object)), None) => format!("{key} `{object}` of {whole} `{subject}`"),
            (Some((key, object)), Some(relation)) => {
                format!("{key} `{object}` of `{relation}`, for {whole} `{subject}`")
            }
        }
    }

    /// Whether an exception names a role of the application instead of a table.
    #[must_use]
    pub const fn is_role(self) -> bool {
        matches!(
            self,
            Self::Role
                | Self::Owner
                | Self::Attribute
                | Self::Privilege
                | Self::Setting
                | Self::RelationOfRole
                | Self::FunctionOfRole
        )
    }

    /// Whether findings come through roles of the application, to which an exception can be limited.
    #[must_use]
    pub const fn has_roles(self) -> bool {
        matches!(self, Self::Policy | Self::View | Self::Function | Self::Rule)
    }

    /// Whether the object may belong to a partition, a child or another relation, which an exception then names, too.
    #[must_use]
    pub const fn has_relation(self) -> bool {
        matches!(self, Self::Policy | Self::Constraint | Self::Rule)
    }
}

macro_rules! is_usual {
    (always) => {
        false
    };
    (usually) => {
        true
    };
}

macro_rules! define {
    ($($variant:ident $name:literal in $module:ident: $subject:ident, $how:ident $level:ident;)*) => {
        codes! {
            /// A database check, which `cargo table-registry verify` runs.
            DatabaseCheck { $($variant $name;)* }
        }

        impl DatabaseCheck {
            /// What the check is about.
            #[must_use]
            pub const fn subject(self) -> CheckSubject {
                match self {
                    $(Self::$variant => CheckSubject::$subject,)*
                }
            }

            /// Its level, unless the policy file sets another one.
            #[must_use]
            pub const fn default_level(self) -> Level {
                match self {
                    $(Self::$variant => Level::$level,)*
                }
            }

            /// Whether the policy file may set another level. Not if rows of other tenants, or rows that never change,
            /// are at stake: there, an exception names the object.
            #[must_use]
            pub const fn has_settable_level(self) -> bool {
                match self {
                    $(Self::$variant => is_usual!($how),)*
                }
            }
        }
    };
}

for_each_check!(define);
