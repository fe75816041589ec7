//! The dialects from outside: text and back, mutants, known mis-compilations, a real kernel. One binary, for it links once.

#[cfg(test)]
mod access_lists;
#[cfg(test)]
mod aerleon;
mod documents;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod miscompiled;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod real_nft;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod rulesets;
#[cfg(test)]
mod yang;
