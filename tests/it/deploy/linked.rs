//! What the functions' program calls of AWS, by the symbols of what is linked into it: a table holds it, by which the
//! roles are judged.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::permissions::{CALLS, SIGNED};
use super::root;
use crate::support::lambda;

/// The modules that sign and send what others ask for.
const SENDERS: [&str; 3] = ["direct", "json", "query"];

/// The names of all that is linked into the functions' program: what their code can reach.
fn symbols() -> String {
    let symbols = Command::new("nm").arg("-C").arg(lambda()).output().unwrap();
    assert!(symbols.status.success(), "{symbols:?}");
    String::from_utf8_lossy(&symbols.stdout).into_owned()
}

/// The operations of SDK clients that are linked.
fn linked() -> BTreeSet<String> {
    // aws_sdk_s3::operation::get_object::GetObject::orchestrate
    let operation = |line: &str| {
        let path = line.split("aws_sdk_").nth(1)?;
        let (service, path) = path.split_once("::operation::")?;
        let mut path = path.split("::").skip(1);
        let operation = path.next()?;
        let is_call = path.next()? == "orchestrate";
        is_call.then(|| format!("{service}::{operation}"))
    };
    symbols().lines().filter_map(operation).collect()
}

/// The linked modules that sign requests themselves.
fn signing() -> BTreeSet<String> {
    let (symbols, folder) = (symbols(), root().join("crates/trailtab-app/src/aws"));
    let modules = fs::read_dir(folder).unwrap().filter_map(|file| {
        let path = file.unwrap().path();
        // What lies in a folder belongs to the module of the same name.
        let code = path.is_file().then(|| fs::read_to_string(&path).unwrap())?;
        let signs = ["use super::json", "use super::query", "use super::signed"];
        let is_signing = signs.iter().any(|use_of| code.contains(use_of));
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (is_signing && !SENDERS.contains(&name.as_str())).then_some(name)
    });
    let modules: BTreeSet<_> = modules.collect();
    assert!(modules.contains("ec2"), "{modules:?}");
    let is_linked = |name: &String| symbols.contains(&format!("trailtab_app::aws::{name}::"));
    modules.into_iter().filter(is_linked).collect()
}

/// A new operation in the code needs an entry in the table, and thereby an action in the role.
#[test]
fn the_functions_call_what_the_table_says() {
    let table = CALLS.iter().map(|(operation, ..)| (*operation).to_owned());
    assert_eq!(linked(), table.collect());
    let signed = SIGNED.iter().map(|(module, ..)| (*module).to_owned());
    assert_eq!(signing(), signed.collect());
}
