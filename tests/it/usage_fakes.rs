//! Tests of the fakes of Lambda and CloudWatch that the tests of the function `usage` run against.

mod calls;
mod cloudwatch;
mod emf;
mod runtime_api;
