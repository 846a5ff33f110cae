//! Tests of the ledger in a directory.

use super::*;

fn owner(name: &str, now: Seconds) -> ClaimOwner {
    ClaimOwner {
        name: name.to_owned(),
        now,
        until: now + 60,
    }
}

fn content() -> SentHash {
    SentHash::new(&"content", String::new())
}

/// Claims the same key from another run, `later` seconds later.
async fn again(ledger: &SendLedger, later: Seconds) -> SendClaim {
    let other = owner("other", 1000 + later);
    ledger.claim("a/b", &content(), &other).await.unwrap()
}

#[tokio::test]
async fn a_delivered_entry_is_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let first = owner("first", 1000);
    let content = content();
    let claim = || ledger.claim("a/b", &content, &first);
    assert_eq!(claim().await.unwrap(), SendClaim::Granted);
    // The same run, whose request was repeated.
    assert_eq!(claim().await.unwrap(), SendClaim::Granted);
    assert!(matches!(again(&ledger, 60).await, SendClaim::Busy(_)));
    let sent = ledger.end("a/b", &content, &first, Some(ClaimEnd::Sent));
    sent.await.unwrap();
    assert_eq!(again(&ledger, 0).await, SendClaim::Sent(1000));
    assert_eq!(again(&ledger, 1_000_000).await, SendClaim::Sent(1000));
    let differs = ledger
        .claim("a/b", &SentHash::new(&"another", String::new()), &first)
        .await
        .unwrap();
    assert_eq!(
        differs,
        SendClaim::Differs("1970-01-01T00:16:40Z".to_owned())
    );
    assert_eq!(
        ledger.claim("a/c", &content, &first).await.unwrap(),
        SendClaim::Granted
    );
}

#[tokio::test]
async fn a_released_entry_may_be_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let first = owner("first", 1000);
    let content = content();
    ledger.claim("a/b", &content, &first).await.unwrap();
    let ended = ledger.end("a/b", &content, &first, None);
    ended.await.unwrap();
    assert_eq!(again(&ledger, 0).await, SendClaim::Granted);
}

#[tokio::test]
async fn an_unconfirmed_entry_is_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let first = owner("first", 1000);
    ledger.claim("a/b", &content(), &first).await.unwrap();
    // The sender was killed.
    assert!(!pending(again(&ledger, 61).await).was_recorded);
    let content = content();
    let settled = ledger.end("a/b", &content, &first, Some(ClaimEnd::Unconfirmed));
    settled.await.unwrap();
    let entry = pending(again(&ledger, 0).await);
    assert!(entry.was_recorded && entry.is_same);
    assert_eq!(entry.until, 1060);
}

/// The entry of a claim that another run did not confirm.
fn pending(claim: SendClaim) -> PendingEntry {
    match claim {
        SendClaim::Unconfirmed(entry) => entry,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_run_takes_over_a_pending_entry() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let (killed, content) = (owner("killed", 1000), content());
    ledger.claim("a/b", &content, &killed).await.unwrap();
    let entry = pending(again(&ledger, 61).await);
    let [second, third] = ["second", "third"].map(|name| owner(name, 2000));
    let take = |by| ledger.replace_pending("a/b", &entry, &content, by, None);
    assert!(take(&second).await.unwrap());
    assert!(!take(&third).await.unwrap(), "the entry has changed");
    let claim = ledger.claim("a/b", &content, &second).await.unwrap();
    assert_eq!(claim, SendClaim::Granted);
    let claim = ledger.claim("a/b", &content, &third).await.unwrap();
    assert!(matches!(claim, SendClaim::Busy(_)));
    let ended = ledger.end("a/b", &content, &second, None);
    ended.await.unwrap();
    assert!(!take(&third).await.unwrap(), "the entry is gone");
}

#[tokio::test]
async fn halves_of_different_content_are_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let (first, content) = (owner("first", 1000), content());
    let split = ledger.end("a/b", &content, &first, Some(ClaimEnd::Split));
    split.await.unwrap();
    assert_eq!(again(&ledger, 60).await, SendClaim::Split);
    let other = SentHash::new(&"another", String::new());
    let claim = ledger.claim("a/b", &other, &first).await.unwrap();
    assert!(matches!(claim, SendClaim::Differs(_)), "{claim:?}");
}

#[tokio::test]
async fn a_document_that_another_run_has_changed_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let written = ledger.store("list", b"1", None).await.unwrap();
    let (_, loaded) = ledger.load("list").await.unwrap().unwrap();
    assert_eq!(written.as_ref(), Some(&loaded));
    let changed = ledger.store("list", b"2", Some(&loaded)).await.unwrap();
    assert!(changed.is_some());
    let late = ledger.store("list", b"3", Some(&loaded)).await.unwrap();
    assert_eq!(late, None);
    assert_eq!(ledger.load("list").await.unwrap().unwrap().0, b"2");
}

#[tokio::test]
async fn an_operation_ends_at_its_deadline() {
    let ledger = SendLedger::Directory(PathBuf::from("some"));
    let hangs = std::future::pending::<Result<(), LedgerError>>();
    let error = ledger
        .with_deadline(Instant::now(), "a/b", hangs)
        .await
        .unwrap_err();
    let text = "cannot read or write the ledger's entry some/a/b: no answer came in the time";
    assert!(error.to_string().starts_with(text), "{error}");
}

#[tokio::test]
async fn a_foreign_entry_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    ledger.store("a/b", b"hello", None).await.unwrap();
    let error = ledger.claim("a/b", &content(), &owner("first", 0)).await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("cannot understand the ledger's entry")
    );
}
