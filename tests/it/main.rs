//! The program as its users run it, and what its documents say of it.
