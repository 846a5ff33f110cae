//! Buckets in memory, for tests that need hundreds of them: objects with metadata, listed and fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use super::http::{self, Message};

/// An object: its bytes, and its metadata by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Objects by bucket and key.
pub(crate) type Objects = BTreeMap<(String, String), Object>;

/// Serves the objects until the process ends; returns the port.
pub(crate) fn serve(objects: Objects) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let objects = Arc::new(objects);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let objects = objects.clone();
            // A client that goes away is no failure.
            thread::spawn(move || drop(converse(stream, &objects)));
        }
    });
    port
}

fn converse(stream: TcpStream, objects: &Objects) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut client = BufReader::new(stream);
    while let Some(request) = Message::read(&mut client)? {
        answer(&request, objects).write(client.get_mut())?;
    }
    Ok(())
}

fn answer(request: &Message, objects: &Objects) -> Message {
    let mut words = request.start.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let (bucket, key) = (http::decode(bucket), http::decode(key));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: BTreeMap<String, String> = pairs
        .map(|(name, value)| (http::decode(name), http::decode(value)))
        .collect();
    if method == "HEAD" {
        return Message::new("HTTP/1.1 200 OK", b"");
    }
    if query.contains_key("list-type") {
        return list(&bucket, &query, objects);
    }
    let Some(object) = objects.get(&(bucket, key)) else {
        let body = "<Error><Code>NoSuchKey</Code><Message>it does not exist</Message></Error>";
        return Message::new("HTTP/1.1 404 Not Found", body.as_bytes());
    };
    let mut answer = Message::new("HTTP/1.1 200 OK", &object.bytes);
    for (name, value) in &object.metadata {
        answer
            .headers
            .push((format!("x-amz-meta-{name}"), value.clone()));
    }
    answer
}

/// Lists all keys in one page.
fn list(bucket: &str, query: &BTreeMap<String, String>, objects: &Objects) -> Message {
    let option = |name: &str| query.get(name).map_or("", String::as_str);
    let (prefix, delimiter, after) = (option("prefix"), option("delimiter"), option("start-after"));
    let (mut folders, mut contents) = (BTreeSet::new(), String::new());
    for ((holder, key), object) in objects {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        if holder != bucket || key.as_str() <= after {
            continue;
        }
        match rest.find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(at) => {
                folders.insert(&key[..=prefix.len() + at]);
            }
            None => {
                let size = object.bytes.len();
                contents += &format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>");
            }
        }
    }
    let folders: String = folders
        .iter()
        .map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"))
        .collect();
    let body = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}{folders}</ListBucketResult>"
    );
    Message::new("HTTP/1.1 200 OK", body.as_bytes())
}
