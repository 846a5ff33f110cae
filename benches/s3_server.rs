//! A loopback server that plays a bucket of many small log files, for `benches/s3.py`.
//!
//! Needs nothing but the standard library: `rustc -O benches/s3_server.rs -o target/s3_server`. Objects are made when
//! they are asked for: gzip of a few records with eventIDs of their own. Answers HEAD, ListObjectsV2 and GET over HTTP,
//! and prints its port.
//!
//! s3_server OBJECTS REGIONS LIST_MS GET_MS

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const ACCOUNT: &str = "111122223333";

/// Records of an object.
const RECORDS: usize = 5;

/// Keys of a page, as S3 gives them.
const PAGE: usize = 1000;

struct Bucket {
    objects: usize,
    regions: usize,
    list: Duration,
    get: Duration,
    crc: [u32; 256],
}

impl Bucket {
    fn region(number: usize) -> String {
        format!("eu-test-{:03}", number + 1)
    }

    fn per_region(&self) -> usize {
        self.objects / self.regions
    }

    fn key(region: usize, index: usize) -> String {
        let name = Bucket::region(region);
        format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/{name}/2026/09/07/{ACCOUNT}_CloudTrail_{name}_20260907T0000Z_{index:016}.json.gz"
        )
    }

    /// The object with this number, in gzip without compression.
    fn object(&self, region: usize, index: usize) -> Vec<u8> {
        let mut json = String::from(r#"{"Records":["#);
        for record in 0..RECORDS {
            if record > 0 {
                json.push(',');
            }
            let number = (region * self.per_region() + index) * RECORDS + record;
            json += &format!(
                r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:app","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/app/app","accountId":"{ACCOUNT}"}},"eventTime":"2026-09-07T08:00:00Z","eventSource":"dynamodb.amazonaws.com","eventName":"DescribeTable","awsRegion":"{}","sourceIPAddress":"192.0.2.1","userAgent":"aws-sdk-rust/1.3.8","requestParameters":{{"tableName":"table-{number}"}},"responseElements":null,"requestID":"{number:032x}","eventID":"00000000-0000-4000-8000-{number:012x}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management"}}"#,
                Bucket::region(region)
            );
        }
        json += "]}";
        let bytes = json.as_bytes();
        let length = bytes.len() as u16;
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
        gzip.extend(length.to_le_bytes());
        gzip.extend((!length).to_le_bytes());
        gzip.extend(bytes);
        let mut crc = !0u32;
        for byte in bytes {
            crc = self.crc[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
        }
        gzip.extend((!crc).to_le_bytes());
        gzip.extend(u32::from(length).to_le_bytes());
        gzip
    }

    /// A page of the keys of a region, or the folders below a prefix.
    fn listing(&self, prefix: &str, token: Option<&str>, delimiter: bool) -> String {
        let mut xml = String::from(
            r#"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><EncodingType>url</EncodingType>"#,
        );
        let regions_at = format!("AWSLogs/{ACCOUNT}/CloudTrail/");
        if delimiter {
            let folders: Vec<String> = match prefix {
                "" => vec!["AWSLogs/".to_owned()],
                "AWSLogs/" => vec![format!("AWSLogs/{ACCOUNT}/")],
                _ if prefix == regions_at => (0..self.regions)
                    .map(|region| format!("{prefix}{}/", Bucket::region(region)))
                    .collect(),
                _ if regions_at.starts_with(prefix) => vec![regions_at],
                _ => Vec::new(),
            };
            xml += "<IsTruncated>false</IsTruncated>";
            for folder in folders {
                xml += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
            }
            return xml + "</ListBucketResult>";
        }
        let name = prefix
            .strip_prefix(&regions_at)
            .unwrap_or("")
            .split('/')
            .next();
        let region = (0..self.regions).find(|region| Some(&*Bucket::region(*region)) == name);
        let first: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
        let last = (first + PAGE).min(self.per_region());
        xml += &format!("<IsTruncated>{}</IsTruncated>", last < self.per_region());
        if last < self.per_region() {
            xml += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
        }
        if let Some(region) = region {
            for index in first..last {
                let size = self.object(region, index).len();
                xml += &format!(
                    "<Contents><Key>{}</Key><LastModified>2026-09-07T09:00:00.000Z</LastModified><ETag>&quot;0&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                    Bucket::key(region, index)
                );
            }
        }
        xml + "</ListBucketResult>"
    }

    fn answer(&self, path: &str, query: &str) -> Vec<u8> {
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let mut values = pairs
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value);
            values.next().map(|value| value.replace("%2F", "/"))
        };
        if query.contains("list-type=2") {
            thread::sleep(self.list);
            let prefix = value("prefix").unwrap_or_default();
            let token = value("continuation-token");
            let delimiter = value("delimiter").is_some();
            return self
                .listing(&prefix, token.as_deref(), delimiter)
                .into_bytes();
        }
        thread::sleep(self.get);
        let name = path.rsplit('/').next().unwrap_or("");
        let mut parts = name.trim_end_matches(".json.gz").split('_');
        let region = parts
            .nth(2)
            .and_then(|name| name.strip_prefix("eu-test-")?.parse::<usize>().ok());
        let index = parts.nth(1).and_then(|number| number.parse().ok());
        match (region, index) {
            (Some(region), Some(index)) => self.object(region - 1, index),
            _ => Vec::new(),
        }
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut out = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        let mut line = String::new();
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let start = line.clone();
            while line.trim() != "" {
                line.clear();
                input.read_line(&mut line)?;
            }
            let mut words = start.split(' ');
            let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let body = match method {
                "HEAD" => Vec::new(),
                _ => self.answer(path, query),
            };
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            answer.extend(body);
            out.write_all(&answer)?;
        }
    }
}

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|word| word.parse().expect("a number"))
        .collect();
    let [objects, regions, list, get] = numbers[..] else {
        panic!("s3_server OBJECTS REGIONS LIST_MS GET_MS");
    };
    let mut crc = [0u32; 256];
    for (byte, entry) in crc.iter_mut().enumerate() {
        *entry = (0..8).fold(byte as u32, |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        });
    }
    let bucket = Arc::new(Bucket {
        objects: objects as usize,
        regions: regions as usize,
        list: Duration::from_millis(list),
        get: Duration::from_millis(get),
        crc,
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming().flatten() {
        let bucket = Arc::clone(&bucket);
        thread::spawn(move || drop(bucket.serve(stream)));
    }
}
