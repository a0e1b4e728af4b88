//! The codes of the lints, with what the policy file can set.
//!
//! The rules themselves are in the command line, because they look at columns, which the macros never read. Their names
//! are here, because a typo in a policy file is a compiler error.

use super::family::codes;
use super::level::Level;

/// Calls a macro with every lint: `Variant "code" in module: Level, option;`, sorted by code. The command line
/// has a file and a text for each, both named `module`.
#[macro_export]
macro_rules! for_each_lint {
    ($macro:ident) => {
        $macro! {
            ColumnNotSnakeCase "column-not-snake-case" in column_not_snake_case: Warn;
            FloatMoney "float-money" in float_money: Deny, words = [
                "amount", "amt", "balance", "charge", "cost", "credit", "debit", "discount", "due", "fee", "fees",
                "paid", "payment", "price", "revenue", "salary", "subtotal", "tax", "total", "wage",
            ];
            MissingRequiredColumn "missing-required-column" in missing_required_column: Warn,
                columns = ["id", "created_at"];
            MissingRevoke "missing-revoke" in missing_revoke: Warn;
            MissingTenantColumn "missing-tenant-column" in missing_tenant_column: Deny;
            MissingUpdatedAt "missing-updated-at" in missing_updated_at: Warn, column = "updated_at";
            NeverSharedRows "never-shared-rows" in never_shared_rows: Warn;
            RedundantOverride "redundant-override" in redundant_override: Warn;
            ReservedWord "reserved-word" in reserved_word: Warn;
            TableInSeveralCrates "table-in-several-crates" in table_in_several_crates: Deny;
            TableNotPluralSnakeCase "table-not-plural-snake-case" in table_not_plural_snake_case: Warn;
            UnknownReference "unknown-reference" in unknown_reference: Allow;
            UnusedAllow "unused-allow" in unused_allow: Warn;
        }
    };
}

/// A setting of one lint, besides its level.
#[derive(Debug)]
pub struct LintOption {
    /// Its key in the policy file.
    pub key: &'static str,
    /// Whether it is a list of strings, and not one string.
    pub is_list: bool,
    /// Its value, unless the policy file sets another one.
    pub default: &'static [&'static str],
}

macro_rules! option {
    () => {
        None
    };
    ($key:ident = [$($default:literal),* $(,)?]) => {
        Some(&LintOption { key: stringify!($key), is_list: true, default: &[$($default),*] })
    };
    ($key:ident = $default:literal) => {
        Some(&LintOption { key: stringify!($key), is_list: false, default: &[$default] })
    };
}

macro_rules! define {
    ($($variant:ident $name:literal in $module:ident: $level:ident $(, $key:ident = $default:tt)?;)*) => {
        codes! {
            /// A rule about the schema, which `cargo table-registry lint` checks.
            Lint { $($variant $name;)* }
        }

        impl Lint {
            /// Its level, unless the policy file sets another one.
            #[must_use]
            pub const fn default_level(self) -> Level {
                match self {
                    $(Self::$variant => Level::$level,)*
                }
            }

            /// What can be set besides the level.
            #[must_use]
            pub const fn option(self) -> Option<&'static LintOption> {
                match self {
                    $(Self::$variant => option!($($key = $default)?),)*
                }
            }
        }
    };
}

for_each_lint!(define);
