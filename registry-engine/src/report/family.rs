//! The macro that defines a family of codes.

/// Defines one family of codes.
macro_rules! codes {
    ($(#[$doc:meta])* $family:ident { $($variant:ident $name:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $family {
            $(
                #[doc = concat!("`", $name, "`: `cargo table-registry explain ", $name, "` says what it means.")]
                $variant,
            )*
        }

        impl $family {
            /// Every code of the family, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code in kebab-case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The code with this name. The name may have `_` in place of `-`, which no identifier in an attribute can
            /// contain.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                let kebab_case = name.replace('_', "-");
                Self::ALL.iter().copied().find(|code| code.as_str() == kebab_case)
            }
        }

        impl std::fmt::Display for $family {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(super) use codes;
