//! What the program asks Athena, Glue and S3 to run one statement, against the fake and the emulator.

mod execution;
mod requests;
mod results;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::runtime::{Builder, Runtime};
use trailtab_app::aws::{self, QueryId, SdkConfig};
use trailtab_app::source::athena::{self, FinishedQuery, QueryError, QueryOrder};
use trailtab_app::source::interrupt::Interrupt;
use trailtab_app::source::progress::ReadProgress;

use crate::support::athena::Athena;
use crate::support::athena_tables::cloudtrail_table;
use crate::support::ministack::{self, Connection};
use crate::support::trail;

const ANN: &str = "111122223333";

/// Counts the calls of two log files by name.
const STATEMENT: &str =
    "SELECT eventname, count(*) AS calls FROM t GROUP BY eventname ORDER BY eventname";

/// A fake with the table `d.t` over two log files, and a bucket of one test.
struct QueryLab {
    athena: Athena,
    bucket: &'static str,
    s3: Connection,
    /// The size of the log files.
    stored_bytes: u64,
    /// How often credentials were asked for.
    credentials: Arc<AtomicU64>,
    runtime: Runtime,
    progress: ReadProgress,
}

/// Credentials that count how often they are asked for.
#[derive(Debug)]
struct Counted(Arc<AtomicU64>);

impl ProvideCredentials for Counted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::Relaxed);
        let credentials = Credentials::new(ANN, "test", None, None, "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

impl QueryLab {
    fn new(bucket: &'static str) -> QueryLab {
        let mut s3 = Connection::new(ministack::port()).unwrap();
        s3.must("PUT", &format!("/{bucket}"), b"");
        let athena = Athena::start();
        athena.make_database("d");
        let location = format!("s3://{bucket}/logs/");
        athena.run(&cloudtrail_table("d.t", "", &location, &[]));
        let mut lab = QueryLab {
            athena,
            bucket,
            s3,
            stored_bytes: 0,
            credentials: Arc::default(),
            runtime: Builder::new_multi_thread().enable_all().build().unwrap(),
            progress: ReadProgress::default(),
        };
        for number in [1, 2] {
            let file = trail::log("logs/", ANN, "us-east-1", "2026/09/07", number);
            lab.stored_bytes += file.bytes.len() as u64;
            lab.put(&file.key, &file.bytes);
        }
        lab
    }

    fn put(&mut self, key: &str, bytes: &[u8]) {
        self.s3
            .must("PUT", &format!("/{}/{key}", self.bucket), bytes);
    }

    fn delete(&mut self, address: &str) {
        let path = address.strip_prefix("s3:/").unwrap();
        self.s3.must("DELETE", path, b"");
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn config(&self, port: u16) -> SdkConfig {
        let provider = SharedCredentialsProvider::new(Counted(self.credentials.clone()));
        let load = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .region("us-east-1")
            .credentials_provider(provider)
            .load();
        self.runtime.block_on(load)
    }

    /// The configuration that leads to Athena and Glue.
    fn query_config(&self) -> SdkConfig {
        self.config(self.athena.port())
    }

    /// The configuration that leads to S3.
    fn s3_config(&self) -> SdkConfig {
        self.config(ministack::port())
    }

    fn order(&self, statement: &str) -> QueryOrder {
        QueryOrder {
            statement: statement.to_owned(),
            database: Some("d".to_owned()),
            output_location: Some(self.url("results/")),
            token_text: self.bucket.to_owned(),
            ..QueryOrder::default()
        }
    }

    fn run(&self, order: &QueryOrder) -> Result<FinishedQuery, QueryError> {
        self.run_until(order, &Interrupt::never())
    }

    fn run_until(
        &self,
        order: &QueryOrder,
        interrupt: &Interrupt,
    ) -> Result<FinishedQuery, QueryError> {
        self.take_up(None, order, interrupt)
    }

    /// Takes up a query of an earlier run, if there is one.
    fn take_up(
        &self,
        earlier: Option<QueryId>,
        order: &QueryOrder,
        interrupt: &Interrupt,
    ) -> Result<FinishedQuery, QueryError> {
        let client = aws::athena(&self.query_config());
        let started = async |_: &QueryId| {};
        let run = athena::run(&client, earlier, order, interrupt, &self.progress, started);
        self.runtime.block_on(run)
    }

    fn count(&self, operation: &str) -> usize {
        self.athena.count(&format!("AmazonAthena.{operation}"))
    }
}
