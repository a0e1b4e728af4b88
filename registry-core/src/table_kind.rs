use core::fmt;
use core::str::FromStr;

macro_rules! kinds {
    ($(#[$meta:meta])* { $($(#[$kind_meta:meta])* $kind:ident $name:literal;)* }) => {
        $(#[$meta])*
        pub enum TableKind {
            $($(#[$kind_meta])* $kind,)*
        }

        impl TableKind {
            /// Every kind, in order.
            ///
            /// ```
            /// # use table_registry_core as table_registry;
            /// use table_registry::TableKind;
            ///
            /// assert_eq!(TableKind::ALL.len(), 6);
            /// assert!(TableKind::ALL.is_sorted());
            /// ```
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// The name that `#[table(kind = …)]` and the policy files use.
            ///
            /// ```
            /// # use table_registry_core as table_registry;
            /// assert_eq!(table_registry::TableKind::Truth.as_str(), "truth");
            /// ```
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// What a table holds, and therefore which policies apply to it.
    ///
    /// The kind decides [row-level security](TableKind::row_level_security).
    /// Which tables are append-only is a separate list (`revoke.toml`).
    ///
    /// Kinds are ordered as they are declared here, which is also the order of [`TableKind::ALL`].
    ///
    /// ```
    /// # use table_registry_core as table_registry;
    /// use table_registry::TableKind;
    ///
    /// let kind: TableKind = "evidence".parse()?;
    /// assert_eq!(kind, TableKind::Evidence);
    /// assert_eq!(kind.to_string(), "evidence");
    /// # Ok::<(), table_registry::UnknownKind>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
    {
        /// Domain records: invoices, contacts, stock items. The default.
        #[default]
        Truth "truth";
        /// Workflow state and outboxes: rows that drive work.
        Control "control";
        /// Read models, derived from other tables and rebuilt at will.
        Projection "projection";
        /// Audit records: what happened, and who did it.
        Evidence "evidence";
        /// Joins between other tables.
        Link "link";
        /// Users, roles and other tables that belong to no tenant.
        System "system";
    }
}

impl TableKind {
    /// Whether tables of this kind are tenant-scoped, and so get row-level
    /// security: every kind but `system`.
    ///
    /// See the PostgreSQL manual, [Row Security
    /// Policies](https://www.postgresql.org/docs/current/ddl-rowsecurity.html).
    ///
    /// ```
    /// # use table_registry_core as table_registry;
    /// use table_registry::TableKind;
    ///
    /// assert!(TableKind::Truth.row_level_security());
    /// assert!(!TableKind::System.row_level_security());
    /// ```
    #[must_use]
    pub const fn row_level_security(self) -> bool {
        !matches!(self, Self::System)
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TableKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(UnknownKind)
    }
}

/// The text is not the name of a [`TableKind`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::TableKind;
///
/// let error = "Truth".parse::<TableKind>().unwrap_err();
/// assert!(error.to_string().starts_with("unknown table kind, expected one of `truth`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown table kind, expected one of ")?;
        for (position, kind) in TableKind::ALL.into_iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}`{kind}`")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownKind {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in TableKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }

    #[test]
    fn all_is_in_order() {
        assert!(TableKind::ALL.is_sorted());
        assert!(TableKind::Truth < TableKind::System);
    }

    #[test]
    fn display_pads() {
        assert_eq!(format!("{:>8}|", TableKind::Link), "    link|");
    }

    #[test]
    fn the_error_lists_every_kind() {
        let text = UnknownKind.to_string();
        for kind in TableKind::ALL {
            assert!(text.contains(kind.as_str()), "{text}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_uses_the_same_names() {
        for kind in TableKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<TableKind>(&json).unwrap(), kind);
        }
    }
}
