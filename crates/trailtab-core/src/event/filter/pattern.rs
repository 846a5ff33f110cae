//! Patterns of text and of addresses.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use wildmatch::WildMatch;

/// A pattern that matches a whole text.
#[derive(Debug, Clone)]
pub struct TextPattern(WildMatch);

impl TextPattern {
    /// Creates a pattern that matches a whole text. `*` stands for any characters, `?` for exactly
    /// one; case is ignored.
    pub fn new(pattern: &str) -> Self {
        TextPattern(WildMatch::new_case_insensitive(pattern))
    }

    /// Creates a pattern. Without a wildcard, it matches any text that contains it.
    pub fn containing(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) {
            TextPattern::new(pattern)
        } else {
            TextPattern::new(&format!("*{pattern}*"))
        }
    }

    /// Returns whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

/// A network, or a pattern for values that are not addresses.
#[derive(Debug, Clone)]
pub(super) enum OriginPattern {
    /// A network in CIDR notation; it matches the addresses inside.
    Network(IpNet),
    /// A pattern for any other value of `sourceIPAddress`, such as a service's DNS name.
    Name(TextPattern),
}

impl OriginPattern {
    /// Reads an address or a network; other text becomes a pattern.
    pub(super) fn new(text: &str) -> Self {
        match network(text) {
            Some(network) => OriginPattern::Network(network),
            None => OriginPattern::Name(TextPattern::new(text)),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            OriginPattern::Network(network) => addresses(text).any(|address| {
                network.contains(&address) || network.contains(&address.to_canonical())
            }),
            OriginPattern::Name(pattern) => pattern.matches(text),
        }
    }
}

/// Parses a network. An address is the network that contains only this address.
pub fn network(text: &str) -> Option<IpNet> {
    let address = || IpAddr::from_str(text).map(IpNet::from);
    IpNet::from_str(text).or_else(|_| address()).ok()
}

/// The addresses in a `sourceIPAddress`. Some services write those of proxies as well, or a port.
fn addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    parts.filter_map(|part| {
        let address = IpAddr::from_str(part);
        let with_port = || SocketAddr::from_str(part).map(|address| address.ip());
        let in_brackets = || {
            let inner = part.strip_prefix('[')?.strip_suffix(']')?;
            IpAddr::from_str(inner).ok()
        };
        address.or_else(|_| with_port()).ok().or_else(in_brackets)
    })
}
