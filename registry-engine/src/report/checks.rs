//! The codes of the database checks.

use super::family::codes;

/// Calls a macro with every database check: `Variant "code" in module: Subject;`, in the order in which `verify`
/// reports them. The command line has a file and a text for each, both named `module`.
#[macro_export]
macro_rules! for_each_check {
    ($macro:ident) => {
        $macro! {
            MissingAppRole "missing-app-role" in missing_app_role: Nothing;
            PrivilegedAppRole "privileged-app-role" in privileged_app_role: Role;
            AppRoleOwnsTable "app-role-owns-table" in app_role_owns_table: Role;
            DefaultPrivilege "default-privilege" in default_privilege: Role;
            MissingTable "missing-table" in missing_table: Table;
            MissingExemptTable "missing-exempt-table" in missing_exempt_table: Nothing;
            UnregisteredTable "unregistered-table" in unregistered_table: Nothing;
            RlsDisabled "rls-disabled" in rls_disabled: Table;
            RlsNotForced "rls-not-forced" in rls_not_forced: Table;
            MissingPolicy "missing-policy" in missing_policy: Table;
            OpenPolicy "open-policy" in open_policy: Table;
            OutdatedPolicy "outdated-policy" in outdated_policy: Table;
            PolicyWithoutCheck "policy-without-check" in policy_without_check: Table;
            AppendOnlyPrivilege "append-only-privilege" in append_only_privilege: Table;
            MissingTrigger "missing-trigger" in missing_trigger: Table;
            CascadeIntoAppendOnly "cascade-into-append-only" in cascade_into_append_only: Table;
            UnprotectedChild "unprotected-child" in unprotected_child: Table;
            UnprotectedParent "unprotected-parent" in unprotected_parent: Table;
            DefinerView "definer-view" in definer_view: Table;
            MaterializedView "materialized-view" in materialized_view: Table;
            DefinerFunction "definer-function" in definer_function: Table;
            RewriteRule "rewrite-rule" in rewrite_rule: Table;
            NullableTenantColumn "nullable-tenant-column" in nullable_tenant_column: Table;
            MissingColumn "missing-column" in missing_column: Table;
            ExtraColumn "extra-column" in extra_column: Table;
            ColumnTypeMismatch "column-type-mismatch" in column_type_mismatch: Table;
            ProbeAllowed "probe-allowed" in probe_allowed: Table;
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

macro_rules! define {
    ($($variant:ident $name:literal in $module:ident: $subject:ident;)*) => {
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
        }
    };
}

for_each_check!(define);
