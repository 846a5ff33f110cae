//! Chains of credentials as a tree, and as JSON.

use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};
use serde::Serialize;

use crate::page::{TextPage, TextStyle, counted, fitting_words, plain, thousands, wrap};
use crate::{escape, json, reading};
use trailtab_core::calls::{CallsProvenance, CredentialForest, CredentialNode};

/// Credentials that are listed below those that obtained them. The JSON has all.
const MAX_OBTAINED: usize = 20;

/// Credentials without a link to others that have lines of their own.
const MAX_ALONE_IN_FULL: usize = 5;

/// Fewest terminal columns of a line, however deep it stands.
const MIN_LINE_WIDTH: usize = 24;

/// The JSON of a chain.
#[derive(Serialize)]
struct ChainsJson<'c> {
    #[serde(flatten)]
    forest: &'c CredentialForest,
    #[serde(rename = "_metadata")]
    basis: &'c CallsProvenance,
}

/// Writes chains as JSON.
///
/// # Errors
///
/// Never in practice: the types always serialize.
pub fn chains_json(
    forest: &CredentialForest,
    basis: &CallsProvenance,
) -> serde_json::Result<Vec<u8>> {
    json::ascii(&ChainsJson { forest, basis })
}

/// Renders chains as a page.
pub fn chains(
    forest: &CredentialForest,
    wanted: &str,
    basis: &CallsProvenance,
    look: TextStyle,
) -> String {
    TextPage::render(look, |page| page.chains(forest, wanted, basis))
}

impl TextPage {
    fn chains(
        &mut self,
        forest: &CredentialForest,
        wanted: &str,
        basis: &CallsProvenance,
    ) -> fmt::Result {
        let title = format!("Credentials of {wanted}");
        self.paragraph(&title, 0, &Style::new().bold())?;
        if let Some(no_match) = &basis.no_match {
            self.no_match(no_match, reading::no_match_context(&basis.coverage))?;
        } else if forest.chains.is_empty() {
            let line = "No access key, session, person or principal of this name signed a call that was read, or was issued by one.";
            self.paragraph(line, 0, &Style::new().red())?;
        } else {
            let line = format!(
                "{} in {}; > marks those asked for",
                match forest.matches {
                    1 => "1 match".to_owned(),
                    matches => format!("{} matches", thousands(matches)),
                },
                counted(forest.chains.len() as u64, "chain"),
            );
            self.paragraph(&line, 0, &Style::new())?;
        }
        let (alone, linked): (Vec<_>, Vec<_>) = forest
            .chains
            .iter()
            .partition(|root| root.obtained.is_empty());
        for root in linked {
            writeln!(self.out)?;
            self.credentials(root, "", "", "")?;
        }
        self.credentials_alone(&alone)?;
        self.reading_coverage(&basis.coverage, None, basis.no_match.is_none())
    }

    /// Writes credentials with which none were obtained. A person may have one for each day and account.
    fn credentials_alone(&mut self, roots: &[&CredentialNode]) -> fmt::Result {
        if roots.len() <= MAX_ALONE_IN_FULL {
            return roots.iter().try_for_each(|root| {
                writeln!(self.out)?;
                self.credentials(root, "", "", "")
            });
        }
        let title = format!("{} without a link to others", thousands(roots.len() as u64));
        self.heading(&title)?;
        for root in roots {
            let text = format!("{}: {}, {}", name(root), how(root), what(root));
            self.tree_line("  ", "    ", &text, &Style::new())?;
        }
        Ok(())
    }

    /// Writes credentials and what was obtained with them. `branch` stands before the first line, `stem` before all
    /// others; both begin with the `trunk` of the credentials above.
    fn credentials(
        &mut self,
        node: &CredentialNode,
        trunk: &str,
        branch: &str,
        stem: &str,
    ) -> fmt::Result {
        let style = match node.is_match {
            true => Style::new().bold(),
            false => Style::new(),
        };
        let below = format!("{trunk}{stem}");
        let name = name(node);
        self.tree_line(&format!("{trunk}{branch}"), &below, &name, &style)?;
        let has_more = !node.obtained.is_empty();
        let inner = format!("{below}{}", if has_more { "│  " } else { "   " });
        for line in [how(node), what(node)] {
            self.tree_line(&inner, &inner, &line, &Style::new().dim())?;
        }
        let shown = node.obtained.len().min(MAX_OBTAINED);
        let more = node.obtained.len() - shown;
        for (at, child) in node.obtained.iter().take(shown).enumerate() {
            match at + 1 == shown && more == 0 {
                true => self.credentials(child, &below, "└─ ", "   ")?,
                false => self.credentials(child, &below, "├─ ", "│  ")?,
            }
        }
        if more > 0 {
            writeln!(
                self.out,
                "{below}└─ and {} more, in the JSON",
                thousands(more as u64)
            )?;
        }
        if node.is_cut {
            writeln!(
                self.out,
                "{below}└─ and more: the chain is too long to be shown"
            )?;
        }
        Ok(())
    }

    fn tree_line(&mut self, first: &str, others: &str, text: &str, style: &Style) -> fmt::Result {
        let room = self.look.width.saturating_sub(measure_text_width(others));
        let room = room.max(MIN_LINE_WIDTH);
        let text = fitting_words(&escape::terminal(text), room);
        for (at, line) in wrap(&text, room).iter().enumerate() {
            let head = if at == 0 { first } else { others };
            let line = self.style(style.clone(), line);
            writeln!(self.out, "{head}{line}")?;
        }
        Ok(())
    }
}

fn name(node: &CredentialNode) -> String {
    let mut text = match node.is_match {
        true => "> ".to_owned(),
        false => String::new(),
    };
    text.push_str(match node.principal.is_empty() {
        true => "credentials of an unknown principal",
        false => &node.principal,
    });
    if let Some(session) = &node.session {
        text.push_str(&format!(", session {session}"));
    }
    if let Some(person) = &node.person
        && Some(person) != node.session.as_ref()
        && *person != node.principal
    {
        text.push_str(&format!(", person {person}"));
    }
    if let Some(source) = &node.source_identity
        && Some(source) != node.person.as_ref()
    {
        text.push_str(&format!(", source identity {source}"));
    }
    if let Some(key) = &node.access_key_id {
        text.push_str(&format!(", key {key}"));
    }
    text
}

/// How the credentials were obtained.
fn how(node: &CredentialNode) -> String {
    match (&node.link, node.origin) {
        (Some(link), _) => {
            let time = link.event_time.as_deref();
            let time = time.map_or_else(
                || "at an unknown time".to_owned(),
                |time| format!("at {} UTC", time.replace('T', " ").replace('Z', "")),
            );
            format!(
                "by {} {time} ({}; event {})",
                link.call,
                link.evidence.words(),
                link.event_id
            )
        }
        (None, Some(origin)) => origin.words().to_owned(),
        (None, None) => String::new(),
    }
}

/// What was called with the credentials.
fn what(node: &CredentialNode) -> String {
    if node.calls == 0 {
        return "no call that was read".to_owned();
    }
    let mut text = counted(node.calls, "call");
    if node.failed > 0 {
        text.push_str(&format!(", {} failed", thousands(node.failed)));
    }
    if node.denied > 0 {
        text.push_str(&format!(", {} denied", thousands(node.denied)));
    }
    if let (Some(first), Some(last)) = (&node.first_call, &node.last_call) {
        text.push_str(&format!(", {} – {} UTC", plain(first), plain(last)));
    }
    if !node.addresses.is_empty() {
        let more = if node.has_more_addresses {
            " and others"
        } else {
            ""
        };
        text.push_str(&format!(", from {}{more}", node.addresses.join(", ")));
    }
    text
}
