//! What did servers send, and how was it answered?
//!
//! A [`Sink`] is an HTTP server on loopback that keeps every request and answers as a test wants: it
//! is the webhook that hangs, fails for a while, redirects or never stops sending, and the small
//! target that Prometheus scrapes. Tests wait on its requests with [`Sink::wait_for`].
//!
//! One thread per connection with a small stack; thousands of connections are fine on a test
//! machine and keep the answers independent of each other.

use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Unframed, read_body, read_headers, read_line};
use crate::wait::WAIT_MAX;

/// A listening server; it stops when this is dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub arrived: Instant,
}

/// What the sink does with a request that it has read.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    Text(String),
    /// A status, and the body that explains it.
    Reason(u16, String),
    Redirect {
        status: u16,
        location: String,
    },
    /// Sends nothing until the client goes away or the sink is dropped.
    Hang,
    /// A 200 with a body of so many bytes.
    Flood {
        bytes: u64,
    },
    /// Closes the connection instead of answering.
    Close,
}

type Rule = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    requests: Vec<Request>,
    rule: Rule,
    is_closed: bool,
}

impl Sink {
    /// A sink that answers 200 to everything.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// As [`Sink::start`], on another address of this network.
    pub fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address)
            .unwrap_or_else(|error| panic!("listen on {address}: {error}"));
        let address = listener.local_addr().expect("a bound listener has an address");
        let rule: Rule = Arc::new(|_| Answer::Status(200));
        let shared = Arc::new(Shared {
            state: Mutex::new(State { requests: Vec::new(), rule, is_closed: false }),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on requests are answered by `rule`.
    pub fn answer(&self, rule: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        self.shared.lock().rule = Arc::new(rule);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    pub fn count(&self) -> usize {
        self.shared.lock().requests.len()
    }

    pub fn forget(&self) {
        self.shared.lock().requests.clear();
    }

    /// Waits until `find` finds something in the requests so far; panics with all of them otherwise.
    pub fn wait_for<T>(&self, what: &str, find: impl FnMut(&[Request]) -> Option<T>) -> T {
        self.wait_at_most(WAIT_MAX, what, find)
    }

    /// Waits until there is a request, and returns the first.
    pub fn wait_for_one(&self, what: &str) -> Request {
        self.wait_for(what, |requests| requests.first().cloned())
    }

    /// As [`Sink::wait_for`], for what may take longer.
    pub fn wait_at_most<T>(
        &self,
        timeout: Duration,
        what: &str,
        mut find: impl FnMut(&[Request]) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = find(&state.requests) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what}; came in:\n{}", show(&state.requests));
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}: {}", self.method, self.path, self.text())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Shared {
    /// A test that gives up panics while it looks at the requests, which harms nothing in here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the request, wakes those that wait for it, and returns how to answer it.
    fn record(&self, request: Request) -> Answer {
        let rule = {
            let mut state = self.lock();
            state.requests.push(request.clone());
            Arc::clone(&state.rule)
        };
        self.changed.notify_all();
        rule(&request)
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.is_closed() {
            return;
        }
        let shared = Arc::clone(shared);
        let serving = thread::Builder::new()
            .stack_size(STACK_BYTES)
            // An error here is a client that went away.
            .spawn(move || drop(serve(&stream, &shared)));
        serving.expect("threads are not exhausted");
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    let mut to = stream;
    loop {
        let first = read_line(&mut from)?;
        let headers = read_headers(&mut from)?;
        let body = read_body(&mut from, &headers, Unframed::Empty)?;
        let mut words = first.split(' ').map(str::to_owned);
        let request = Request {
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
            headers,
            body,
            arrived: Instant::now(),
        };
        match shared.record(request) {
            Answer::Status(status) => write_answer(&mut to, status, "", "")?,
            Answer::Text(text) => write_answer(&mut to, 200, "", &text)?,
            Answer::Reason(status, text) => write_answer(&mut to, status, "", &text)?,
            Answer::Redirect { status, location } => {
                write_answer(&mut to, status, &format!("Location: {location}\r\n"), "")?;
            }
            Answer::Hang => return hang(stream, shared),
            Answer::Flood { bytes } => flood(&mut to, bytes)?,
            Answer::Close => return Ok(()),
        }
    }
}

fn write_answer(to: &mut impl Write, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: text/plain\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    to.write_all(answer.as_bytes())
}

fn flood(to: &mut impl Write, bytes: u64) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
    to.write_all(head.as_bytes())?;
    let block = vec![b'x'; 64 << 10];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64) as usize;
        to.write_all(&block[..part])?;
        left -= part as u64;
    }
    Ok(())
}

/// Holds the connection open until the client closes it or the sink is dropped.
fn hang(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut byte = [0];
    while !shared.is_closed() {
        match stream.peek(&mut byte) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn show(requests: &[Request]) -> String {
    let line = |r: &Request| {
        format!("{} {} {}", r.method, r.path, r.text().chars().take(400).collect::<String>())
    };
    requests.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Enough for reading a request, which is on the heap.
const STACK_BYTES: usize = 128 << 10;
