//! A mail server on loopback that says what a test wants it to say, and remembers what it transcript.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub struct MailServerStub {
    pub address: SocketAddr,
    transcript: watch::Receiver<Transcript>,
    task: JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Transcript {
    lines: Vec<String>,
    is_closed: bool,
}

/// What the server does when it has transcript a line.
pub enum Say {
    Text(String),
    /// Agree to `STARTTLS`, and do it.
    Secure,
    /// Neither speak nor hang up any more.
    Hang,
    Close,
    /// This, until the client hangs up.
    Flood(&'static str),
}

impl Say {
    pub fn line(line: &str) -> Self {
        Say::Text(format!("{line}\r\n"))
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

type Answering = dyn Fn(&str) -> Say + Send + Sync;

struct Session {
    answering: Box<Answering>,
    transcript: watch::Sender<Transcript>,
    acceptor: Option<TlsAcceptor>,
}

impl MailServerStub {
    /// For one connection. The greeting is what `answering` says to an empty line; `250` becomes
    /// `220` in it. The lines of a message are answered at the dot.
    pub async fn start(answering: impl Fn(&str) -> Say + Send + Sync + 'static) -> Self {
        Self::listen(Box::new(answering), None, false).await
    }

    /// Can speak TLS; does so from the first byte if it is `implicit`.
    pub async fn start_tls(
        answering: impl Fn(&str) -> Say + Send + Sync + 'static,
        tls: ServerConfig,
        implicit: bool,
    ) -> Self {
        Self::listen(Box::new(answering), Some(TlsAcceptor::from(Arc::new(tls))), implicit).await
    }

    async fn listen(
        answering: Box<Answering>,
        acceptor: Option<TlsAcceptor>,
        implicit: bool,
    ) -> Self {
        // All addresses of the machine's own network, so that a test can call it by another one.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let also = TcpListener::bind(("127.0.0.2", address.port())).await.ok();
        let (sender, transcript) = watch::channel(Transcript::default());
        let task = tokio::spawn(async move {
            let accepted = match also {
                Some(also) => tokio::select! {
                    accepted = listener.accept() => accepted,
                    accepted = also.accept() => accepted,
                },
                None => listener.accept().await,
            };
            let Ok((stream, _)) = accepted else { return };
            let session = Session { answering, transcript: sender, acceptor };
            session.serve(Box::new(stream), implicit).await;
            session.transcript.send_modify(|transcript| transcript.is_closed = true);
        });
        MailServerStub { address, transcript, task }
    }

    /// All lines that it received, once the session is over.
    pub async fn transcript(mut self) -> Vec<String> {
        self.transcript
            .wait_for(|transcript| transcript.is_closed)
            .await
            .expect("it ends")
            .lines
            .clone()
    }

    /// Stops listening; returns its port.
    pub async fn stop(self) -> u16 {
        self.task.abort();
        let _ = self.task.await;
        self.address.port()
    }
}

impl Session {
    async fn serve(&self, stream: Box<dyn Duplex>, implicit: bool) {
        let stream = if implicit { self.secured(stream).await } else { Some(stream) };
        let Some(stream) = stream else { return };
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        let mut in_message = false;
        loop {
            if !in_message {
                let said = (self.answering)(&line);
                match said {
                    Say::Text(text) => {
                        let greeting = line.is_empty() && text.starts_with("250");
                        let text = if greeting { text.replacen("250", "220", 1) } else { text };
                        in_message = text.starts_with("354");
                        if stream.get_mut().write_all(text.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                    Say::Secure => {
                        let agreed = stream.get_mut().write_all(b"220 go on\r\n").await;
                        let Some(inner) = (match agreed {
                            Ok(()) => self.secured(stream.into_inner()).await,
                            Err(_) => return,
                        }) else {
                            return;
                        };
                        stream = BufReader::new(inner);
                    }
                    Say::Hang => return std::future::pending().await,
                    Say::Close => return,
                    Say::Flood(text) => {
                        while stream.get_mut().write_all(text.as_bytes()).await.is_ok() {}
                        return;
                    }
                }
            }
            line.clear();
            let _ = stream.get_mut().flush().await;
            match stream.read_line(&mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            assert!(line.ends_with("\r\n"), "{line:?}");
            line.truncate(line.len() - 2);
            self.transcript.send_modify(|transcript| transcript.lines.push(line.clone()));
            in_message = in_message && line != ".";
        }
    }

    async fn secured(&self, stream: Box<dyn Duplex>) -> Option<Box<dyn Duplex>> {
        let acceptor = self.acceptor.as_ref().expect("this server can speak TLS");
        let stream = acceptor.accept(stream).await.ok()?;
        self.transcript.send_modify(|transcript| transcript.lines.push("(secured)".to_owned()));
        Some(Box::new(stream))
    }
}
