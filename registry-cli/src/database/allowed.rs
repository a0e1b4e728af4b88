//! What the server allowed the roles of the application to do, as found by the probe.

/// An attempt that the server should have refused.
#[derive(Debug)]
pub struct Allowed {
    pub table: String,
    pub role: String,
    pub action: String,
    pub effect: Effect,
}

/// What an attempt would achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changing rows of an append-only table.
    Change,
    /// Reading rows of another tenant.
    Read,
}
