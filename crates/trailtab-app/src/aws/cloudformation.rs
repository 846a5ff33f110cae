//! The parameters and outputs of a CloudFormation stack.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use super::endpoint::DirectService;
use super::query;
use super::xml::elements;

const CLOUDFORMATION: DirectService = DirectService {
    id: "CloudFormation",
    name: "cloudformation",
};

/// A stack as it was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeployedStack {
    /// The values of its parameters, by key.
    pub parameters: BTreeMap<String, String>,
    /// The values of its outputs, by key.
    pub outputs: BTreeMap<String, String>,
}

/// The name of a stack: a letter, then letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackName(String);

/// Why a text is no name of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stack's name is a letter and up to 127 letters, digits and hyphens")]
pub struct InvalidStackName;

impl std::str::FromStr for StackName {
    type Err = InvalidStackName;

    fn from_str(text: &str) -> Result<StackName, InvalidStackName> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.len() <= 128
            && text.bytes().all(is_part);
        is_name
            .then(|| StackName(text.to_owned()))
            .ok_or(InvalidStackName)
    }
}

impl StackName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Describes a stack with `cloudformation:DescribeStacks`.
///
/// # Errors
///
/// Returns the reason of the failure.
pub async fn describe_stack(config: &SdkConfig, name: &StackName) -> Result<DeployedStack, String> {
    // A name needs no form encoding.
    let body = format!(
        "Action=DescribeStacks&Version=2010-05-15&StackName={}",
        name.as_str()
    );
    let xml = query::ask(config, &CLOUDFORMATION, body).await?;
    Ok(DeployedStack {
        parameters: pairs(&xml, "ParameterKey", "ParameterValue"),
        outputs: pairs(&xml, "OutputKey", "OutputValue"),
    })
}

/// The keys and values of a list of members. Each member of the lists that are meant has one of both.
fn pairs(xml: &str, key: &str, value: &str) -> BTreeMap<String, String> {
    let members = xml.split("<member>");
    let pairs = members.filter_map(|member| {
        let key = elements(member, key).next()?;
        let value = elements(member, value).next().unwrap_or_default();
        Some((key.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_one_member() {
        let xml = "<Stacks><member><Parameters><member><ParameterKey>A</ParameterKey><ParameterValue/></member>\
                   <member><ParameterValue>2</ParameterValue><ParameterKey>B</ParameterKey></member></Parameters>\
                   <Outputs><member><OutputKey>C</OutputKey><OutputValue>3</OutputValue></member></Outputs></member></Stacks>";
        let expected = [("A", ""), ("B", "2")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(
            pairs(xml, "ParameterKey", "ParameterValue"),
            BTreeMap::from(expected)
        );
        assert_eq!(pairs(xml, "OutputKey", "OutputValue")["C"], "3");
        assert_eq!(pairs("", "OutputKey", "OutputValue").len(), 0);
    }

    #[test]
    fn names_that_cannot_be_stacks_are_refused() {
        for text in ["", "1a", "a b", "a&Action=DeleteStack", "ä", "a_b"] {
            assert_eq!(text.parse::<StackName>(), Err(InvalidStackName), "{text}");
        }
        assert_eq!("a".repeat(129).parse::<StackName>(), Err(InvalidStackName));
        assert!("Trail-1".parse::<StackName>().is_ok());
    }
}
