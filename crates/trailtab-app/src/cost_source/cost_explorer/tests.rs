//! Tests queries against a scripted Cost Explorer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::civil::date;
use serde_json::{Value, json};

use super::*;
use crate::aws;
use trailtab_core::cost::charge::CostMetric;
use trailtab_cost_explorer::query::{
    CostFilter, FilterValues, GroupKey, GroupType, MatchOption, QueryGranularity, TimePeriod,
};

/// A response: status and body. Status 0 closes the connection.
type Said = (u16, Value);

/// Serves the scripted responses in order, then repeats the last one. Returns the client, and
/// the requests received.
fn played(script: Vec<Said>) -> (Client, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (script, seen) = (script.clone(), seen.clone());
            thread::spawn(move || serve(stream, &script, &seen));
        }
    });
    let credentials = Credentials::for_tests();
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    (aws::cost_explorer(&config), requests)
}

fn serve(stream: TcpStream, script: &[Said], seen: &Mutex<Vec<Value>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let nth = {
            let mut seen = seen.lock().unwrap();
            seen.push(serde_json::from_slice(&body).ok()?);
            seen.len()
        };
        let (status, body) = &script[(nth - 1).min(script.len() - 1)];
        if *status == 0 {
            return None;
        }
        let body = body
            .as_str()
            .map_or_else(|| body.to_string(), str::to_owned);
        let head = format!(
            "HTTP/1.1 {status} Played\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all((head + &body).as_bytes()).ok()?;
    }
}

fn limits(max_requests: u64) -> RequestLimits {
    RequestLimits {
        per_second: 1000,
        first_wait: Duration::from_millis(1),
        ..RequestLimits::new(max_requests)
    }
}

fn query() -> CostQuery {
    CostQuery {
        time_period: TimePeriod {
            start: date(2026, 11, 1),
            end: date(2026, 11, 3),
        },
        granularity: QueryGranularity::Daily,
        metrics: [CostMetric::UnblendedCost],
        filter: None,
        group_by: vec![GroupKey {
            r#type: GroupType::Dimension,
            key: "SERVICE".to_owned(),
        }],
    }
}

fn day(service: &str) -> Value {
    json!({
        "TimePeriod": { "Start": "2026-11-01", "End": "2026-11-02" },
        "Total": {},
        "Groups": [{
            "Keys": [service],
            "Metrics": { "UnblendedCost": { "Amount": "1.0000000001", "Unit": "USD" } },
        }],
        "Estimated": true,
    })
}

fn ok(days: &[Value], token: Option<&str>) -> Said {
    let mut page = json!({ "ResultsByTime": days, "DimensionValueAttributes": [] });
    if let Some(token) = token {
        page["NextPageToken"] = token.into();
    }
    (200, page)
}

fn error(status: u16, code: &str) -> Said {
    (status, json!({ "__type": code, "message": "so it is" }))
}

/// Runs one query. Returns the result, the numbers of requests sent and charged, and the requests.
async fn ask(
    query: &CostQuery,
    most: u64,
    script: Vec<Said>,
) -> (Result<CostAnswer, AskError>, (u64, u64), Vec<Value>) {
    let (client, requests) = played(script);
    let source = CostExplorer::new(client, limits(most));
    let answer = source.ask(query, 1_795_000_000).await;
    let requests = requests.lock().unwrap().clone();
    assert_eq!(requests.len() as u64, source.requests());
    (answer, (source.requests(), source.charged()), requests)
}

#[tokio::test]
async fn pages_are_followed_to_the_end_with_the_same_question() {
    let mut query = query();
    query.filter = Some(CostFilter::And(vec![
        CostFilter::Not(Box::new(CostFilter::Dimensions(FilterValues {
            key: "RECORD_TYPE".to_owned(),
            values: vec!["Usage".to_owned()],
            match_options: Vec::new(),
        }))),
        CostFilter::Or(vec![
            CostFilter::Tags(FilterValues {
                key: "Owner".to_owned(),
                values: Vec::new(),
                match_options: vec![MatchOption::Absent],
            }),
            CostFilter::CostCategories(FilterValues {
                key: "Team".to_owned(),
                values: vec!["a$b".to_owned()],
                match_options: vec![MatchOption::Equals, MatchOption::CaseSensitive],
            }),
        ]),
    ]));
    let script = vec![
        ok(&[day("a")], Some("2")),
        ok(&[], Some("3")),
        ok(&[day("b")], None),
    ];
    let (answer, counts, mut requests) = ask(&query, 3, script).await;
    let answer = answer.unwrap();
    assert_eq!(counts, (3, 3));
    let services = answer.pages.iter().flat_map(|page| &page.results_by_time);
    let services: Vec<_> = services.map(|result| &result.groups[0].keys[0]).collect();
    assert_eq!(services, ["a", "b"]);
    let first = &answer.pages[0].results_by_time[0];
    assert!(first.estimated && first.total == Default::default());
    assert_eq!(
        first.groups[0].metrics.get("UnblendedCost").unwrap().amount,
        "1.0000000001"
    );
    assert!(answer.asked >= 1_795_000_000);
    // Queries are saved in the format of the API, without the token.
    let tokens: Vec<_> = requests
        .iter_mut()
        .map(|request| request.as_object_mut().unwrap().remove("NextPageToken"))
        .collect();
    assert_eq!(tokens, [None, Some(json!("2")), Some(json!("3"))]);
    let question = serde_json::to_value(&query).unwrap();
    assert_eq!(requests, vec![question; 3]);
}

#[tokio::test]
async fn only_successful_requests_are_charged() {
    let throttled = error(400, "LimitExceededException");
    let script = vec![throttled, error(500, "InternalFailure"), ok(&[], None)];
    let (answer, counts, _) = ask(&query(), 1, script).await;
    assert!(answer.is_ok());
    assert_eq!(counts, (3, 1));
    // A broken connection may hide a charged response.
    let broken = (0, Value::Null);
    let (answer, counts, _) = ask(&query(), 5, vec![broken.clone(), ok(&[], None)]).await;
    assert!(answer.is_ok());
    assert_eq!(counts, (2, 2));
    let (answer, counts, _) = ask(&query(), 1, vec![broken, ok(&[], None)]).await;
    assert_eq!(answer, Err(AskError::Budget(1)));
    assert_eq!(counts, (1, 1));
}

#[tokio::test]
async fn the_budget_is_kept_to_the_request() {
    let script = vec![ok(&[day("a")], Some("2")), ok(&[day("b")], None)];
    let (answer, counts, _) = ask(&query(), 1, script.clone()).await;
    assert_eq!(
        answer,
        Err(AskError::Budget(1)),
        "half of an answer is none"
    );
    assert_eq!(counts, (1, 1));
    let (answer, counts, _) = ask(&query(), 0, script).await;
    assert_eq!((answer, counts), (Err(AskError::Budget(0)), (0, 0)));
    // Concurrent queries share the budget.
    let (client, _) = played(vec![ok(&[], None)]);
    let source = CostExplorer::new(client, limits(2));
    let query = query();
    let (one, two, three) = tokio::join!(
        source.ask(&query, 0),
        source.ask(&query, 0),
        source.ask(&query, 0),
    );
    let granted = [one, two, three]
        .iter()
        .filter(|answer| answer.is_ok())
        .count();
    assert_eq!((granted, source.charged()), (2, 2));
}

#[tokio::test]
async fn a_lost_token_costs_one_new_beginning() {
    for code in ["InvalidNextTokenException", "RequestChangedException"] {
        let first = ok(&[day("a")], Some("2"));
        let script = vec![
            first.clone(),
            error(400, code),
            first,
            ok(&[day("b")], None),
        ];
        let (answer, counts, _) = ask(&query(), 9, script).await;
        assert_eq!(answer.unwrap().pages.len(), 2);
        assert_eq!(counts, (4, 3));
        let script = vec![ok(&[], Some("2")), error(400, code), error(400, code)];
        let (answer, counts, _) = ask(&query(), 9, script).await;
        assert!(
            matches!(answer, Err(AskError::Unanswered { .. })),
            "{answer:?}"
        );
        assert_eq!(counts, (3, 1));
    }
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    for (code, expected) in [
        ("AccessDeniedException", "ce:GetCostAndUsage"),
        ("DataUnavailableException", "enable it"),
        ("ExpiredTokenException", "credentials"),
        (
            "UnrecognizedClientException",
            "does not accept the access key",
        ),
        ("ValidationException", "rejects the query"),
        ("BillExpirationException", "rejects the query"),
    ] {
        let (answer, counts, _) = ask(&query(), 9, vec![error(400, code)]).await;
        let message = answer.unwrap_err().to_string();
        assert!(
            message.contains(expected) && message.contains(code),
            "{message}"
        );
        assert_eq!(counts, (1, 0), "{code}");
    }
}

#[tokio::test]
async fn temporary_errors_are_retried_for_a_while() {
    let (answer, counts, _) = ask(&query(), 9, vec![error(503, "ServiceUnavailable")]).await;
    let message = answer.unwrap_err().to_string();
    assert!(
        message.contains("in 8 tries") && message.contains("so it is"),
        "{message}"
    );
    assert_eq!(counts, (u64::from(MAX_ATTEMPTS), 0));
    // Connection refused: nothing was sent that could be charged.
    let (client, _) = played(vec![]);
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = client
        .config()
        .to_builder()
        .endpoint_url(format!("http://{free}"));
    let source = CostExplorer::new(Client::from_conf(config.build()), limits(1));
    let answer = source.ask(&query(), 0).await;
    assert!(
        matches!(
            answer,
            Err(AskError::Unanswered {
                tries: MAX_ATTEMPTS,
                ..
            })
        ),
        "{answer:?}"
    );
    assert_eq!(source.charged(), 0);
}

#[tokio::test]
async fn invalid_responses_are_rejected() {
    let changed = |path: &str, value: Value| {
        let mut day = day("a");
        *day.pointer_mut(path).unwrap() = value;
        ok(&[day], None)
    };
    for (script, expected) in [
        (ok(&[day("a")], Some("2")), "back to itself"),
        (
            changed("/TimePeriod/Start", json!("yesterday")),
            "\"yesterday\"",
        ),
        (
            changed("/TimePeriod/Start", json!("2026-10-31")),
            "outside the requested days",
        ),
        (changed("/Groups/0/Keys", json!([])), "0 keys"),
        (changed("/Groups/0/Metrics", json!({})), "no UnblendedCost"),
        (
            changed("/Groups/0/Metrics/UnblendedCost", json!({})),
            "without an amount",
        ),
    ] {
        let (answer, _, _) = ask(&query(), 9, vec![script]).await;
        let message = answer.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    for body in [json!({}), json!({ "ResultsByTime": null })] {
        let (answer, _, _) = ask(&query(), 9, vec![(200, body)]).await;
        assert!(answer.unwrap_err().to_string().contains("no ResultsByTime"));
    }
    let ungrouped = CostQuery {
        group_by: Vec::new(),
        ..query()
    };
    let (answer, _, _) = ask(&ungrouped, 9, vec![changed("/Groups", json!([]))]).await;
    assert!(answer.unwrap_err().to_string().contains("no UnblendedCost"));
    // A response with an invalid body may have been charged.
    let script = vec![(200, json!("{\"ResultsByTime\": [")), ok(&[], None)];
    let (answer, counts, _) = ask(&query(), 9, script).await;
    assert!(answer.is_ok());
    assert_eq!(counts, (2, 2));
}
