//! What does a server answer to these bytes?
//!
//! A small blocking HTTP/1.1 client on one kept connection. It exists because the tests have to
//! send what no well-behaved client sends (half a request, a wrong length, raw bytes), and because
//! the load generator shares two cores with the server that it measures: a request here costs one
//! write and a few reads, and the body is handed over as it is.
//!
//! In: an address, a method, a path, headers, a body. Out: status, headers, body, or the I/O error.
//! It does not follow redirects, compress, or retry except once on a kept connection that the
//! server closed in the meantime.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One kept connection to one server. Not shared: each thread has its own.
pub struct Client {
    address: SocketAddr,
    timeout: Duration,
    connection: Option<BufReader<TcpStream>>,
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// In the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, timeout: Duration::from_secs(120), connection: None }
    }

    /// Limits how long a single read or write may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
            .unwrap_or_else(|error| panic!("GET {path} of {}: {error}", self.address))
    }

    pub fn post_json(&mut self, path: &str, body: &[u8]) -> Response {
        self.request("POST", path, JSON, body)
            .unwrap_or_else(|error| panic!("POST {path} of {}: {error}", self.address))
    }

    pub fn delete(&mut self, path: &str) -> Response {
        self.request("DELETE", path, &[], b"")
            .unwrap_or_else(|error| panic!("DELETE {path} of {}: {error}", self.address))
    }

    /// Sends one request and reads the whole answer.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut message = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            message.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        message.push_str("\r\n");

        let was_kept = self.connection.is_some();
        match self.exchange(method, message.as_bytes(), body) {
            // A kept connection may have been closed by the other side while it was idle.
            Err(error) if was_kept && is_hang_up(&error) => {
                self.connection = None;
                self.exchange(method, message.as_bytes(), body)
            }
            answer => answer,
        }
    }

    fn exchange(&mut self, method: &str, head: &[u8], body: &[u8]) -> io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::with_capacity(64 << 10, connect(self.address, self.timeout)?),
        };
        let sent = connection.get_mut().write_all(head).and_then(|()| {
            if body.is_empty() { Ok(()) } else { connection.get_mut().write_all(body) }
        });
        // A server may refuse a body before it has read it: its answer is worth more than the
        // broken pipe.
        let answer = read_response(&mut connection, method == "HEAD");
        let answer = match (sent, answer) {
            (_, Ok(answer)) => answer,
            (Err(error), Err(_)) | (Ok(()), Err(error)) => return Err(error),
        };
        if !answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics with the body when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: status {}: {}", self.status, self.text()))
    }

    /// Itself, if the status is `status`; else panics with the body.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected status, body: {}", self.text());
        self
    }
}

/// Opens a connection whose reads and writes do not last longer than `timeout`.
pub fn connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    Ok(stream)
}

/// Reads one answer. `HEAD` answers have a length but no body.
pub fn read_response(from: &mut impl BufRead, is_head: bool) -> io::Result<Response> {
    loop {
        let status_line = read_line(from)?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| invalid(format!("not a status line: {status_line:?}")))?;
        let headers = read_headers(from)?;
        if status == 100 {
            continue;
        }
        let has_body = !is_head && status != 204 && status != 304;
        let body =
            if has_body { read_body(from, &headers, Unframed::ToTheEnd)? } else { Vec::new() };
        return Ok(Response { status, headers, body });
    }
}

/// What a message without a length means: an answer lasts until the end, a request has no body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unframed {
    ToTheEnd,
    Empty,
}

pub(crate) fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

pub(crate) fn read_headers(from: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(from)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) =
            line.split_once(':').ok_or_else(|| invalid(format!("not a header: {line:?}")))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

pub(crate) fn read_body(
    from: &mut impl BufRead,
    headers: &[(String, String)],
    unframed: Unframed,
) -> io::Result<Vec<u8>> {
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, v)| v);
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(from);
    }
    let mut body = Vec::new();
    match header("content-length") {
        Some(length) => {
            let length = length.parse().map_err(|_| invalid(format!("length {length:?}")))?;
            body.resize(length, 0);
            from.read_exact(&mut body)?;
        }
        None if unframed == Unframed::ToTheEnd => {
            from.read_to_end(&mut body)?;
        }
        None => {}
    }
    Ok(body)
}

fn read_chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(from)?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
            .map_err(|_| invalid(format!("not a chunk size: {line:?}")))?;
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..])?;
        read_line(from)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
