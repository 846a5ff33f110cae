//! Reports arrive at Slack, Teams and other webhooks: each once, in a form that they take, and with nothing of others.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{Lab, account, charges, config, day, report_of};
use crate::support::Finished;
use crate::support::moto;
use crate::support::webhook::{SECRET, WebhookServer};

const REGION: &str = "us-east-1";

/// An organisation, webhooks, and the program.
struct Rooms {
    lab: Lab,
    server: WebhookServer,
    settings: Value,
}

impl Rooms {
    /// With channels: a place such as `slack/finance`, whose last part is the name, and who it is for. `test` is
    /// unique, for names of secrets.
    fn new(test: &str, channels: &[(&str, Value)]) -> Rooms {
        let server = WebhookServer::start();
        let channels: Vec<Value> = channels
            .iter()
            .map(|(place, audience)| {
                let (kind, name) = place.split_once('/').unwrap();
                let secret = format!("{test}-{kind}-{name}");
                let secret = moto::keep_secret(REGION, &secret, &server.url(place));
                let mut channel = json!({"name": name, "kind": kind, "url_secret": secret});
                for (key, value) in audience.as_object().unwrap() {
                    channel[key] = value.clone();
                }
                channel
            })
            .collect();
        Rooms {
            lab: Lab::organized(charges(4, 9, 5)),
            server,
            settings: json!({"channels": channels}),
        }
    }

    fn command(&self) -> Command {
        let config = self.settings.to_string();
        self.lab.sandbox.write("config.json", config);
        let mut command = self.lab.command();
        command
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint())
            .env("SSL_CERT_FILE", self.server.authority());
        command
    }

    /// Runs to the end; no output contains the secret part of a URL.
    fn finish(&self, mut command: Command, code: i32) -> Finished {
        command.args(["--config", "config.json"]);
        let finished = self.lab.sandbox.finish(command, b"").expect(code);
        let all = format!("{}{}", finished.out, finished.err);
        assert!(!all.contains(SECRET), "{all}");
        finished
    }

    fn send(&self, args: &[&str], code: i32) -> Finished {
        let (since, until) = (day(1).to_string(), day(10).to_string());
        let mut command = self.command();
        command
            .args(["--no-cache", "--send", "--since", &since, "--until", &until])
            .args(args);
        self.finish(command, code)
    }

    /// Sends; returns each channel with what became of its report.
    fn outcomes(&self, code: i32) -> Vec<(String, String)> {
        let sent = self.send(&["--format", "json"], code).summary();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines = sent.as_array().unwrap().iter();
        lines
            .map(|line| (text(&line["recipient"]), text(&line["outcome"])))
            .collect()
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    expected.iter().map(pair).collect()
}

#[test]
fn each_channel_gets_its_own_report_once() {
    let rooms = Rooms::new(
        "once",
        &[
            ("slack/platform", json!({"accounts": [account(0)]})),
            ("teams/finance", json!({"all": true})),
            ("webhook/robot", json!({"owner": "user3@example.com"})),
            ("slack/all", json!({"all": true})),
            ("teams/team", json!({"accounts": [account(1), account(2)]})),
        ],
    );
    let names = ["platform", "finance", "robot", "all", "team"];
    let all = |outcome| names.map(|name| (name, outcome));
    assert_eq!(rooms.outcomes(0), pairs(&all("sent")));
    let places = [
        "slack/all",
        "slack/platform",
        "teams/finance",
        "teams/team",
        "webhook/robot",
    ];
    assert_eq!(rooms.server.places(), places);
    assert_eq!(rooms.outcomes(0), pairs(&all("already_sent")));
    assert_eq!(rooms.server.places(), places);

    for posted in rooms.server.posted() {
        let text = posted.message.to_string();
        let sees = |number| text.contains(&account(number));
        let expected = match posted.place.as_str() {
            "slack/platform" => [true, false, false, false],
            "teams/team" => [false, true, true, false],
            "slack/all" | "teams/finance" => [true; 4],
            _ => {
                assert_eq!(posted.message["channel"], "robot");
                assert!(!text.contains("user4@example.com"), "{text}");
                let period = [day(1).to_string(), day(10).to_string()];
                let args = ["--format", "json", "--owner", "user3@example.com"];
                let period = ["--since", &period[0], "--until", &period[1]];
                let own = report_of(&rooms.lab.cost(&[&args[..], &period].concat()), 0);
                assert_eq!(posted.message["report"]["parts"], own["parts"]);
                continue;
            }
        };
        assert_eq!([0, 1, 2, 3].map(sees), expected, "{}: {text}", posted.place);
    }
}

#[test]
fn a_webhook_that_fails_stops_no_other() {
    let all = || json!({"all": true});
    let rooms = Rooms::new(
        "fails",
        &[
            ("slack/gone", all()),
            ("slack/echo", all()),
            ("slack/moved", all()),
            ("slack/silent", all()),
            ("slack/busy", all()),
            ("teams/fine", all()),
        ],
    );
    let sent = rooms.send(&[], 3);
    for part in [
        "channel_is_archived (the webhook's channel is gone",
        "HTTP status 404 (",
        "redirects are not followed",
        "no answer came after it was sent, so it may have arrived",
        "2 of 6 reports without a problem",
        "sent         busy (slack), executive",
    ] {
        assert!(sent.out.contains(part), "{part}: {}", sent.out);
    }
    assert_eq!(
        rooms.server.places(),
        ["slack/busy", "slack/silent", "teams/fine"]
    );
    let events = rooms.server.events();
    assert!(
        events.iter().all(|event| !event.contains("target")),
        "{events:?}"
    );
    let again = rooms.outcomes(3);
    let expected = [
        ("gone", "failed"),
        ("echo", "failed"),
        ("moved", "failed"),
        ("silent", "skipped"),
        ("busy", "already_sent"),
        ("fine", "already_sent"),
    ];
    assert_eq!(again, pairs(&expected));
    assert_eq!(rooms.server.posted().len(), 3);
}

#[test]
fn without_a_mail_server_channels_still_get_their_reports() {
    let mut rooms = Rooms::new("no-mail", &[("slack/finance", json!({"all": true}))]);
    for (key, value) in config(&[], &["user2@example.com"]).as_object().unwrap() {
        rooms.settings[key] = value.clone();
    }
    rooms.settings["secret_name"] = "no-such-secret".into();
    let sent = rooms.send(&[], 3);
    assert!(
        sent.out.contains("FAILED       user2@example.com"),
        "{}",
        sent.out
    );
    assert!(
        sent.out.contains("ResourceNotFoundException"),
        "{}",
        sent.out
    );
    assert_eq!(rooms.server.places(), ["slack/finance"]);
    // Only the channel is meant.
    let sent = rooms
        .send(&["--to", "Finance", "--format", "json"], 0)
        .summary();
    assert_eq!(sent.as_array().unwrap().len(), 1);
    assert_eq!(
        (&sent[0]["channel"], &sent[0]["outcome"]),
        (&"slack".into(), &"already_sent".into())
    );
}

#[test]
fn a_report_that_has_changed_is_posted_once_more() {
    let mut rooms = Rooms::new("changed", &[("slack/finance", json!({"all": true}))]);
    let ledger = rooms.lab.sandbox.path("ledger").display().to_string();
    let outcome = |rooms: &Rooms| {
        let args = ["--format", "json", "--ledger", &ledger];
        rooms.send(&args, 0).summary()[0]["outcome"].clone()
    };
    assert_eq!(outcome(&rooms), "sent");
    let first = std::mem::replace(&mut rooms.lab, Lab::organized(charges(4, 9, 6)));
    assert_eq!(outcome(&rooms), "corrected");
    assert_eq!(outcome(&rooms), "already_sent");
    let posted = rooms.server.posted();
    assert_eq!(posted.len(), 2);
    let title = |at: usize| posted[at].message["blocks"][0]["text"]["text"].to_string();
    assert!(title(1).contains("Correction: AWS cost") && !title(0).contains("Correction"));
    assert!(posted[1].message.to_string().contains("earlier today"));
    // The ledger holds neither the URL nor the name.
    let names = crate::support::files_below(first.sandbox.path("ledger").as_path());
    for path in names {
        let text = format!("{} {}", path.display(), fs::read_to_string(&path).unwrap());
        assert!(
            !text.contains(SECRET) && !text.contains("finance"),
            "{text}"
        );
    }
}

#[test]
fn a_dry_run_writes_messages_beside_mails() {
    let mut rooms = Rooms::new("dry", &[("slack/finance", json!({"all": true}))]);
    rooms.settings["executives"] = json!(["cfo@example.com"]);
    rooms.send(&["--dry-run", "--output", "out"], 0);
    let mut files: Vec<_> = fs::read_dir(rooms.lab.sandbox.path("out"))
        .unwrap()
        .map(|file| file.unwrap().path().extension().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["eml", "html", "json"]);
    assert!(rooms.server.posted().is_empty());
}

#[test]
fn a_check_posts_nothing_but_the_test_that_is_asked_for() {
    let mut rooms = Rooms::new(
        "check",
        &[
            ("slack/finance", json!({"all": true})),
            ("webhook/robot", json!({"owner": "user2@example.com"})),
            ("slack/gone", json!({"accounts": ["Nowhere"]})),
        ],
    );
    let plain = moto::keep_secret(REGION, "check-plain", "http://localhost/hunter2hunter2");
    let channels = rooms.settings["channels"].as_array_mut().unwrap();
    channels.push(json!({"name": "plain", "kind": "webhook", "url_secret": plain, "all": true}));
    channels.push(json!({"name": "absent", "kind": "teams", "url_secret": "absent", "all": true}));
    let check = |args: &[&str]| {
        let mut command = rooms.command();
        command.arg("check").args(args);
        rooms.finish(command, 3)
    };
    let checked = check(&[]);
    for part in [
        "doubtful  the channel \"finance\" is of the kind slack, and its URL has the host localhost",
        "good      the channel \"robot\" has the URL of a webhook",
        "BAD       the channel \"gone\" gets no report: there is no account called \"Nowhere\"",
        "the secret must be a URL that begins with https://",
        "cannot read the secret \"absent\"",
        "finance (slack): all accounts",
        "robot (webhook): what user2@example.com used",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
    assert!(!checked.out.contains("no mail server"), "{}", checked.out);
    assert!(rooms.server.events().is_empty());
    let tests = ["Finance", "robot", "gone", "finanse"].map(|name| ["--test-channel", name]);
    let checked = check(&tests.concat());
    for part in [
        "good      a test message to the channel \"Finance\" was accepted",
        "good      a test message to the channel \"robot\" was accepted",
        "BAD       the test message to the channel \"gone\": refused: HTTP status 410",
        "the settings have no such channel: did you mean \"finance\"?",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
    assert_eq!(rooms.server.places(), ["slack/finance", "webhook/robot"]);
}
