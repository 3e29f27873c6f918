//! A server on loopback that gives the answers of a case, and notes what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::case::Answer;

pub struct Server {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answers: Vec<(Answer, bool)>,
    requests: Vec<(String, String)>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("the port that was bound");
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || converse(stream, &shared));
            }
        });
        Server { address, state }
    }

    pub fn answer(&self, answers: Vec<Answer>) {
        let mut state = self.state.lock().expect("no thread panics");
        state.answers = answers.into_iter().map(|answer| (answer, false)).collect();
    }

    pub fn requests(&self) -> Vec<(String, String)> {
        self.state.lock().expect("no thread panics").requests.clone()
    }
}

fn converse(stream: TcpStream, state: &Mutex<State>) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some((line, body)) = request(&mut reader) {
        let to = line.split(['?', '[']).next().unwrap_or_default().trim_end().to_owned();
        let answer = {
            let mut state = state.lock().expect("no thread panics");
            state.requests.push((line, body));
            state.next(&to)
        };
        match answer.how.as_str() {
            "close" => return,
            "hang" => {
                let _ = reader.read_to_end(&mut Vec::new());
                return;
            }
            how => {
                let (status, media_type) = how.split_once(' ').unwrap_or((how, ""));
                let mut head = format!("HTTP/1.1 {status} Status\r\n");
                if !media_type.is_empty() {
                    head.push_str(&format!("Content-Type: {media_type}\r\n"));
                }
                head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
                if writer.write_all((head + &answer.body).as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

impl State {
    fn next(&mut self, to: &str) -> Answer {
        let fits = |entry: &&mut (Answer, bool)| entry.0.to == to;
        if let Some((answer, used)) =
            self.answers.iter_mut().filter(|(_, used)| !used).find(|entry| fits(entry))
        {
            *used = true;
            return answer.clone();
        }
        if let Some((answer, _)) = self.answers.iter_mut().rev().find(fits) {
            return answer.clone();
        }
        let (how, body) = match to.starts_with("GET ") && to.ends_with("/api/v2/status") {
            true => ("200 application/json", STATUS),
            false => ("404 text/plain; charset=utf-8", "404 page not found\n"),
        };
        Answer { to: to.to_owned(), how: how.to_owned(), body: body.to_owned() }
    }
}

/// The first line without the version, with the credentials if there are some; and the body.
fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut shown = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" | "content-type" | "x-scope-orgid" => {
                shown.push_str(&format!(" [{}:{value}]", name.to_ascii_lowercase()));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((shown, String::from_utf8_lossy(&body).into_owned()))
}

/// What a server answers unless the recording says otherwise.
const STATUS: &str = r#"{"cluster":{"name":"01CLUSTER","peers":[],"status":"ready"},"config":{"original":"route:\n  receiver: x\n"},"uptime":"2020-01-01T00:00:00.000Z","versionInfo":{"branch":"HEAD","buildDate":"20200101","buildUser":"me","goVersion":"go1","revision":"abc","version":"0.35.0"}}"#;
