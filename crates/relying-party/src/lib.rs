//! relying-party
