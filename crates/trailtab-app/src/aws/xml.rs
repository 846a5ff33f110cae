//! Reads single elements of XML that AWS answers with.

/// The text of all elements with a name and no child elements. Unescapes nothing: region names,
/// codes and names of resources contain no XML special characters.
pub(super) fn elements<'t>(xml: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let tags = xml.split('<').skip(1).filter_map(|tag| tag.split_once('>'));
    let texts = tags
        .filter(move |(tag, _)| *tag == name)
        .map(|(_, text)| text.trim());
    texts.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn elements_are_found() {
        let xml = "<a><regionName> eu-west-1 </regionName><b/><regionName>x</regionName><regionName/></a>";
        assert_eq!(
            elements(xml, "regionName").collect::<Vec<_>>(),
            ["eu-west-1", "x"]
        );
        assert_eq!(elements("", "Code").count(), 0);
    }
}
