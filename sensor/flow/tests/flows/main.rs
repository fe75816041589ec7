//! What the flow table promises, from the outside: records, states, limits, and the same answer for any split of the packets.

mod feeding;
mod fragments;
mod full;
mod model;
mod table;
mod tcp_states;
mod timeouts;
mod unseen;
mod vlans;
