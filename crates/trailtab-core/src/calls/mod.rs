//! The calls themselves: one record as a person or a program wants to read it, repeated calls folded into
//! lines, and the chain of credentials behind a session.

mod chain;
mod column;
mod detail;
mod folding;
mod report;

pub use chain::{
    CredentialForest, CredentialLink, CredentialLog, CredentialNode, CredentialOrigin,
    IssuanceKind, LinkEvidence,
};
pub use column::{CallColumn, UnknownColumn};
pub use detail::{CallDetail, CallOutcomeName, CallResource};
pub use folding::{CallFolder, FoldedCall};
pub use report::CallsProvenance;
