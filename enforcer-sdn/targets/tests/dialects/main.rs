//! The dialects from outside: text and back, mutants, known mis-compilations, a real kernel. One binary, for it links once.

#[cfg(test)]
mod access_lists;
#[cfg(test)]
mod aerleon;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod device_zones;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod faucet;
#[cfg(test)]
mod fed;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod fit;
#[cfg(test)]
mod flowspec;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod fortios;
mod fortios_whole;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod hand_written;
#[cfg(test)]
mod junos_filter;
#[cfg(test)]
mod junos_srx;
#[cfg(test)]
mod junos_whole;
#[cfg(test)]
mod miscompiled;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod nft_frames;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod panos;
#[cfg(test)]
mod panos_whole;
#[cfg(test)]
mod pf;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod radius_dacl;
#[cfg(test)]
mod real_iptables;
#[cfg(test)]
mod real_nft;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod routeros;
#[cfg(test)]
mod routeros_whole;
#[cfg(test)]
mod rulesets;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod things;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod yang;
