//! Whole-platform tests.
