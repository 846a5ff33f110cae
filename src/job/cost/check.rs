//! Whether settings are good, before anything is sent.
