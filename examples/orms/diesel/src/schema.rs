//! The tables as `diesel print-schema` writes them.

diesel::table! {
    /// Who did what.
    audit_logs (id) {
        /// The key.
        id -> BigInt,
        /// The tenant.
        org_id -> BigInt,
        /// What was done.
        action -> Text,
    }
}

diesel::table! {
    /// Who can log in.
    users (id) {
        /// The key.
        id -> BigInt,
        /// The address.
        email -> Text,
    }
}
