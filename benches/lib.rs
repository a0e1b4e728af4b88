//! Nothing: see `discovery.rs`, and `README.md` for how to run it.
