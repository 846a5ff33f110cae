//! Mails in files, for whoever wants to look before anything is sent.

use std::collections::HashSet;
use std::path::PathBuf;

use super::Message;
use crate::deliver::files::{self, WriteError};
use crate::render::escape;

/// A directory that takes mails.
#[derive(Debug)]
pub(crate) struct Folder {
    directory: PathBuf,
    /// Names that are taken, in small letters: not every file system tells large ones from them.
    taken: HashSet<String>,
}

impl Folder {
    /// Makes the directory.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(crate) fn create(directory: PathBuf) -> Result<Folder, WriteError> {
        files::make_directory(&directory)?;
        Ok(Folder {
            directory,
            taken: HashSet::new(),
        })
    }

    /// Writes `NAME.eml`, and `NAME.html` if the mail has a page. Two mails never share a name.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(crate) fn write(&mut self, message: &Message) -> Result<(), WriteError> {
        let name = self.name(&message.name);
        let path = |ending| self.directory.join(format!("{name}.{ending}"));
        files::write(&path("eml"), &message.bytes)?;
        match &message.page {
            Some(page) => files::write(&path("html"), page.as_bytes()),
            None => Ok(()),
        }
    }

    fn name(&mut self, wanted: &str) -> String {
        let first = escape::file_name(wanted);
        let mut name = first.clone();
        let mut count = 1_u64;
        while !self.taken.insert(name.to_ascii_lowercase()) {
            count += 1;
            name = format!("{first}-{count}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn message(name: &str) -> Message {
        Message {
            from: "costs@example.com".to_owned(),
            to: "ann@example.com".to_owned(),
            bytes: name.as_bytes().to_vec(),
            name: name.to_owned(),
            page: Some(format!("<p>{name}</p>")),
        }
    }

    /// The predecessor's charts of two users with the same name before the @ lay in one file.
    #[test]
    fn no_mail_takes_the_place_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(directory.path().join("mails")).unwrap();
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
