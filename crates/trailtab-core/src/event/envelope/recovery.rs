//! How reading continues after a part that is damaged, too large or truncated.

use super::content::{DocumentDamage, RecordFault, RecordSink};
use super::log_line::is_prose;
use super::object::OpenObject;
use super::wrapper::{WrapperFrame, WrapperPlace};
use super::{EnvelopeReader, MAX_DEPTH};
use crate::event::scan::JsonScanner;

impl EnvelopeReader {
    /// Enters the object that the buffer begins with, which exceeds the size limit, if it is not
    /// a record; returns the number of bytes consumed, 0 if it cannot be entered. Its members are then
    /// read one by one.
    pub fn enter(&mut self, buf: &[u8]) -> usize {
        if self.lost || self.stack.len() + 2 >= MAX_DEPTH {
            return 0;
        }
        let mut scanner = JsonScanner::new(buf, 0);
        let is_value = match self.stack.last() {
            None | Some(WrapperFrame::Array(_)) => false,
            Some(WrapperFrame::Value(_)) => true,
            Some(WrapperFrame::Object | WrapperFrame::LargeObject) => {
                // The member's value is what is large.
                if scanner.name().is_err() {
                    return 0;
                }
                false
            }
        };
        if scanner.peek() == Ok(b',') {
            scanner.bump();
        }
        match scanner.peek() {
            Ok(b'[') => {
                self.stack.push(WrapperFrame::Array(WrapperPlace::Anywhere));
            }
            Ok(b'{') => {
                let mut object = OpenObject::default();
                let _ = scanner.clone().members(|scanner, name| {
                    if !object.member(name, scanner)? {
                        scanner.skip()?;
                    }
                    Ok(())
                });
                let record = &object.record;
                if record.event_name.is_some() || record.event_version.is_some() {
                    return 0;
                }
                if is_value {
                    self.stack.pop();
                }
                self.stack.push(WrapperFrame::LargeObject);
            }
            _ => return 0,
        }
        scanner.bump();
        self.consumed += scanner.pos() as u64;
        scanner.pos()
    }

    /// Skips a record that exceeds the size limit and continues on the next line.
    pub fn too_large(&mut self, sink: &mut impl RecordSink) {
        self.give_up(DocumentDamage::TooLarge(self.consumed), sink);
    }

    pub(super) fn give_up(&mut self, damage: DocumentDamage, sink: &mut impl RecordSink) {
        sink.unreadable(RecordFault::Broken);
        self.damage.get_or_insert(damage);
        self.stack.clear();
        self.lost = true;
    }

    /// Handles the remaining bytes at the end of the document.
    pub(super) fn end(&mut self, buf: &[u8], pos: &mut usize, sink: &mut impl RecordSink) {
        let rest_is_blank = buf[*pos..]
            .iter()
            .all(|b| b.is_ascii_whitespace() || *b == b',');
        if !rest_is_blank && self.is_text && self.stack.is_empty() && is_prose(&buf[*pos..]) {
            *pos = buf.len();
            return;
        }
        // The damage of a document inside another one is not asked for.
        let is_cut_inside = self.nesting > 0 && !self.stack.is_empty();
        if !rest_is_blank || is_cut_inside {
            sink.unreadable(RecordFault::Truncated);
        }
        if !rest_is_blank || !self.stack.is_empty() {
            let at = self.consumed + buf.len() as u64;
            self.damage.get_or_insert(DocumentDamage::CutOff(at));
        }
        *pos = buf.len();
    }

    /// Finds the next line that starts like JSON Lines or a CloudWatch Logs export.
    pub(super) fn resume(&mut self, buf: &[u8], pos: &mut usize) -> bool {
        let mut at = *pos;
        while let Some(found) = memchr::memchr(b'\n', &buf[at..]) {
            at += found + 1;
            match buf.get(at) {
                Some(b'{' | b'[' | b'"' | b'0'..=b'9' | b'\xef') => {
                    *pos = at;
                    self.lost = false;
                    return true;
                }
                Some(_) if self.is_text => {
                    *pos = at;
                    self.lost = false;
                    return true;
                }
                Some(_) => {}
                None => {
                    // The first byte of the line has not arrived yet.
                    *pos = at - 1;
                    return false;
                }
            }
        }
        *pos = buf.len();
        false
    }
}
