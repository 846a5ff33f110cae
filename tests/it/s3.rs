//! S3, by an emulator and a proxy in front of it: every layout, and faults.

mod answers;
mod deliveries;
mod faults;
mod large;
mod layouts;
mod narrow;
mod survey;
