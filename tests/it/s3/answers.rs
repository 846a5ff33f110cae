//! Wrong answers of S3 are detected, and the reasons of refusals are passed on.

use crate::support::bucket::{Bucket, assert_same, run_locally};
use crate::support::proxy::Fault;
use crate::support::trail::{File, call, log};

const ANN: &str = "111122223333";
const EAST: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/";

fn bucket(name: &'static str) -> (Bucket, File) {
    let file = log("AWSLogs/", ANN, "us-east-1", "2026/09/07", 1);
    let mut bucket = Bucket::new(name);
    bucket.put(&[
        file.clone(),
        log("AWSLogs/", ANN, "us-east-1", "2026/09/08", 2),
    ]);
    (bucket, file)
}

#[test]
fn an_object_of_another_size_than_listed_is_a_problem() {
    let (bucket, file) = bucket("other-size");
    let listed = file.bytes.len();
    let longer = [&file.bytes[..], b"xx"].concat();
    for (body, counted) in [(Vec::new(), 3), (longer, 6)] {
        let key = file.key.clone();
        let given = body.len();
        bucket
            .proxy
            .fail(1, Fault::Body(body), move |request| request.gets(&key));
        let run = bucket.run("", &[]);
        run.is_partial();
        assert_eq!(run.count("counted"), counted);
        let problems = run.problems();
        let expected = format!("S3 gave {given} bytes of an object that it lists with {listed}");
        let is_said = |(document, reason): &(&str, &str)| {
            *document == bucket.at(&file.key) && *reason == expected
        };
        assert!(problems.iter().any(is_said), "{problems:?}");
        assert_eq!(run.status(ANN, "us-east-1"), "partial");
    }
}

#[test]
fn a_server_without_ranges_is_read_all_the_same() {
    let padding = "x".repeat(16 << 10);
    let records = (0..2100).map(|number| {
        let record = call(number, ANN, "us-east-1", "2026-09-07T08:00:00Z");
        let (start, _) = record.rsplit_once('}').unwrap();
        format!(r#"{start},"requestParameters":{{"x":"{padding}"}}}}"#)
    });
    let json = format!(
        r#"{{"Records":[{}]}}"#,
        records.collect::<Vec<_>>().join(",")
    );
    let file = File {
        key: format!("{EAST}2026/09/07/large.json"),
        bytes: json.into_bytes(),
    };
    let mut bucket = Bucket::new("no-ranges");
    bucket.put(std::slice::from_ref(&file));
    bucket.proxy.fail(usize::MAX, Fault::NoRange, |request| {
        request.range.is_some()
    });
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!(run.count("counted"), 2100);
    assert_same(&run, &run_locally(&[file]));
}

/// A page of a listing that promises another one.
fn page(key: &str) -> Fault {
    let xml = format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated>\
         <NextContinuationToken>t</NextContinuationToken>\
         <Contents><Key>{key}</Key><Size>1</Size></Contents></ListBucketResult>"
    );
    Fault::Body(xml.into_bytes())
}

#[test]
fn a_listing_that_does_not_end_is_given_up() {
    let (bucket, file) = bucket("endless");
    // The same page again and again, of a region's folder and of an account's.
    for prefix in [EAST, "AWSLogs/111122223333/CloudTrail/"] {
        let page = page(&file.key);
        bucket
            .proxy
            .fail(10, page, move |request| request.lists(prefix));
        let run = bucket.run("", &[]);
        assert_ne!(run.code, 0);
        let said = format!("{}{}", run.errors, run.coverage());
        assert!(said.contains("the listing repeats itself"), "{said}");
        let asked = bucket.proxy.requests();
        let asked = asked.iter().filter(|request| request.lists(prefix)).count();
        assert!(asked < 8, "{asked}");
        bucket.proxy.forgive();
    }
}

#[test]
fn each_request_names_who_pays() {
    let (bucket, _) = bucket("payer");
    bucket.run("", &[]).is_complete();
    let paid = |from: usize| {
        let requests = bucket.proxy.requests();
        let payers = requests[from..].iter().map(|request| request.payer.clone());
        payers.collect::<Vec<_>>()
    };
    assert!(paid(0).iter().all(Option::is_none));
    let before = bucket.proxy.requests().len();
    bucket.run("", &["--requester-pays"]).is_complete();
    let paid = paid(before);
    assert!(!paid.is_empty());
    assert!(
        paid.iter()
            .all(|payer| payer.as_deref() == Some("requester")),
        "{paid:?}"
    );
}

/// The error for an empty prefix lists folders above it.
#[test]
fn the_listing_for_the_error_of_an_empty_prefix_is_requested_as_any_other() {
    let (bucket, _) = bucket("payer-empty");
    let run = bucket.run("AWSLog/", &["--requester-pays"]);
    run.failed_with(&["s3://payer-empty/ holds AWSLogs/", "did you mean"]);
    let requests = bucket.proxy.requests();
    let listings: Vec<_> = requests.iter().filter(|it| it.listed().is_some()).collect();
    assert!(listings.iter().any(|it| it.lists("")), "{listings:?}");
    for listing in listings {
        assert_eq!(listing.payer.as_deref(), Some("requester"), "{listing:?}");
        let encoding = listing.query.get("encoding-type").map(String::as_str);
        assert_eq!(encoding, Some("url"), "{listing:?}");
    }
}

#[test]
fn a_refused_listing_hints_at_both_causes() {
    let (bucket, _) = bucket("payer-refused");
    let denied = Fault::Refusal(403, "AccessDenied", "Access Denied");
    bucket
        .proxy
        .fail(usize::MAX, denied, |request| request.listed().is_some());
    let run = bucket.run("", &[]);
    run.failed_with(&["AccessDenied", "s3:ListBucket", "--requester-pays"]);
}

#[test]
fn the_message_that_names_a_key_of_kms_is_passed_on() {
    let (bucket, file) = bucket("kms");
    let text = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/1234abcd";
    let key = file.key.clone();
    let refusal = Fault::Refusal(403, "AccessDenied", text);
    bucket
        .proxy
        .fail(usize::MAX, refusal, move |request| request.gets(&key));
    let run = bucket.run("", &[]);
    run.is_partial();
    let [(_, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert!(reason.contains("key/1234abcd"), "{reason}");
}
