//! As much of HTTP/1.1 as the emulator and the SDK speak to each other.

use std::io::{self, BufRead, Read as _, Write};

/// A request or a response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// The request line or status line.
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn new(start: &str, body: &[u8]) -> Message {
        Message {
            start: start.to_owned(),
            headers: vec![("Content-Length".to_owned(), body.len().to_string())],
            body: body.to_vec(),
        }
    }

    /// Reads the next message of a connection; `None` if the other side closed it.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Message>> {
        let mut message = Message::read_head(from)?;
        if let Some(message) = &mut message {
            let mut body = vec![0; message.length()];
            from.read_exact(&mut body)?;
            message.body = body;
        }
        Ok(message)
    }

    /// Reads the response to a HEAD request, which announces a body that does not come.
    pub(crate) fn read_head(from: &mut impl BufRead) -> io::Result<Option<Message>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match from.by_ref().take(1 << 16).read_line(&mut line)? {
                0 if lines.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ if line.trim_end().is_empty() => break,
                _ => lines.push(line.trim_end().to_owned()),
            }
        }
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        Ok(Some(Message {
            headers: headers
                .map(|(name, value)| (name.into(), value.trim().into()))
                .collect(),
            start: lines.swap_remove(0),
            body: Vec::new(),
        }))
    }

    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(self.head().as_bytes())?;
        to.write_all(&self.body)?;
        to.flush()
    }

    pub(crate) fn head(&self) -> String {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.start, headers.collect::<String>())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        Some(&header.1)
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        let code = self
            .start
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        code.unwrap_or_default()
    }

    fn length(&self) -> usize {
        let length = self
            .header("Content-Length")
            .and_then(|text| text.parse().ok());
        length.unwrap_or_default()
    }
}

/// A page of HTML, as a proxy or gateway answers.
pub(crate) fn page(status: u16) -> Message {
    let start = format!("HTTP/1.1 {status} Played");
    let mut page = Message::new(&start, b"<html><body>Sorry</body></html>");
    let kind = ("Content-Type".to_owned(), "text/html".to_owned());
    page.headers.push(kind);
    page
}

/// Writes a path so that it can stand in a request line.
pub(crate) fn encode(path: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => {
            char::from(b).to_string()
        }
        _ => format!("%{b:02X}"),
    };
    path.bytes().map(byte).collect()
}

/// Reads what [`encode`] writes.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&b, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| b == b'%');
        let code = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(b));
        rest = &behind[if code.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
