//! Somebody between the program and a mail server, who writes in the server's name before TLS begins.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;

/// The answers to a whole mail, with EHLO and the login before it.
const FORGED: &str =
    "250-localhost\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n";

/// Passes connections on to a mail server, and appends forged answers to its answer to STARTTLS, in one segment.
/// Returns the port. Runs until the tests end.
pub(crate) fn start(server: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(("localhost", server)));
            thread::spawn(move || pass_on(client, server?));
        }
    });
    port
}

fn pass_on(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Both)
    });
    let mut is_forged = false;
    let mut buffer = [0; 1 << 14];
    loop {
        let read = match server.read(&mut buffer)? {
            0 => return client.shutdown(Shutdown::Both),
            read => read,
        };
        let mut bytes = buffer[..read].to_vec();
        // The second 220, after the greeting, agrees to TLS.
        if !is_forged && bytes.starts_with(b"220 Ready to start TLS") {
            is_forged = true;
            bytes.extend(FORGED.as_bytes());
        }
        client.write_all(&bytes)?;
    }
}
