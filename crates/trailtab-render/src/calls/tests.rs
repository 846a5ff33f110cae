//! Tests of the writers of calls.
