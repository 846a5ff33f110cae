//! Writes mails and messages to files, for inspection before anything is sent.

use std::path::PathBuf;

use super::OutgoingMail;
use crate::deliver::files::{self, NewFile, WriteError};
use crate::deliver::temporary::Readers;
use trailtab_render::escape;

/// A directory of mails.
#[derive(Debug)]
pub struct MailFolder {
    directory: PathBuf,
}

impl MailFolder {
    /// Creates the directory with mode 0700.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn create(directory: PathBuf) -> Result<MailFolder, WriteError> {
        files::make_private_directory(&directory, &directory)?;
        Ok(MailFolder { directory })
    }

    /// Writes `NAME.eml`, and `NAME.html` if the mail has a page; or `NAME_2` and so on if that
    /// name is taken.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn write(&self, message: &OutgoingMail) -> Result<(), WriteError> {
        let mut new = vec![NewFile {
            ending: ".eml",
            bytes: &message.bytes,
        }];
        new.extend(message.page.as_ref().map(|page| NewFile {
            ending: ".html",
            bytes: page.as_bytes(),
        }));
        let stem = self.directory.join(escape::file_name(&message.name));
        files::create_together(&stem, &new, &[".html"], Readers::Owner).map(drop)
    }

    /// Writes a channel's message to `NAME.json`, or `NAME_2.json` and so on if that name is taken.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn write_json(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let ending = ".json";
        let stem = self.directory.join(escape::file_name(name));
        let new = [NewFile { ending, bytes }];
        files::create_together(&stem, &new, &[], Readers::Owner).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn message(name: &str) -> OutgoingMail {
        OutgoingMail {
            from: "costs@example.com".to_owned(),
            to: "ann@example.com".to_owned(),
            bytes: name.as_bytes().to_vec(),
            name: name.to_owned(),
            page: Some(format!("<p>{name}</p>")),
        }
    }

    /// The predecessor wrote the charts of users with equal local parts to the same file.
    #[test]
    fn no_mail_takes_the_place_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let folder = MailFolder::create(directory.path().join("mails")).unwrap();
        let long = "x".repeat(500);
        let names = [
            "manager ann@example.com",
            "manager ann@example.org",
            "manager ANN@example.com",
            "manager/ann@example.com",
            "../../etc/passwd",
            "",
            &long,
            &format!("{long}y"),
        ];
        for name in names {
            folder.write(&message(name)).unwrap();
        }
        let files = fs::read_dir(directory.path().join("mails")).unwrap();
        let mut contents: Vec<_> = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().unwrap() == "eml")
            .map(|path| {
                let page = fs::read_to_string(path.with_extension("html")).unwrap();
                let text = fs::read_to_string(path).unwrap();
                assert_eq!(page, format!("<p>{text}</p>"));
                text
            })
            .collect();
        contents.sort_unstable();
        let mut expected = names.map(str::to_owned);
        expected.sort_unstable();
        assert_eq!(contents, expected);
    }
}
