//! Drives the two binaries as a user would.
