//! Tests of which events each filter admits.

use super::pattern::OriginPattern;
use super::*;
use crate::event::identity::ResolvedActor;
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;

fn record() -> EventRecord<'static> {
    EventRecord {
        event_source: Some(JsonText::plain(b"ec2.amazonaws.com")),
        event_name: Some(JsonText::plain(b"RunInstances")),
        aws_region: Some(JsonText::plain(b"eu-west-1")),
        source_ip_address: Some(JsonText::plain(b"2001:db8::7")),
        user_agent: Some(JsonText::plain(b"APN/1.0 HashiCorp/1.0 Terraform/1.7.5")),
        read_only: Some(false),
        ..EventRecord::default()
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "filters are written where they are used"
)]
fn admits(filter: EventFilter) -> bool {
    EventMatcher::new(&filter).admits(&record(), CallOutcome::Succeeded, "111122223333")
}

fn patterns(patterns: &[&str]) -> FilterValues {
    FilterValues::new(patterns)
}

#[test]
fn values_are_alternatives_and_filters_combine() {
    let names = patterns(&["Describe*", "run*"]);
    assert!(admits(EventFilter {
        names: names.clone(),
        ..EventFilter::default()
    }));
    let regions = patterns(&["us-*"]);
    assert!(!admits(EventFilter {
        names,
        regions,
        ..EventFilter::default()
    }));
}

#[test]
fn exceptions_begin_with_an_exclamation_mark() {
    let names = |names: &[&str]| {
        let names = patterns(names);
        admits(EventFilter {
            names,
            ..EventFilter::default()
        })
    };
    assert!(!names(&["!Run*"]) && names(&["!Terminate*"]));
    assert!(!names(&["Run*", "!RunInstances"]) && names(&["Run*", "!RunTask"]));
    // An event without an error matches no code, and is admitted by exceptions only.
    let codes = |code| EventFilter {
        error_codes: patterns(&[code]),
        ..EventFilter::default()
    };
    assert!(admits(codes("!AccessDenied")) && !admits(codes("AccessDenied")));
}

#[test]
fn our_own_calls_are_known_by_the_name_of_the_application() {
    let filter = EventFilter {
        without_self: true,
        ..EventFilter::default()
    };
    for (agent, own) in [
        (
            "aws-sdk-rust/1.3 os/linux lang/rust/1.95 app/trailtab",
            true,
        ),
        ("[aws-sdk-rust/1.3 app/trailtab]", true),
        ("aws-sdk-rust/1.3 app/trailtables", false),
        ("aws-cli/2", false),
    ] {
        let record = EventRecord {
            user_agent: Some(JsonText::plain(agent.as_bytes())),
            ..record()
        };
        assert_eq!(
            EventMatcher::new(&filter).admits(&record, CallOutcome::Succeeded, ""),
            !own,
            "{agent}"
        );
    }
}

#[test]
fn services_match_by_their_short_name() {
    assert!(admits(EventFilter {
        sources: patterns(&["ec2"]),
        ..EventFilter::default()
    }));
    assert!(admits(EventFilter {
        sources: patterns(&["ec2.amazonaws.com"]),
        ..EventFilter::default()
    }));
    assert!(!admits(EventFilter {
        sources: patterns(&["ec"]),
        ..EventFilter::default()
    }));
}

#[test]
fn addresses_match_by_network_and_names_by_pattern() {
    let origins = |text| EventFilter {
        origins: patterns(&[text]),
        ..EventFilter::default()
    };
    assert!(admits(origins("2001:db8::/32")) && admits(origins("2001:db8:0:0::7")));
    assert!(!admits(origins("10.0.0.0/8")) && !admits(origins("*.amazonaws.com")));
    assert!(OriginPattern::new("AWS Internal").matches("AWS Internal"));
    let network = OriginPattern::new("203.0.113.0/24");
    for text in [
        "203.0.113.7",
        "198.51.100.1, 203.0.113.7",
        "198.51.100.1,203.0.113.7",
        "203.0.113.7:443",
        "::ffff:203.0.113.7",
        "[::ffff:203.0.113.7]:443",
    ] {
        assert!(network.matches(text), "{text}");
    }
    for text in [
        "198.51.100.1",
        "203.0.113.700",
        "203.0.113",
        "",
        "AWS Internal",
    ] {
        assert!(!network.matches(text), "{text}");
    }
    assert!(OriginPattern::new("2001:db8::/32").matches("[2001:db8::7]:443"));
}

#[test]
fn names_match_without_the_date_of_their_version() {
    for (name, short) in [
        ("CreateFunction20150331", "CreateFunction"),
        ("GetFunction20150331v2", "GetFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("GetObject", "GetObject"),
        ("ListObjectsV2", "ListObjectsV2"),
        ("Get12345678", "Get12345678"),
        ("20150331", "20150331"),
        ("v2", "v2"),
        ("", ""),
    ] {
        assert_eq!(without_version(name), short);
    }
    let filter = |name: &str| EventFilter {
        names: patterns(&[name]),
        ..EventFilter::default()
    };
    let record = EventRecord {
        event_name: Some(JsonText::plain(b"GetFunction20150331v2")),
        ..record()
    };
    let admits =
        |name| EventMatcher::new(&filter(name)).admits(&record, CallOutcome::Succeeded, "");
    for name in [
        "getfunction",
        "GetFunction20150331v2",
        "GetFunction*",
        "!Get",
    ] {
        assert!(admits(name), "{name}");
    }
    assert!(!admits("!GetFunction") && !admits("GetFunction20150331"));
}

#[test]
fn only_refused_calls_pass_if_they_are_asked_for() {
    let filter = EventFilter {
        only_denied: true,
        ..EventFilter::default()
    };
    assert!(!admits(filter.clone()));
    let code = |code: &'static [u8]| CallOutcome::Failed(Some(JsonText::plain(code)));
    assert!(EventMatcher::new(&filter).admits(
        &record(),
        code(b"Client.UnauthorizedOperation"),
        ""
    ));
    assert!(!EventMatcher::new(&filter).admits(&record(), code(b"ThrottlingException"), ""));
}

#[test]
fn user_agents_match_by_a_part() {
    let agents = |text| EventFilter {
        user_agents: patterns(&[text]),
        ..EventFilter::default()
    };
    assert!(admits(agents("terraform")) && !admits(agents("terraform*")));
}

#[test]
fn outcome_and_access() {
    let failed = EventFilter {
        activity_type: ActivityType::Failed,
        ..EventFilter::default()
    };
    assert!(!admits(failed.clone()));
    assert!(EventMatcher::new(&failed).admits(&record(), CallOutcome::Failed(None), ""));
    assert!(admits(EventFilter {
        access: Some(AccessKind::WriteOnly),
        ..EventFilter::default()
    }));
    assert!(!admits(EventFilter {
        access: Some(AccessKind::ReadOnly),
        ..EventFilter::default()
    }));
}

#[test]
fn services_are_left_out_and_their_users_are_not() {
    let filter = EventFilter {
        without_aws_services: true,
        ..EventFilter::default()
    };
    let service = br#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
    assert!(
        !EventMatcher::new(&filter)
            .actor_refusals(&ResolvedActor::resolve(service), service)
            .is_empty()
    );
    let forwarded = br#"{"type":"IAMUser","accountId":"1","userName":"a","accessKeyId":"ASIAEXAMPLE","invokedBy":"cloudformation.amazonaws.com"}"#;
    assert!(
        !EventMatcher::new(&filter)
            .actor_refusals(&ResolvedActor::resolve(forwarded), forwarded)
            .is_empty()
    );
    let user = br#"{"type":"IAMUser","accountId":"1","userName":"a","accessKeyId":"AKIAEXAMPLE","invokedBy":"cloudformation.amazonaws.com"}"#;
    assert!(
        EventMatcher::new(&filter)
            .actor_refusals(&ResolvedActor::resolve(user), user)
            .is_empty()
    );
}

#[test]
fn access_keys_are_those_that_signed() {
    let filter = EventFilter {
        access_keys: patterns(&["AKIAEXAMPLE1"]),
        ..EventFilter::default()
    };
    for (identity, admitted) in [
        (
            &br#"{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE1"}"#[..],
            true,
        ),
        (br#"{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE2"}"#, false),
        (br#"{"type":"IAMUser"}"#, false),
        (b"null", false),
        (b"", false),
    ] {
        let actor = ResolvedActor::resolve(identity);
        let refusals = EventMatcher::new(&filter).actor_refusals(&actor, identity);
        assert_eq!(refusals.is_empty(), admitted);
    }
}

#[test]
fn every_filter_that_refuses_is_named() {
    let filter = EventFilter {
        names: patterns(&["Run*"]),
        regions: patterns(&["eu-wst-1"]),
        access: Some(AccessKind::ReadOnly),
        ..EventFilter::default()
    };
    let refusals = EventMatcher::new(&filter).refusals(&record(), CallOutcome::Succeeded, "");
    let named = Criterion::ALL.into_iter().filter(|one| refusals.has(*one));
    let options: Vec<_> = named.map(Criterion::option).collect();
    assert_eq!(options, ["--region", "--read-only"]);
    assert!(!refusals.is_one());
    let given = filter.values(Criterion::Region).map(FilterValues::given);
    assert_eq!(given, Some(&["eu-wst-1".to_owned()][..]));
}

#[test]
fn each_criterion_has_a_place_of_its_own() {
    for (place, criterion) in Criterion::ALL.into_iter().enumerate() {
        assert_eq!(criterion as usize, place);
    }
}

#[test]
fn sessions_belong_to_actors() {
    let refuses = |sessions: &[&str], session: Option<&str>| {
        let filter = EventFilter {
            sessions: patterns(sessions),
            ..EventFilter::default()
        };
        let actor = ResolvedActor {
            session: session.map(str::to_owned),
            ..ResolvedActor::default()
        };
        let matcher = EventMatcher::new(&filter);
        assert!(matcher.asks_for_actors());
        matcher.actor_refusals(&actor, b"").has(Criterion::Session)
    };
    assert!(!refuses(&["deploy-*"], Some("Deploy-7")));
    assert!(refuses(&["deploy-*"], Some("build-7")));
    assert!(refuses(&["deploy-*"], None));
    assert!(!refuses(&["!deploy-*"], None));
}

#[test]
fn values_of_the_request_are_compared_with_paths() {
    let record = EventRecord::of(
        br#"{"eventVersion":"1.08","eventName":"PutObject","requestParameters":{"bucketName":"logs-eu"}}"#,
    )
    .unwrap();
    let admits = |requests: &[&str]| {
        let requests = patterns(requests);
        let filter = EventFilter {
            requests,
            ..EventFilter::default()
        };
        EventMatcher::new(&filter).admits(&record, CallOutcome::Succeeded, "111122223333")
    };
    assert!(admits(&["bucketName=logs-*"]));
    assert!(admits(&["bucketName=x", "bucketName=logs-eu"]));
    assert!(!admits(&["bucketName=x"]) && !admits(&["!bucketName=logs-*"]));
    assert!(admits(&["!bucketName=x"]));
    // Different paths must all match.
    assert!(!admits(&["bucketName=logs-*", "key=x"]));
    assert!(admits(&[
        "bucketName=logs-*",
        "eventVersion=x",
        "eventVersion=1.*"
    ]));
    // A value that is not a pattern admits nothing instead of everything.
    assert!(!admits(&["bucketName"]));
}

#[test]
fn invocations_of_one_function_are_left_out() {
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:usage";
    let filter = EventFilter {
        without_invocations_of: Some(function.to_owned()),
        ..EventFilter::default()
    };
    let matcher = EventMatcher::new(&filter);
    let admits = |name: &str, invoked: &str| {
        let json = format!(
            r#"{{"eventVersion":"1.08","eventSource":"lambda.amazonaws.com","eventName":"{name}","requestParameters":{{"functionName":"{invoked}"}},"resources":[{{"type":"AWS::Lambda::Function","ARN":"{invoked}"}}]}}"#
        );
        let record = EventRecord::of(json.as_bytes()).unwrap();
        matcher.admits(&record, CallOutcome::Succeeded, "111122223333")
    };
    assert!(!admits("Invoke", function));
    assert!(admits("Invoke", &format!("{function}-2")));
    assert!(admits("Invoke", &function.replace("1111", "4444")));
    // What changes the function is counted.
    assert!(admits("UpdateFunctionCode20150331v2", function));
}
