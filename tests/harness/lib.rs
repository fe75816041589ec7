//! The stage on which the two binaries are tried: network namespaces, a mirror port, real hosts, a broker, captures. It asks only
//! what a user could ask, through command lines, sockets and files; it knows nothing of the binaries' insides but their documents.

pub mod binary;
pub mod broker;
pub mod capture;
pub mod cleanup;
pub mod deadline;
pub mod enforcer;
pub mod firewall;
pub mod generate;
pub mod hosts;
pub mod ledger;
pub mod link;
pub mod measure;
pub mod mirror;
pub mod mqtt;
pub mod namespace;
pub mod packet;
pub mod planes;
pub mod plant;
pub mod process;
pub mod scrape;
pub mod scratch;
pub mod sensor;
pub mod story;
pub mod tally;
pub mod threat;
pub mod wire_sender;
