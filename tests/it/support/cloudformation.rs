//! CloudFormation's DescribeStacks on one port of this machine, for one stack.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::http::Message;

/// A stack that is deployed.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    pub(crate) parameters: Vec<(&'static str, &'static str)>,
    pub(crate) outputs: Vec<(&'static str, &'static str)>,
}

impl Stack {
    /// Starts the service, which knows this stack only; returns its URL. It ends with the process.
    pub(crate) fn serve(self) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A closed connection is not an error of the service.
                drop(self.answer_all(stream));
            }
        });
        url
    }

    fn answer_all(&self, stream: TcpStream) -> io::Result<()> {
        let mut client = BufReader::new(stream);
        while let Some(request) = Message::read(&mut client)? {
            self.answer(&request).write(client.get_mut())?;
        }
        Ok(())
    }

    fn answer(&self, request: &Message) -> Message {
        let body = String::from_utf8_lossy(&request.body);
        let signed = request.header("authorization").unwrap_or_default();
        let (status, xml) = if !signed.contains("/cloudformation/aws4_request") {
            (
                403,
                error(
                    "MissingAuthenticationToken",
                    "Request is missing Authentication Token",
                ),
            )
        } else if !body.starts_with("Action=DescribeStacks&Version=2010-05-15&") {
            (400, error("InvalidAction", "Could not find operation"))
        } else if body.ends_with(&format!("&StackName={}", self.name)) {
            (200, self.description())
        } else {
            let name = body.rsplit('=').next().unwrap();
            let message = format!("Stack with id {name} does not exist");
            (400, error("ValidationError", &message))
        };
        let mut answer = Message::new(&format!("HTTP/1.1 {status} Played"), xml.as_bytes());
        let kind = ("Content-Type".to_owned(), "text/xml".to_owned());
        answer.headers.push(kind);
        answer
    }

    fn description(&self) -> String {
        let list = |name: &str, pairs: &[(&str, &str)]| {
            let members: String = pairs
                .iter()
                .map(|(key, value)| {
                    format!(
                        "<member><{name}Key>{key}</{name}Key>\n<{name}Value>{value}</{name}Value></member>"
                    )
                })
                .collect();
            format!("<{name}s>{members}</{name}s>\n")
        };
        format!(
            "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
             <DescribeStacksResult><Stacks><member><StackName>{}</StackName>{}{}\
             <StackStatus>UPDATE_COMPLETE</StackStatus><Tags/></member></Stacks></DescribeStacksResult>\
             </DescribeStacksResponse>",
            self.name,
            list("Parameter", &self.parameters),
            list("Output", &self.outputs),
        )
    }
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
}
