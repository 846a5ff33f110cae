//! What a scan would read, told without fetching anything.

use std::collections::BTreeMap;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use tokio::runtime::Builder;
use trailtab_app::source::interrupt::{self, Interrupt};
use trailtab_app::source::s3::{S3Error, S3Request, ScanSurvey, survey};
use trailtab_core::event::filter::{EventFilter, ScopeMatcher};
use trailtab_core::scope::Scope;
use trailtab_core::time::{self, TimeWindow};

use crate::support::bucket::Bucket;
use crate::support::proxy::Fault;
use crate::support::trail::{File, beside, log};

const ANN: &str = "111122223333";
const BOB: &str = "012345678901";
const ROOT: &str = "AWSLogs/";

/// The objects and bytes of places by their names.
type Sums = BTreeMap<(String, Option<(u16, u8, u8)>), (u64, u64)>;

/// Two accounts, two regions of one of them, and three days with one or two files each.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    for (account, region) in [(ANN, "eu-west-1"), (ANN, "us-east-1"), (BOB, "us-east-1")] {
        for (day, numbers) in [
            ("2026/09/05", 1..=1),
            ("2026/09/06", 2..=3),
            ("2026/09/08", 4..=4),
        ] {
            files.extend(numbers.map(|number| log(ROOT, account, region, day, number)));
        }
    }
    files
}

fn sums_of<'f>(files: impl Iterator<Item = &'f File>) -> Sums {
    let mut sums = Sums::new();
    for file in files {
        let scope = Scope::of_log_file(&file.key).unwrap().to_string();
        let parts: Vec<&str> = file.key.split('/').collect();
        let number = |part: &str| part.parse::<u16>().unwrap();
        let [.., year, month, day, _] = parts[..] else {
            panic!("{}", file.key);
        };
        let day = (number(year), number(month) as u8, number(day) as u8);
        let sum = sums.entry((scope, Some(day))).or_default();
        *sum = (sum.0 + 1, sum.1 + file.bytes.len() as u64);
    }
    sums
}

fn sums(survey: &ScanSurvey) -> Sums {
    let places = survey.places.iter().map(|(place, objects)| {
        let scope = place
            .scope
            .as_ref()
            .map_or("none".to_owned(), Scope::to_string);
        ((scope, place.day), (objects.objects, objects.bytes))
    });
    places.collect()
}

fn surveyed(
    bucket: &Bucket,
    window: TimeWindow,
    interrupt: &Interrupt,
) -> Result<ScanSurvey, S3Error> {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let scopes = ScopeMatcher::new(&EventFilter::default());
    let asked = S3Request {
        window,
        scopes: &scopes,
        digests: false,
        network_activity: false,
        late_days: 0,
        requester_pays: false,
        now: time::parse(b"2026-09-09T00:00:00Z").unwrap(),
        interrupt,
    };
    runtime.block_on(async {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://127.0.0.1:{}", bucket.proxy.port))
            .region("us-east-1")
            .credentials_provider(Credentials::new(ANN, "test", None, None, "test"))
            .load()
            .await;
        survey(&config, bucket.name, "", asked).await
    })
}

fn all(bucket: &Bucket) -> ScanSurvey {
    surveyed(bucket, TimeWindow::default(), &Interrupt::never()).unwrap()
}

fn bucket(name: &'static str) -> Bucket {
    let mut bucket = Bucket::new(name);
    bucket.put(&files());
    bucket.put(&beside(ROOT, ANN, "us-east-1"));
    bucket
}

#[test]
fn objects_are_counted_by_account_region_and_day() {
    let bucket = bucket("survey-all");
    let survey = all(&bucket);
    let files = files();
    assert_eq!(sums(&survey), sums_of(files.iter()));
    assert_eq!(survey.places.len(), 9);
    assert!(survey.coverage.is_complete() && survey.plan.is_complete);
    assert_eq!(survey.coverage.asked.len(), 3);
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let plan = survey.plan;
    assert_eq!(
        (plan.objects, plan.bytes),
        (files.len() as u64, bytes as u64)
    );
    assert_eq!(plan.get_requests, files.len() as u64);
    assert_eq!(
        plan.list_requests,
        bucket
            .proxy
            .requests()
            .iter()
            .filter(|r| r.listed().is_some())
            .count() as u64
    );
    assert_eq!(bucket.fetched(), Vec::<String>::new());
}

#[test]
fn a_window_narrows_the_survey() {
    let bucket = bucket("survey-window");
    let window = TimeWindow {
        since: time::parse(b"2026-09-06T00:00:00Z"),
        until: time::parse(b"2026-09-07T00:00:00Z"),
    };
    let survey = surveyed(&bucket, window, &Interrupt::never()).unwrap();
    let files = files();
    let sixth = files
        .iter()
        .filter(|file| file.key.contains("/2026/09/06/"));
    assert_eq!(sums(&survey), sums_of(sixth));
}

#[test]
fn the_fingerprint_changes_with_the_objects() {
    let mut bucket = bucket("survey-changes");
    let before = all(&bucket);
    assert_eq!(before.places, all(&bucket).places);
    let mut file = log(ROOT, ANN, "us-east-1", "2026/09/05", 1);
    let last = file.bytes.len() - 1;
    // The size stays.
    file.bytes[last] ^= 1;
    bucket.put(&[file]);
    let after = all(&bucket);
    assert_eq!(sums(&before), sums(&after));
    let places = before.places.iter().zip(&after.places);
    let changed: Vec<_> = places
        .filter(|(a, b)| a != b)
        .map(|((place, _), _)| place)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].day, Some((2026, 9, 5)));
}

#[test]
fn a_region_that_cannot_be_listed_is_in_the_coverage() {
    let bucket = bucket("survey-denied");
    let region = "AWSLogs/111122223333/CloudTrail/eu-west-1/";
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), move |it| {
            it.lists(region)
        });
    let survey = all(&bucket);
    let files = files();
    let listed = files.iter().filter(|file| !file.key.contains("eu-west-1"));
    assert_eq!(sums(&survey), sums_of(listed));
    assert!(!survey.plan.is_complete);
    let problems = &survey.coverage.problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].reason.contains("AccessDenied"), "{problems:?}");
}

#[test]
fn a_survey_that_is_interrupted_or_empty_says_so() {
    let (requester, interrupt) = interrupt::channel();
    requester.request();
    let survey = surveyed(&bucket("survey-stop"), TimeWindow::default(), &interrupt).unwrap();
    assert!(survey.places.is_empty() && !survey.plan.is_complete);
    assert_eq!(survey.coverage.problems.len(), 1);
    let empty = Bucket::new("survey-empty");
    let error = surveyed(&empty, TimeWindow::default(), &Interrupt::never());
    assert!(matches!(error, Err(S3Error::Empty { .. })), "{error:?}");
}
