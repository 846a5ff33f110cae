//! S3, as an emulator and a proxy in front of it play it: every layout, and all that goes wrong.

mod answers;
mod deliveries;
mod faults;
mod large;
mod layouts;
mod narrow;
