//! trailtab tells who did what in AWS accounts, how often, and what it cost.
mod aws;
mod core;
mod deliver;
mod demo;
mod job;
mod render;
mod source;

pub mod cli;
