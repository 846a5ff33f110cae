//! Tests of resources and their keys.
