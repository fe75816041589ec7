//! The algebra against three others: every packet of a small universe, a BDD library, and the laws of sets.

#[cfg(test)]
mod bdd;
#[cfg(test)]
mod brute_force;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod witness;
