//! Follows the pages of an answer.

use std::collections::HashSet;

/// The tokens of the pages that were requested.
#[derive(Debug, Default)]
pub struct PageTokens {
    seen: HashSet<String>,
}

/// A page token that was returned twice: following it would never end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pages of the answer lead back to an earlier one")]
pub struct RepeatedPage;

impl PageTokens {
    /// The token of the next page; `None` after the last page.
    ///
    /// # Errors
    ///
    /// Fails if an earlier page had the same token.
    pub fn next(&mut self, token: Option<String>) -> Result<Option<String>, RepeatedPage> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        match self.seen.insert(token.clone()) {
            true => Ok(Some(token)),
            false => Err(RepeatedPage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leads_back_is_an_error() {
        let mut tokens = PageTokens::default();
        let token = |text: &str| Some(text.to_owned());
        assert_eq!(tokens.next(token("a")), Ok(token("a")));
        assert_eq!(tokens.next(token("b")), Ok(token("b")));
        assert_eq!(tokens.next(token("a")), Err(RepeatedPage));
        assert_eq!(tokens.next(token("")), Ok(None));
        assert_eq!(tokens.next(None), Ok(None));
    }
}
