//! Cost: answers → reports → files and mails.

pub(crate) mod history;
pub(crate) mod send;
