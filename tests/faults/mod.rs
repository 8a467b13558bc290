//! The fault matrix: the whole road from an intent to the server's ledger, with the network and the server failing
//! on the way. The ledger is the judge: of all that was acknowledged to the person nothing is lost, nothing doubled.

mod answers;
mod outages;
mod refusals;
pub(crate) mod site;
