//! What the server let the roles of the application do, as the probe found.

/// An attempt that the server should have refused.
#[derive(Debug)]
pub struct Allowed {
    pub table: String,
    pub role: String,
    pub action: String,
    pub effect: Effect,
}

/// What an attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changing rows of an append-only table.
    Change,
    /// Reading rows of another tenant.
    Read,
}
