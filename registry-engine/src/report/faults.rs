//! The codes of the faults that the pipeline finds.

use super::family::codes;

/// Calls a macro with every fault: `Variant "code";`, sorted by code. The command line has a text for each of them.
#[macro_export]
macro_rules! for_each_fault {
    ($macro:ident) => {
        $macro! {
            AbsolutePath "absolute-path";
            AllowWithoutReason "allow-without-reason";
            CircularParents "circular-parents";
            ConflictMarker "conflict-marker";
            ConflictingNames "conflicting-names";
            ConflictingTenancy "conflicting-tenancy";
            CopiedAttribute "copied-attribute";
            DirectoryNotFound "directory-not-found";
            DottedName "dotted-name";
            DuplicateTable "duplicate-table";
            EmptyName "empty-name";
            ExemptOverride "exempt-override";
            ExemptRevoke "exempt-revoke";
            ExemptTableDeclared "exempt-table-declared";
            ExemptWithoutReason "exempt-without-reason";
            InvalidArgument "invalid-argument";
            InvalidToml "invalid-toml";
            InvalidValue "invalid-value";
            KeyCollision "key-collision";
            MissingValue "missing-value";
            NameTaken "name-taken";
            NameTooLong "name-too-long";
            NeedlessPolicy "needless-policy";
            NoTables "no-tables";
            NotADirectory "not-a-directory";
            NotAStruct "not-a-struct";
            NotCompiled "not-compiled";
            NotInCrateRoot "not-in-crate-root";
            NotUtf8 "not-utf8";
            NulInName "nul-in-name";
            OutsideDirectories "outside-directories";
            ParentWithoutTenant "parent-without-tenant";
            PolicyFileNotFound "policy-file-not-found";
            PolicyWithoutReason "policy-without-reason";
            RepeatedAllow "repeated-allow";
            RepeatedKey "repeated-key";
            RepeatedPolicy "repeated-policy";
            RepeatedRevoke "repeated-revoke";
            RepeatedTableAttribute "repeated-table-attribute";
            SharedRowsWithoutColumn "shared-rows-without-column";
            StaleLock "stale-lock";
            StaleMatrix "stale-matrix";
            StaleModFile "stale-mod-file";
            SystemRevoke "system-revoke";
            SystemTenant "system-tenant";
            UnknownAllow "unknown-allow";
            UnknownCheck "unknown-check";
            UnknownColumn "unknown-column";
            UnknownKey "unknown-key";
            UnknownKind "unknown-kind";
            UnknownLevel "unknown-level";
            UnknownLint "unknown-lint";
            UnknownLocation "unknown-location";
            UnknownOverride "unknown-override";
            UnknownParent "unknown-parent";
            UnknownRevoke "unknown-revoke";
            UnknownTable "unknown-table";
            UnreadableDirectory "unreadable-directory";
            UnreadableFile "unreadable-file";
            UnreadableStruct "unreadable-struct";
            UnsetVariable "unset-variable";
            WrongType "wrong-type";
        }
    };
}

macro_rules! define {
    ($($variant:ident $name:literal;)*) => {
        codes! {
            /// A fault of sources or policy files, which no level and no exception can turn off.
            Fault { $($variant $name;)* }
        }
    };
}

for_each_fault!(define);
