//! What can be inferred about an unknown object from the names of its members.

use super::words::{is_cloud_trail_event, is_record_name};
use crate::event::scan::JsonScanner;
use crate::event::spelling;

/// What the names of an object's members say of it, in any case.
#[derive(Default)]
pub(super) struct ObjectTraits<'j> {
    pub(super) has_name: bool,
    pub(super) has_source_or_version: bool,
    has_id: bool,
    has_user_name: bool,
    has_identity: bool,
    /// An identity under another name than `userIdentity`.
    pub(super) has_other_identity: bool,
    pub(super) is_ocsf: bool,
    pub(super) is_of_other_cloud: bool,
    /// An event of Lambda's, which delivers something.
    pub(super) is_trigger: bool,
    /// Members with names that many records have.
    pub(super) record_names: usize,
    /// The member that holds the record, as in an item of LookupEvents.
    pub(super) cloud_trail_event: Option<&'j [u8]>,
}

impl<'j> ObjectTraits<'j> {
    pub(super) fn of(json: &'j [u8]) -> Self {
        let mut traits = ObjectTraits::default();
        let read = JsonScanner::new(json, 0).members(|scanner, name| {
            let is_text = matches!(scanner.peek()?, b'"' | b'0'..=b'9');
            let value = scanner.skip()?;
            traits.record_names += usize::from(is_record_name(&name.decode()));
            let folded = spelling::fold(name.decode().as_bytes());
            traits.is_trigger |= folded == "eventsource" && value.starts_with(b"\"aws:");
            match folded.as_str() {
                "eventname" => traits.has_name = is_text,
                "eventsource" | "eventversion" => traits.has_source_or_version |= is_text,
                "eventid" => traits.has_id = true,
                "username" => traits.has_user_name = true,
                "classuid" => traits.is_ocsf = true,
                // Alibaba Cloud, and Oracle Cloud's audit events.
                "acsregion" | "cloudeventsversion" => traits.is_of_other_cloud = true,
                name if is_cloud_trail_event(name) => traits.cloud_trail_event = Some(value),
                folded if folded.starts_with("useridentity") => {
                    traits.has_identity = true;
                    traits.has_other_identity |= !name.is_exactly("userIdentity");
                }
                _ => {}
            }
            Ok(())
        });
        // The scanner only skipped this object before, so its contents may be invalid.
        if read.is_err() {
            return ObjectTraits::default();
        }
        traits
    }

    pub(super) fn is_lookup_item(&self) -> bool {
        self.has_id && self.has_user_name && !self.has_identity
    }
}
