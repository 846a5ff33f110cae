//! Whose a cost is: the values of a tag, and the names that people know.

use super::report::{Label, LabelKind};

/// Whose a cost is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owner {
    /// The value of the tag, folded and looked up as the settings say.
    Named(String),
    /// Resources that another EC2 instance created: their owner is the name of its role's session, `i-…`.
    Instances,
    /// Without the tag, or with an empty value.
    Untagged,
}

impl Owner {
    /// How it is shown. Labels of ours are in parentheses; a tag's value that looks like one is in quotes,
    /// so that the two stay apart.
    pub(crate) fn label(&self) -> Label {
        let (kind, name) = match self {
            Owner::Named(name) if name.starts_with(['(', '"']) => {
                (LabelKind::Owner, format!("\"{name}\""))
            }
            Owner::Named(name) => (LabelKind::Owner, name.clone()),
            Owner::Instances => (LabelKind::Instances, "(instances i-*)".to_owned()),
            Owner::Untagged => (LabelKind::Untagged, "(untagged)".to_owned()),
        };
        Label { kind, name }
    }
}
