//! The AWS that tests run against behaves as AWS does.

mod raw;
