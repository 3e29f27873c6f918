//! A mail server that takes everything and reads nothing.
//!
//! It answers what a sender expects, counts the mails, and drops them. It shares the machine with
//! the server that is measured, so it does as little as the protocol allows.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Listens until the process ends.
pub struct SmtpSink {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
}

impl SmtpSink {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound listener has an address");
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                // An error here is a sender that went away.
                thread::spawn(move || drop(serve(&stream, &counter)));
            }
        });
        Self { address, taken }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Mails taken so far.
    pub fn count(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

fn serve(stream: &TcpStream, taken: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::with_capacity(64 << 10, stream);
    let mut to = stream;
    to.write_all(b"220 sink\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let command = line.get(..4).unwrap_or_default();
        match command {
            b"DATA" => {
                to.write_all(b"354 go on\r\n")?;
                while line != b".\r\n" {
                    line.clear();
                    if from.read_until(b'\n', &mut line)? == 0 {
                        return Ok(());
                    }
                }
                taken.fetch_add(1, Ordering::Relaxed);
                to.write_all(b"250 taken\r\n")?;
            }
            b"QUIT" => return to.write_all(b"221 bye\r\n"),
            _ => to.write_all(b"250 yes\r\n")?,
        }
    }
}
