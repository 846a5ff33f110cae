//! A fake that never refuses proves nothing: what plays Lambda and CloudWatch for the function
//! `usage` is itself looked at here.

mod calls;
mod cloudwatch;
mod emf;
mod runtime_api;
