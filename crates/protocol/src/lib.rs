//! The contract between the parties: every signed message, the warrant, the leaf, the problem registry. Pure.

pub mod problem;
