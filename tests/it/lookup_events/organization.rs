//! All accounts of an organisation, each by a role in it.

use serde_json::{Value, json};

use super::lab::{ANN, BOB, DAY, Lab, busy};
use crate::support::at;
use crate::support::aws::{Member, Region, World, events};

const ROLE: &str = "OrganizationAccountAccessRole";

/// The last two members have nothing to read, and no role.
const EMPTY: &str = "900000000025";
const CLOSED_TO_US: &str = "900000000026";

fn member(id: &str, state: &'static str) -> Member {
    Member {
        id: id.to_owned(),
        name: format!("account {id}"),
        state,
    }
}

fn ids() -> Vec<String> {
    (1..=26).map(|n| format!("9000000000{n:02}")).collect()
}

/// A management account with 26 active members, and some inactive ones.
fn organisation(world: World, now: i64, role: &str) -> World {
    let mut members = vec![member(ANN, "ACTIVE")];
    let mut world = world.region(ANN, "us-east-1", busy(ANN, "us-east-1", 20, now));
    for id in ids() {
        let count = if id == EMPTY { 0 } else { 15 };
        let events = events(&id, "us-east-1", count, now - 9 * DAY, now - 3600, 1);
        let region = Region::new().quota(1000.0, 1000.0).events(events);
        world = world.region(&id, "us-east-1", region);
        if id != CLOSED_TO_US {
            world = world.role(&id, role);
        }
        members.push(member(&id, "ACTIVE"));
    }
    for (id, state) in [
        ("800000000001", "SUSPENDED"),
        ("800000000002", "CLOSED"),
        ("800000000003", "PENDING_CLOSURE"),
    ] {
        world = world
            .region(id, "us-east-1", busy(id, "us-east-1", 10, now))
            .role(id, role);
        members.insert(5, member(id, state));
    }
    world.organization(ANN, members)
}

/// All accounts that can be read.
fn readable(ids: &[String]) -> Vec<(&str, &str)> {
    let others = ids.iter().map(String::as_str);
    let others = others.filter(|id| *id != CLOSED_TO_US);
    std::iter::once(ANN)
        .chain(others)
        .map(|id| (id, "us-east-1"))
        .collect()
}

fn result(lab: &Lab, account: &str) -> Value {
    let start = format!("account_activity_{account}_");
    let entries = std::fs::read_dir(lab.sandbox.path("results")).unwrap();
    let mut entries = entries.map(|entry| entry.unwrap());
    let entry = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(&start));
    let bytes = std::fs::read(entry.unwrap().path()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn every_active_account_is_read_by_its_role() {
    let lab = Lab::new(|world, now| organisation(world, now, ROLE));
    let ids = ids();
    let summary = lab.activity(&["--organization"], 3);
    lab.assert_true(&summary, &readable(&ids), "the organisation");
    let metadata = &summary["_metadata"];
    assert_eq!(metadata["account_id"], "multiple");
    assert_eq!(metadata["regions_enabled"], json!(["us-east-1"]));
    let failed = json!({ format!("{CLOSED_TO_US}:*"): "AccessDenied" });
    assert_eq!(metadata["regions_failed"], failed);
    let accounts = at(&summary, "trailtab/coverage/accounts");
    let closed = &accounts[CLOSED_TO_US];
    assert_eq!(closed["*"]["status"], "failed");
    assert_eq!(closed["*"]["code"], "AccessDenied");
    assert_eq!(closed.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(accounts.as_object().map(serde_json::Map::len), Some(27));
    let problems = at(&summary, "trailtab/coverage/problems");
    assert_eq!(problems.as_array().map(Vec::len), Some(1));
    let reason = problems[0]["reason"].as_str().unwrap();
    let role = format!("arn:aws:iam::{CLOSED_TO_US}:role/{ROLE}");
    assert!(reason.contains(&role), "{reason}");
    files_of_each(&lab, &ids);
    // Pages of 20; each role is assumed once to read, and possibly once more to list regions.
    let entries = lab.server.requests();
    let count = |action: &str| {
        entries
            .iter()
            .filter(|e| e.request.action == action)
            .count()
    };
    assert_eq!(count("organizations:ListAccounts"), 2);
    assert!((26..=52).contains(&count("sts:AssumeRole")));
    assert!(entries.iter().all(|e| !e.request.account.starts_with('8')));
}

/// One file for all, and one for each, also if there was nothing to read in it.
fn files_of_each(lab: &Lab, ids: &[String]) {
    let mut files: Vec<_> = ids.iter().map(String::as_str).collect();
    files.extend([ANN, "multiple"]);
    files.sort_unstable();
    let files = files
        .iter()
        .map(|id| format!("account_activity_{id}_TIME.json"));
    assert_eq!(lab.sandbox.files("results"), files.collect::<Vec<_>>());
    for id in [ANN, &ids[0], &ids[7]] {
        let own = result(lab, id);
        let calls = &own["trailtab"]["accounts"][id]["calls"];
        assert_eq!(calls, lab.truth(id, "us-east-1").len());
        assert_eq!(
            own["trailtab"]["accounts"]
                .as_object()
                .map(serde_json::Map::len),
            Some(1)
        );
        assert_eq!(own["_metadata"]["account_id"], *id);
        assert_eq!(own["_metadata"]["regions_failed"], json!({}));
    }
    let empty = result(lab, EMPTY);
    assert_eq!(empty["trailtab"]["accounts"], json!({}));
    let region = &at(&empty, "trailtab/coverage/accounts")[EMPTY]["us-east-1"];
    assert_eq!(region["status"], "complete");
    let closed = result(lab, CLOSED_TO_US);
    assert_eq!(closed["_metadata"]["account_id"], CLOSED_TO_US);
    let failed = json!({ "*": "AccessDenied" });
    assert_eq!(closed["_metadata"]["regions_failed"], failed);
}

#[test]
fn accounts_are_chosen_and_left_out() {
    let lab = Lab::new(|world, now| organisation(world, now, ROLE));
    let ids = ids();
    let mut of = readable(&ids);
    of.retain(|(id, _)| id.starts_with("90000000000") && !id.ends_with('3'));
    assert_eq!(of.len(), 8);
    let args = [
        "--organization",
        "--account",
        "90000000000?",
        "--account",
        "!*3",
    ];
    let summary = lab.activity(&args, 0);
    lab.assert_true(&summary, &of, "some accounts");
    let entries = lab.server.requests();
    let assumed = entries
        .iter()
        .filter(|entry| entry.request.action == "sts:AssumeRole");
    assert!((8..=16).contains(&assumed.count()));
    let args = ["--organization", "--account", "!900000000026"];
    let summary = lab.activity(&args, 0);
    lab.assert_true(&summary, &readable(&ids), "all but the one without a role");
}

#[test]
fn an_account_that_is_named_and_not_there_is_missed() {
    let lab = Lab::new(|world, now| organisation(world, now, ROLE));
    let known = "900000000001";
    let args = [
        "--organization",
        "--account",
        known,
        "--account",
        "999999999999",
    ];
    let summary = lab.activity(&args, 3);
    let failed = &summary["_metadata"]["regions_failed"];
    assert_eq!(failed, &json!({ "999999999999:*": "NotInOrganization" }));
    let ids = ids();
    let mut of = readable(&ids);
    of.retain(|(id, _)| *id == known);
    lab.assert_true(&summary, &of, "the account that is there");
    let ended = lab
        .run(&["--organization", "--account", "999999999999"])
        .expect(1);
    assert!(
        ended.err.contains("--account leaves out all active ones"),
        "{}",
        ended.err
    );
}

#[test]
fn roles_may_have_another_name() {
    let lab = Lab::new(|world, now| organisation(world, now, "security/audit"));
    let some = ["--organization", "--account", "90000000001?"];
    let args = [&some[..], &["--role-name", "security/audit"]].concat();
    let ids = ids();
    let mut of = readable(&ids);
    of.retain(|(id, _)| id.starts_with("90000000001"));
    let summary = lab.activity(&args, 0);
    lab.assert_true(&summary, &of, "by another role");
    // No account can be read with the default role.
    let ended = lab.run(&some).expect(1);
    assert!(ended.err.contains("AccessDenied"), "{}", ended.err);
    assert!(ended.err.contains(ROLE), "{}", ended.err);
}

#[test]
fn a_region_that_is_lost_is_named_with_its_account() {
    let lab = Lab::new(|world, now| organisation(world, now, ROLE));
    let policy = crate::support::aws::Fault::forbidden_by_policy();
    lab.server.fail(usize::MAX, policy, |request| {
        request.is_lookup() && request.account == "900000000002"
    });
    let args = ["--organization", "--account", "90000000000?"];
    let summary = lab.activity(&args, 3);
    let failed = json!({ "900000000002:us-east-1": "AccessDeniedException" });
    assert_eq!(summary["_metadata"]["regions_failed"], failed);
    let own = result(&lab, "900000000002");
    let failed = json!({ "us-east-1": "AccessDeniedException" });
    assert_eq!(own["_metadata"]["regions_failed"], failed);
    let ids = ids();
    let mut of = readable(&ids);
    of.retain(|(id, _)| id.starts_with("90000000000") && *id != "900000000002");
    lab.assert_true(&summary, &of, "the others");
}

#[test]
fn credentials_of_roles_are_renewed() {
    let lab = Lab::new(|world, now| {
        let members = vec![member(ANN, "ACTIVE"), member(BOB, "ACTIVE")];
        world
            .lifetime(3600.0, 2.0)
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 20, now))
            .region(BOB, "us-east-1", busy(BOB, "us-east-1", 450, now))
            .role(BOB, ROLE)
            .organization(ANN, members)
    });
    let summary = lab.activity(&["--organization"], 0);
    let all = [(ANN, "us-east-1"), (BOB, "us-east-1")];
    lab.assert_true(&summary, &all, "renewed");
}

#[test]
fn an_organization_needs_permission_to_list_accounts() {
    let lab = Lab::new(|world, now| organisation(world, now, ROLE));
    let ended = lab.run_as(lab.trailtab("900000000001"), &["--organization"]);
    let ended = ended.expect(1);
    for words in ["ListAccounts", "AccessDenied", "management account"] {
        assert!(ended.err.contains(words), "{words:?} in {}", ended.err);
    }
    assert_eq!(lab.sandbox.files("results"), [""; 0]);
    let lab = Lab::new(|world, _| world.account(ANN));
    let ended = lab.run(&["--organization"]).expect(1);
    let words = "leave --organization out to read this account alone";
    assert!(ended.err.contains(words), "{}", ended.err);
    let ended = lab.run(&["--account", "!1111*"]).expect(1);
    let words = "the credentials are those of 111122223333, which --account leaves out";
    assert!(ended.err.contains(words), "{}", ended.err);
    assert!(
        lab.run(&["--role-name", "x"])
            .expect(2)
            .err
            .contains("--organization")
    );
}
