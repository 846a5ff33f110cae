//! The connection of SMTP before and after STARTTLS.
//!
//! A reader that buffers may read text that arrives after the answer to STARTTLS, and take it for answers inside TLS,
//! although it was never encrypted: anyone between the two machines can write it (CVE-2011-0411 is the server's side
//! of the same mistake).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{self, TcpStream};
use tokio::time;

/// The type of TLS records in which a handshake goes on.
const TLS_HANDSHAKE_RECORD: u8 = 22;

/// The type of TLS records that tell why there will be no connection.
const TLS_ALERT_RECORD: u8 = 21;

/// The server, or an attacker on the way to it, sent text where TLS had to begin.
#[derive(Debug, thiserror::Error)]
#[error(
    "unencrypted text came where TLS had to begin: the server is faulty, or somebody between writes in its name. Nothing was sent"
)]
struct TextInsteadOfTls;

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carried {
    /// Commands and answers.
    Text,
    /// TLS, of which this side has begun.
    OwnTls,
    /// TLS, of which both sides have begun.
    Tls,
}

/// A TCP connection whose reader never gets more than one byte before TLS begins. So a buffering reader that stops at
/// the end of a line holds nothing of what comes after it.
#[derive(Debug)]
pub(super) struct UnbufferedStream {
    tcp: TcpStream,
    carried: Carried,
}

impl UnbufferedStream {
    /// Connects to the first address of a host that answers, each within the time limit.
    ///
    /// # Errors
    ///
    /// Returns the error of the last address.
    pub(super) async fn connect(
        host: &str,
        port: u16,
        limit: Duration,
    ) -> io::Result<UnbufferedStream> {
        let late = || io::Error::new(ErrorKind::TimedOut, "no answer in time");
        let found = time::timeout(limit, net::lookup_host((host, port)));
        let addresses = found.await.map_err(|_| late())??;
        let mut last = io::Error::other("the host has no address");
        for address in addresses {
            match time::timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    let carried = Carried::Text;
                    return Ok(UnbufferedStream { tcp, carried });
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = late(),
            }
        }
        Err(last)
    }
}

impl AsyncTokioStream for UnbufferedStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

impl AsyncRead for UnbufferedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.carried == Carried::Tls || buffer.remaining() == 0 {
            return Pin::new(&mut self.tcp).poll_read(cx, buffer);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut one))?;
        if let [first] = one.filled()
            && self.carried == Carried::OwnTls
        {
            if ![TLS_HANDSHAKE_RECORD, TLS_ALERT_RECORD].contains(first) {
                return Poll::Ready(Err(io::Error::new(
                    ErrorKind::InvalidData,
                    TextInsteadOfTls,
                )));
            }
            self.carried = Carried::Tls;
        }
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UnbufferedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // No command begins with this control character.
        if self.carried == Carried::Text && bytes.first() == Some(&TLS_HANDSHAKE_RECORD) {
            self.carried = Carried::OwnTls;
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
