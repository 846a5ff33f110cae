//! A function with an invalid setting does not start, and names the setting.

use super::lab::{Lab, refuses};
use crate::support::calls::call;

#[test]
fn bad_settings_are_named() {
    for (name, value, words) in [
        ("TRAILTAB_USAGE_TOP", "0", "100000"),
        ("TRAILTAB_USAGE_TOP", "100001", "100000"),
        ("TRAILTAB_USAGE_TOP", "-1", "100000"),
        ("TRAILTAB_USAGE_TOP", "many", "100000"),
        ("TRAILTAB_USAGE_METRICS", "errors,latency", "throttles"),
        ("TRAILTAB_USAGE_METRICS", "errors;access", "throttles"),
        ("TRAILTAB_USAGE_OUTPUT", "stdout", "emf"),
        ("TRAILTAB_USAGE_NAMESPACE", "AWS/Usage", "AWS/"),
        ("TRAILTAB_USAGE_NAMESPACE", "Größe", "letters"),
        ("TRAILTAB_USAGE_NAMESPACE", ":x", "letters"),
        ("TRAILTAB_LEDGER", "some-bucket", "s3://"),
        ("TRAILTAB_LEDGER", "s3://", "s3://"),
        ("TRAILTAB_LEDGER", "some/directory", "s3://"),
        ("_HANDLER", "usages", "usage"),
    ] {
        let end = refuses(&[(name, value)]);
        assert!(end.log.contains(name), "{name}={value}: {end:?}");
        assert!(end.log.contains(words), "{name}={value}: {end:?}");
        assert!(!end.log.contains("panicked"), "{end:?}");
        assert_ne!(end.code, Some(0), "{name}={value}");
        if !end.error.is_null() {
            assert!(end.error.to_string().contains(name), "{end:?}");
        }
    }
}

#[test]
fn lists_of_metrics_that_exceed_the_memory_are_refused() {
    let end = refuses(&[
        ("TRAILTAB_USAGE_TOP", "100000"),
        ("TRAILTAB_USAGE_METRICS", "errors,access,principals"),
    ]);
    assert!(end.log.contains("in 128 MB of memory"), "{end:?}");
}

#[test]
fn empty_settings_are_as_good_as_none() {
    let mut lab = Lab::new(&[
        ("TRAILTAB_USAGE_TOP", ""),
        ("TRAILTAB_USAGE_METRICS", ""),
        ("TRAILTAB_USAGE_OUTPUT", ""),
        ("TRAILTAB_USAGE_NAMESPACE", ""),
        ("TRAILTAB_LEDGER", ""),
    ]);
    lab.deliver(&[call()]);
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn the_limits_of_settings_are_good() {
    for (name, value) in [
        ("TRAILTAB_USAGE_TOP", "1"),
        ("TRAILTAB_USAGE_TOP", "100000"),
        ("TRAILTAB_USAGE_OUTPUT", "cloudwatch"),
        ("TRAILTAB_USAGE_METRICS", "principals,principals"),
    ] {
        let mut lab = Lab::new(&[(name, value)]);
        lab.deliver(&[call()]);
        assert_eq!(lab.requests().len(), 1, "{name}={value}");
    }
}
