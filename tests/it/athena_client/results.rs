//! Results in S3: what is read is what was found, or an error.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use trailtab_app::source::athena::{
    ResultError, ResultObject, UnloadedResult, open_result, open_unloaded,
};
use trailtab_app::source::interrupt::{self, Interrupt};

use super::{QueryLab, STATEMENT};
use crate::support::athena::Fault;

/// More than two ranges.
const LARGE_BYTES: usize = (20 << 20) + 7;

impl QueryLab {
    fn open(&self, address: &str) -> Result<ResultObject, ResultError> {
        let (config, never) = (self.s3_config(), Interrupt::never());
        self.runtime.block_on(open_result(&config, address, &never))
    }

    /// Reads the pieces to the end; returns the lengths as well.
    fn pieces(&self, object: &mut ResultObject) -> Result<(Vec<u8>, Vec<usize>), ResultError> {
        self.runtime.block_on(async {
            let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
            while let Some(piece) = object.next_piece().await? {
                lengths.push(piece.len());
                bytes.extend_from_slice(&piece);
            }
            Ok((bytes, lengths))
        })
    }

    fn put_large(&mut self) -> (String, Vec<u8>) {
        let bytes: Vec<u8> = (0..LARGE_BYTES).map(|n| (n % 251) as u8).collect();
        self.put("large.csv", &bytes);
        (self.url("large.csv"), bytes)
    }
}

#[test]
fn a_result_is_read_by_pieces_or_as_a_stream() {
    let lab = QueryLab::new("athena-client-csv");
    let finished = lab.run(&lab.order(STATEMENT)).unwrap();
    let address = finished.output_location.unwrap();
    let mut object = lab.open(&address).unwrap();
    let (bytes, _) = lab.pieces(&mut object).unwrap();
    assert_eq!(object.size_bytes(), bytes.len() as u64);
    let text = String::from_utf8(bytes).unwrap();
    let first = "\"eventname\",\"calls\"\n\"CreateTags\",\"2\"\n";
    assert!(text.starts_with(first), "{text}");
    let mut streamed = String::new();
    lab.open(&address)
        .unwrap()
        .read_to_string(&mut streamed)
        .unwrap();
    assert_eq!(streamed, text);
}

#[test]
fn a_large_result_comes_in_bounded_pieces() {
    let mut lab = QueryLab::new("athena-client-large");
    let (address, expected) = lab.put_large();
    let mut object = lab.open(&address).unwrap();
    let (bytes, lengths) = lab.pieces(&mut object).unwrap();
    assert!(bytes == expected, "other bytes");
    assert_eq!(lengths, [8 << 20, 8 << 20, (4 << 20) + 7]);
    let mut streamed = Vec::new();
    lab.open(&address)
        .unwrap()
        .read_to_end(&mut streamed)
        .unwrap();
    assert!(streamed == expected, "other bytes");
}

#[test]
fn an_empty_result_has_no_piece() {
    let mut lab = QueryLab::new("athena-client-empty");
    lab.put("empty.csv", b"");
    let mut object = lab.open(&lab.url("empty.csv")).unwrap();
    assert_eq!(lab.pieces(&mut object).unwrap().0, b"");
}

#[test]
fn a_result_that_was_lost_is_an_error() {
    let lab = QueryLab::new("athena-client-lost");
    lab.athena.plan(&Fault::LoseResult);
    let finished = lab.run(&lab.order(STATEMENT)).unwrap();
    let error = lab.open(&finished.output_location.unwrap()).err().unwrap();
    assert!(matches!(error, ResultError::Open { .. }), "{error}");
    assert!(error.to_string().contains("it does not exist"), "{error}");
}

#[test]
fn a_result_that_changes_while_it_is_read_is_an_error() {
    let mut lab = QueryLab::new("athena-client-changed");
    for replaced in [false, true] {
        let (address, bytes) = lab.put_large();
        let mut object = lab.open(&address).unwrap();
        let first = lab.runtime.block_on(object.next_piece()).unwrap();
        assert_eq!(first.map(|piece| piece.len()), Some(8 << 20));
        let words = match replaced {
            true => {
                let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
                lab.put("large.csv", &other);
                "changed after it was"
            }
            false => {
                lab.delete(&address);
                "deleted after it was"
            }
        };
        let error = lab.pieces(&mut object).unwrap_err();
        assert!(matches!(error, ResultError::Read { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn an_interrupt_ends_the_reading() {
    let mut lab = QueryLab::new("athena-client-stop-reading");
    let (address, _) = lab.put_large();
    let (config, (requester, interrupt)) = (lab.s3_config(), interrupt::channel());
    let opened = lab
        .runtime
        .block_on(open_result(&config, &address, &interrupt));
    let mut object = opened.unwrap();
    requester.request();
    let error = lab.pieces(&mut object).unwrap_err();
    assert_eq!(error, ResultError::Interrupted);
    let error = object.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(interrupt::is_cause(&error), "{error}");
    let again = lab
        .runtime
        .block_on(open_result(&config, &address, &interrupt));
    assert_eq!(again.err(), Some(ResultError::Interrupted));
}

#[test]
fn unloaded_files_are_those_of_the_list() {
    let mut lab = QueryLab::new("athena-client-unload");
    let folder = lab.url("unloaded/1/");
    let unload =
        format!("UNLOAD ({STATEMENT}) TO '{folder}' WITH (format = 'JSON', compression = 'GZIP')");
    let finished = lab.run(&lab.order(&unload)).unwrap();
    let manifest = finished.manifest_location.unwrap();
    let (config, never) = (lab.s3_config(), Interrupt::never());
    let open = |lab: &QueryLab| -> Result<UnloadedResult, ResultError> {
        let open = open_unloaded(&config, folder.trim_end_matches('/'), &manifest, &never);
        lab.runtime.block_on(open)
    };
    let unloaded = open(&lab).unwrap();
    let objects: Vec<_> = unloaded.objects().collect();
    assert!(objects.len() >= 2, "{objects:?}");
    let mut rows = Vec::new();
    let context = lab.runtime.enter();
    let opened: Vec<_> = unloaded.open_all().collect();
    drop(context);
    for object in opened {
        let mut text = String::new();
        MultiGzDecoder::new(object)
            .read_to_string(&mut text)
            .unwrap();
        rows.extend(text.lines().map(str::to_owned));
    }
    rows.sort();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows[0].contains("CreateTags"), "{rows:?}");

    // A sibling of the folder is not in it.
    lab.put("unloaded/10/x", b"x");
    assert!(open(&lab).is_ok());
    lab.put("unloaded/1/x", b"x");
    let error = open(&lab).err().unwrap();
    let words = "it did not write s3://athena-client-unload/unloaded/1/x";
    assert!(error.to_string().contains(words), "{error}");
    lab.delete(&objects[0].address);
    let error = open(&lab).err().unwrap();
    let words = format!("there is no {}", objects[0].address);
    assert!(error.to_string().contains(&words), "{error}");
}
