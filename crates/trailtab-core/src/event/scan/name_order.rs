//! Reads the members of objects in the order in which previous objects had them.
//!
//! CloudTrail writes the members of all records in one order and leaves out those without a value. So the next
//! name is one of few, and comparing it with these costs less than finding its end and looking it up.

use super::blocks::ByteBlocks;
use super::name_pattern::NamePattern;
use super::{JsonScanner, JsonText, ScanResult};

/// Number of rows of a [`NameTable`]; a power of two, so that an index needs no check.
const ROWS: usize = 32;

/// The names that the objects of a kind may have, in their usual order.
#[derive(Debug)]
pub struct NameTable([NamePattern; ROWS]);

impl NameTable {
    /// Makes a table of the names of at most 31 members. An empty name matches nothing: it marks a place where objects
    /// begin.
    pub const fn of<M: Copy>(members: &[(&str, M)]) -> NameTable {
        let mut rows = [NamePattern::NEVER; ROWS];
        let mut i = 0;
        while i < members.len() {
            let (name, _) = members[i];
            if !name.is_empty() {
                rows[i] = NamePattern::of(name);
            }
            i += 1;
        }
        NameTable(rows)
    }

    /// The index of a name.
    pub(in crate::event) fn find(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|pattern| pattern.is(name))
    }
}

/// Which names followed which in the objects read so far.
#[derive(Debug, Clone)]
pub struct NameOrder {
    table: &'static NameTable,
    /// The indices of the two names seen last after each name, the newer one first.
    followers: [[u8; 2]; ROWS],
    /// The index of the previous name.
    last: usize,
}

/// What comes next in an object.
#[derive(Debug)]
pub enum NextMember<'a> {
    /// The value of the name with this index in the table.
    Known(usize),
    /// The value of any other name.
    Other(JsonText<'a>),
    /// The object has ended.
    End,
}

impl NameOrder {
    /// The usual order of a table.
    pub const fn of(table: &'static NameTable) -> NameOrder {
        let mut followers = [[0; 2]; ROWS];
        let mut i = 0;
        while i < ROWS {
            followers[i] = [((i + 1) % ROWS) as u8, ((i + 2) % ROWS) as u8];
            i += 1;
        }
        NameOrder {
            table,
            followers,
            last: ROWS - 1,
        }
    }

    /// Continues after the name with this index: with what follows it, or with what an object that
    /// begins there has first.
    #[inline(always)]
    pub fn go_to(&mut self, index: usize) {
        self.last = index;
    }

    /// Continues before the first name of the table.
    #[inline(always)]
    pub fn restart(&mut self) {
        self.last = ROWS - 1;
    }

    /// Reads the next name of the object and the colon after it.
    #[inline(always)]
    pub fn next<'a, B: ByteBlocks>(
        &mut self,
        scanner: &mut JsonScanner<'a, B>,
    ) -> ScanResult<NextMember<'a>> {
        if scanner.skip_comma_or_end() {
            return Ok(NextMember::End);
        }
        let [newer, older] = self.followers[self.last % ROWS];
        for index in [newer, older].map(|index| usize::from(index) % ROWS) {
            if scanner.skip_name(&self.table.0[index]) {
                self.last = index;
                return Ok(NextMember::Known(index));
            }
        }
        scanner.detour(|scanner| self.unexpected(scanner))
    }

    /// Reads a name that is none of the expected ones, or the end of the object.
    #[inline(never)]
    fn unexpected<'a, B: ByteBlocks>(
        &mut self,
        scanner: &mut JsonScanner<'a, B>,
    ) -> ScanResult<NextMember<'a>> {
        loop {
            match scanner.peek()? {
                b'}' => {
                    scanner.bump();
                    return Ok(NextMember::End);
                }
                b',' => scanner.bump(),
                _ => break,
            }
        }
        let name = scanner.name()?;
        let Some(index) = name.with_bytes(|name| self.table.find(name)) else {
            return Ok(NextMember::Other(name));
        };
        let followers = &mut self.followers[self.last % ROWS];
        *followers = [index as u8, followers[0]];
        self.last = index;
        Ok(NextMember::Known(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: NameTable = NameTable::of(&[("a", ()), ("b", ()), ("", ()), ("longer", ())]);

    fn names(order: &mut NameOrder, json: &str) -> String {
        let mut scanner = JsonScanner::new(json.as_bytes(), 0);
        scanner.expect(b'{').unwrap();
        order.restart();
        let mut names = String::new();
        loop {
            match order.next(&mut scanner).unwrap() {
                NextMember::Known(index) => names += &index.to_string(),
                NextMember::Other(name) => names += &format!("({})", name.decode()),
                NextMember::End => return names,
            }
            scanner.skip().unwrap();
        }
    }

    #[test]
    fn any_order_and_layout_gives_the_same_names() {
        let mut order = NameOrder::of(&TABLE);
        for _ in 0..3 {
            assert_eq!(names(&mut order, r#"{"a":1,"b":2,"longer":3}"#), "013");
            assert_eq!(names(&mut order, r#"{"longer":{"a":1},"b":"}"}"#), "31");
            assert_eq!(names(&mut order, "{ \"b\" : 1 ,\n\t\"a\":2 , }"), "10");
            assert_eq!(names(&mut order, r#"{"\u0061":1,"ab":2,"":3}"#), "0(ab)()");
            assert_eq!(names(&mut order, "{}"), "");
        }
    }

    #[test]
    fn a_name_is_not_mistaken_for_a_longer_one_or_a_value() {
        let mut order = NameOrder::of(&TABLE);
        assert_eq!(
            names(&mut order, r#"{"long":1,"longer":2,"longerr":3}"#),
            "(long)3(longerr)"
        );
        assert_eq!(names(&mut order, r#"{"a":"b","a":"longer"}"#), "00");
    }

    #[test]
    fn an_object_that_is_cut_off_is_incomplete_at_each_byte() {
        let json = r#"{"a":1,"b":{"c":[]},"longer":"x"}"#;
        for end in 1..json.len() {
            let mut order = NameOrder::of(&TABLE);
            let mut scanner = JsonScanner::new(&json.as_bytes()[..end], 0);
            scanner.expect(b'{').unwrap();
            let stop = loop {
                match order.next(&mut scanner) {
                    Ok(NextMember::End) => panic!("ended at {end}"),
                    Ok(_) => {}
                    Err(stop) => break stop,
                }
                if let Err(stop) = scanner.skip() {
                    break stop;
                }
            };
            assert_eq!(stop, crate::event::scan::ScanStop::Incomplete, "{end}");
        }
    }
}
