//! Interns strings as small numbers, so that counters compare numbers.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::event::scan::JsonText;

/// The number of a string in its [`Interner`], counted from zero without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Number of symbols in [`RecentSymbols`].
const RECENT_SYMBOLS: usize = 4;

/// The symbols that a field of the records had last. Comparing a text with these costs less than hashing it.
#[derive(Debug)]
pub struct RecentSymbols([Symbol; RECENT_SYMBOLS]);

impl Default for RecentSymbols {
    /// Symbols that no interner gives.
    fn default() -> Self {
        RecentSymbols([Symbol(u32::MAX); RECENT_SYMBOLS])
    }
}

/// The size of a place, and of an entry in a hash table that is two thirds full.
const BYTES_PER_STRING: usize = 72;

/// Distinct strings, each stored once. The hash is randomly seeded, because attackers choose the
/// strings.
#[derive(Debug, Default)]
pub struct Interner {
    text: String,
    places: Vec<TextSpan>,
    table: HashTable<InternEntry>,
    hasher: RandomState,
    scratch: Vec<u8>,
}

/// The position of a string in the shared text.
#[derive(Debug, Clone, Copy)]
struct TextSpan {
    start: usize,
    len: usize,
}

/// The position of a string, with its hash: most look-ups need nothing else.
#[derive(Debug)]
struct InternEntry {
    hash: u64,
    place: TextSpan,
    symbol: Symbol,
}

impl TextSpan {
    #[inline]
    fn of(self, text: &str) -> &str {
        text.get(self.start..self.start + self.len)
            .unwrap_or_default()
    }

    /// Returns whether the string is `bytes`.
    #[inline]
    fn is(self, text: &str, bytes: &[u8]) -> bool {
        // As bytes, since the ends of a character need not be looked for.
        self.len == bytes.len()
            && text.as_bytes().get(self.start..self.start + self.len) == Some(bytes)
    }
}

impl Interner {
    /// Returns the string of a symbol of this interner; an unknown symbol gives an empty string.
    pub fn get(&self, symbol: Symbol) -> &str {
        self.places
            .get(symbol.index())
            .map_or("", |place| place.of(&self.text))
    }

    /// The number of distinct strings.
    pub fn count(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// The size of all strings in bytes.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// About how many bytes the interner takes.
    pub fn memory_bytes(&self) -> usize {
        self.text.len() + self.places.len() * BYTES_PER_STRING
    }

    /// Returns the symbol of a text from a document.
    #[inline]
    pub fn text(&mut self, text: JsonText<'_>) -> Symbol {
        match text.unescaped() {
            Some(raw) => self.bytes(raw),
            None => {
                let mut scratch = std::mem::take(&mut self.scratch);
                scratch.clear();
                text.decode_into(&mut scratch);
                let symbol = self.bytes(&scratch);
                self.scratch = scratch;
                symbol
            }
        }
    }

    /// Like [`Interner::text`], but fast if the text is one of those that were seen last.
    #[inline]
    pub fn recent_text(&mut self, text: JsonText<'_>, recent: &mut RecentSymbols) -> Symbol {
        if let Some(raw) = text.unescaped() {
            for at in 0..RECENT_SYMBOLS {
                let symbol = recent.0[at];
                if let Some(place) = self.places.get(symbol.index())
                    && place.is(&self.text, raw)
                {
                    recent.0.swap(0, at);
                    return symbol;
                }
            }
        }
        let symbol = self.text(text);
        recent.0.rotate_right(1);
        recent.0[0] = symbol;
        symbol
    }

    /// Returns the symbol of a string.
    pub fn string(&mut self, string: &str) -> Symbol {
        self.bytes(string.as_bytes())
    }

    /// Returns the symbol of bytes as text. Invalid UTF-8 becomes U+FFFD.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Symbol {
        let hash = self.hasher.hash_one(bytes);
        let same = |entry: &InternEntry| entry.place.is(&self.text, bytes);
        match self.table.find(hash, same) {
            Some(entry) => entry.symbol,
            None => self.add(bytes, hash),
        }
    }

    #[cold]
    fn add(&mut self, bytes: &[u8], hash: u64) -> Symbol {
        let Ok(string) = str::from_utf8(bytes) else {
            return self.bytes(String::from_utf8_lossy(bytes).as_bytes());
        };
        // Memory is exhausted long before four billion distinct strings.
        let symbol = Symbol(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        let place = TextSpan {
            start: self.text.len(),
            len: string.len(),
        };
        self.text.push_str(string);
        self.places.push(place);
        let entry = InternEntry {
            hash,
            place,
            symbol,
        };
        self.table.insert_unique(hash, entry, |entry| entry.hash);
        symbol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_symbol_however_they_are_written() {
        let mut strings = Interner::default();
        let plain = strings.string("a\"b");
        assert_eq!(strings.string(""), Symbol(1));
        let mut scanner = crate::event::scan::JsonScanner::new(br#""a\"b""#, 0);
        assert_eq!(strings.text(scanner.string().unwrap()), plain);
        assert_eq!(strings.get(plain), "a\"b");
        let broken = strings.text(JsonText::plain(b"x\xff"));
        assert_eq!(strings.get(broken), "x\u{fffd}");
        assert_eq!(strings.text(JsonText::plain(b"x\xff")), broken);
    }

    #[test]
    fn a_recent_symbol_is_not_mistaken_for_another_text() {
        let mut strings = Interner::default();
        let mut recent = RecentSymbols::default();
        let mut symbols = |texts: &[&'static str]| -> Vec<u32> {
            let texts = texts.iter().map(|text| JsonText::plain(text.as_bytes()));
            let symbols = texts.map(|text| strings.recent_text(text, &mut recent).0);
            symbols.collect()
        };
        assert_eq!(
            symbols(&["a", "a", "ab", "a", "", "ab"]),
            [0, 0, 1, 0, 2, 1]
        );
        assert_eq!(
            symbols(&["c", "d", "e", "a", "c", "ab"]),
            [3, 4, 5, 0, 3, 1]
        );
    }
}
