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
            PrivilegedAppRole "privileged-app-role" in privileged_app_role: Role, always Deny;
            AppRoleOwnsTable "app-role-owns-table" in app_role_owns_table: Role, always Deny;
            DefaultPrivilege "default-privilege" in default_privilege: Role, always Deny;
            MissingTable "missing-table" in missing_table: Table, always Deny;
            MissingExemptTable "missing-exempt-table" in missing_exempt_table: Nothing, usually Deny;
            UnregisteredTable "unregistered-table" in unregistered_table: Nothing, always Deny;
            RlsDisabled "rls-disabled" in rls_disabled: Table, always Deny;
            RlsNotForced "rls-not-forced" in rls_not_forced: Table, always Deny;
            MissingPolicy "missing-policy" in missing_policy: Table, always Deny;
            OpenPolicy "open-policy" in open_policy: Table, always Deny;
            UnprovenPolicy "unproven-policy" in unproven_policy: Table, always Deny;
            OutdatedPolicy "outdated-policy" in outdated_policy: Table, always Deny;
            PolicyWithoutCheck "policy-without-check" in policy_without_check: Table, always Deny;
            RecursivePolicy "recursive-policy" in recursive_policy: Table, always Deny;
            DeadPolicy "dead-policy" in dead_policy: Table, usually Warn;
            SingleLayer "single-layer" in single_layer: Table, usually Warn;
            AppendOnlyPrivilege "append-only-privilege" in append_only_privilege: Table, always Deny;
            MissingTrigger "missing-trigger" in missing_trigger: Table, always Deny;
            CascadeIntoAppendOnly "cascade-into-append-only" in cascade_into_append_only: Table, always Deny;
            UnprotectedChild "unprotected-child" in unprotected_child: Table, always Deny;
            UnprotectedParent "unprotected-parent" in unprotected_parent: Table, always Deny;
            DefinerView "definer-view" in definer_view: Table, always Deny;
            MaterializedView "materialized-view" in materialized_view: Table, always Deny;
            DefinerFunction "definer-function" in definer_function: Table, always Deny;
            RewriteRule "rewrite-rule" in rewrite_rule: Table, always Deny;
            AmbiguousParent "ambiguous-parent" in ambiguous_parent: Table, always Deny;
            UnreadableParent "unreadable-parent" in unreadable_parent: Table, usually Deny;
            CrossTenantReference "cross-tenant-reference" in cross_tenant_reference: Table, usually Warn;
            CrossTenantUnique "cross-tenant-unique" in cross_tenant_unique: Table, usually Allow;
            ForeignTenantRow "foreign-tenant-row" in foreign_tenant_row: Table, always Deny;
            PerRowCall "per-row-call" in per_row_call: Table, usually Warn;
            MissingTenantIndex "missing-tenant-index" in missing_tenant_index: Table, usually Warn;
            NullableTenantColumn "nullable-tenant-column" in nullable_tenant_column: Table, always Deny;
            MissingColumn "missing-column" in missing_column: Table, usually Deny;
            ExtraColumn "extra-column" in extra_column: Table, usually Deny;
            ColumnTypeMismatch "column-type-mismatch" in column_type_mismatch: Table, usually Warn;
            ProbeAllowed "probe-allowed" in probe_allowed: Table, always Deny;
            ProbeFailed "probe-failed" in probe_failed: Table, always Deny;
            ProbeUntried "probe-untried" in probe_untried: Table, always Deny;
        }
    };
}

/// What a database check is about, and so what an exception to it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSubject {
    /// A registered table.
    Table,
    /// A role of the application.
    Role,
    /// Nothing: the policy file itself decides it.
    Nothing,
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
