//! Names of APIs with the date of their version.

/// An API's name without the date of its version, which Lambda and CloudFront append:
/// `GetFunction20150331v2`, `CreateDistribution2020_05_31`.
pub fn without_version(name: &str) -> &str {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let of_revision = digits(name);
    let before = &name[..name.len() - of_revision];
    let dated = match before.strip_suffix('v').filter(|_| of_revision > 0) {
        Some(dated) => dated,
        None => name,
    };
    let date = dated
        .bytes()
        .rev()
        .take_while(|b| b.is_ascii_digit() || *b == b'_');
    let (short, date) = dated.split_at(dated.len() - date.count());
    let parts: Vec<usize> = date.split('_').map(str::len).collect();
    let is_date = matches!(parts.as_slice(), [8] | [4, 2, 2]) && date.starts_with("20");
    match is_date && !short.is_empty() {
        true => short,
        false => name,
    }
}
