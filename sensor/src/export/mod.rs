//! Sinks: what the sensor knows, in the forms that others read. One file a form.

mod bytes;
pub mod community_id;
pub mod conn_log;
pub mod document;
pub mod line;
pub mod metrics;
pub mod mqtt;
pub mod outbox;
pub mod staged;
pub mod stats;
pub mod topics;
