//! The APIs of a tally, as numbers.

use super::SymbolMap;
use crate::event::intern::{Interner, Symbol};
use crate::event::scan::JsonText;

/// Number of places of [`RecentApis`], a power of two.
const RECENT_APIS: usize = 512;

/// The most bytes of service and name together that [`RecentApis`] holds. Few APIs have more.
const MAX_RECENT_BYTES: usize = 72;

/// Numbers for APIs, which are pairs of a service and a name.
#[derive(Debug, Default)]
pub(super) struct ApiTable {
    ids: SymbolMap<(Symbol, Symbol), u32>,
    pub(super) pairs: Vec<(Symbol, Symbol)>,
    recent: RecentApis,
}

impl ApiTable {
    /// The number of the API with this service and name.
    #[inline]
    pub(super) fn id(&mut self, pair: (Symbol, Symbol)) -> u32 {
        *self.ids.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            // There are never more pairs than memory has room for.
            u32::try_from(self.pairs.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Service and name of an API.
    pub(super) fn pair(&self, id: u32) -> (Symbol, Symbol) {
        let unknown = (Symbol(u32::MAX), Symbol(u32::MAX));
        self.pairs.get(id as usize).copied().unwrap_or(unknown)
    }

    /// The number of an API as written in a record.
    #[inline]
    pub(super) fn id_of(
        &mut self,
        source: JsonText<'_>,
        name: JsonText<'_>,
        strings: &mut Interner,
    ) -> u32 {
        let raw = source.unescaped().zip(name.unescaped());
        let place = raw.map(|(source, name)| RecentApis::place_of(source, name));
        if let (Some((source, name)), Some(place)) = (raw, place)
            && let Some(id) = self.recent.find(place, source, name)
        {
            return id;
        }
        let id = self.id((strings.text(source), strings.text(name)));
        if let (Some((source, name)), Some(place)) = (raw, place) {
            self.recent.put(place, source, name, id);
        }
        id
    }
}

/// APIs by their text: in one place each, which a newer one overwrites. One comparison finds the number of nearly
/// every API, where two look-ups of strings and one of their pair would.
#[derive(Debug, Default)]
struct RecentApis(Vec<RecentApi>);

#[derive(Debug, Clone, Copy)]
struct RecentApi {
    /// Service and name.
    text: [u8; MAX_RECENT_BYTES],
    source_len: u8,
    name_len: u8,
    id: u32,
}

impl RecentApis {
    /// The place of an API. Any function would do; this one uses the bytes in which APIs differ.
    #[inline]
    fn place_of(source: &[u8], name: &[u8]) -> usize {
        let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let first = |bytes: &[u8]| match bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => bytes
                .iter()
                .fold(0, |all, byte| all << 8 | u64::from(*byte)),
        };
        let ends = first(name) ^ word(name.last_chunk()).rotate_left(23);
        let mixed = (ends ^ first(source).rotate_left(41) ^ name.len() as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 48) as usize % RECENT_APIS
    }

    #[inline]
    fn find(&self, place: usize, source: &[u8], name: &[u8]) -> Option<u32> {
        let api = self.0.get(place)?;
        let (source_len, name_len) = (usize::from(api.source_len), usize::from(api.name_len));
        let is_same = source_len == source.len()
            && name_len == name.len()
            && api.text.get(..source_len) == Some(source)
            && api.text.get(source_len..source_len + name_len) == Some(name);
        is_same.then_some(api.id)
    }

    #[cold]
    fn put(&mut self, place: usize, source: &[u8], name: &[u8], id: u32) {
        let len = source.len() + name.len();
        if len > MAX_RECENT_BYTES {
            return;
        }
        if self.0.is_empty() {
            // No service has a name of this length.
            let nothing = RecentApi {
                text: [0; MAX_RECENT_BYTES],
                source_len: u8::MAX,
                name_len: 0,
                id: 0,
            };
            self.0 = vec![nothing; RECENT_APIS];
        }
        if let Some(api) = self.0.get_mut(place) {
            api.text[..source.len()].copy_from_slice(source);
            api.text[source.len()..len].copy_from_slice(name);
            (api.source_len, api.name_len) = (source.len() as u8, name.len() as u8);
            api.id = id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_has_one_number_however_often_and_in_which_order_it_comes() {
        let (mut apis, mut strings) = (ApiTable::default(), Interner::default());
        let long = "x".repeat(MAX_RECENT_BYTES);
        let mut texts = vec![
            ("ec2", "Run"),
            ("ec2R", "un"),
            ("", "ec2Run"),
            ("", ""),
            ("ec2", &long),
        ];
        let many: Vec<String> = (0..3 * RECENT_APIS).map(|n| format!("Get{n}")).collect();
        texts.extend(many.iter().map(|name| ("s3.amazonaws.com", name.as_str())));
        for _ in 0..2 {
            for (index, (source, name)) in texts.iter().enumerate() {
                let id = apis.id_of(
                    JsonText::plain(source.as_bytes()),
                    JsonText::plain(name.as_bytes()),
                    &mut strings,
                );
                assert_eq!(id as usize, index);
                let (a, b) = apis.pair(id);
                assert_eq!((strings.get(a), strings.get(b)), (*source, *name));
            }
        }
    }
}
