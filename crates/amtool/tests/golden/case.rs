//! Cases as text.
//!
//! ```text
//! == a name
//! args: alert query --alertmanager.url=http://{server} 'a word with spaces'
//! env: COLUMNS=60
//! file: config/amtool/config.yml
//! | a line of the file
//! stdin:
//! | a line, with a line feed behind it
//! > the end, without one
//! answer: GET /api/v2/alerts 200 application/json
//! > []
//! unordered
//! --
//! request: GET /api/v2/status
//! stdout:
//! | a line
//! exit: 0
//! ```
//!
//! `{server}`, `{dir}` and `{now+60}` (seconds) stand for what differs from run to run.

use std::fmt;

/// One call of the program.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub name: String,
    pub comment: Vec<String>,
    pub arguments: String,
    pub environment: Vec<(String, String)>,
    pub files: Vec<(String, String)>,
    /// `None`: a device without anything to read.
    pub stdin: Option<String>,
    pub answers: Vec<Answer>,
    /// Whether requests and lines come in any order.
    pub is_unordered: bool,
    pub done: Done,
}

/// What the server does about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `GET /api/v2/alerts`
    pub to: String,
    /// `200 application/json`, `hang` or `close`.
    pub how: String,
    pub body: String,
}

/// What the program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub requests: Vec<(String, String)>,
    pub stdout: String,
    pub stderr: String,
    pub exit: u8,
}

impl Case {
    /// The words of the arguments.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut is_quoted = false;
        for c in self.arguments.chars() {
            match c {
                '\'' => {
                    is_quoted = !is_quoted;
                    word.get_or_insert_default();
                }
                ' ' if !is_quoted => words.extend(word.take()),
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        words
    }

    /// All but what was done.
    pub fn setup(&self) -> String {
        let mut out = String::new();
        for line in &self.comment {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str(&format!("args: {}\n", self.arguments));
        for (name, value) in &self.environment {
            out.push_str(&format!("env: {name}={value}\n"));
        }
        for (path, text) in &self.files {
            out.push_str(&format!("file: {path}\n{}", barred(text)));
        }
        if let Some(text) = &self.stdin {
            out.push_str(&format!("stdin:\n{}", barred(text)));
        }
        for Answer { to, how, body } in &self.answers {
            out.push_str(&format!("answer: {to} {how}\n{}", barred(body)));
        }
        if self.is_unordered {
            out.push_str("unordered\n");
        }
        out
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "== {}\n{}--\n{}", self.name, self.setup(), self.done)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, body) in &self.requests {
            write!(f, "request: {line}\n{}", barred(body))?;
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "{name}:\n{}", barred(text))?;
            }
        }
        writeln!(f, "exit: {}", self.exit)
    }
}

/// Reads all cases of a file.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    let mut into = Into::Nothing;
    for (index, line) in text.lines().enumerate() {
        let fault = || format!("line {}: {line}", index + 1);
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            into = Into::Nothing;
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let case = cases.last_mut().ok_or_else(fault)?;
        if let Some((text, end)) = bar(line) {
            let target = into.of(case).ok_or_else(fault)?;
            target.push_str(text);
            target.push_str(end);
            continue;
        }
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim_start();
        into = match key {
            _ if key.starts_with('#') => {
                case.comment.push(line[1..].trim_start().to_owned());
                Into::Nothing
            }
            "args" => {
                case.arguments = value.to_owned();
                Into::Nothing
            }
            "env" => {
                let (name, value) = value.split_once('=').ok_or_else(fault)?;
                case.environment.push((name.to_owned(), value.to_owned()));
                Into::Nothing
            }
            "file" => {
                case.files.push((value.to_owned(), String::new()));
                Into::File
            }
            "stdin" => {
                case.stdin = Some(String::new());
                Into::Stdin
            }
            "answer" => {
                case.answers.push(answer(value).ok_or_else(fault)?);
                Into::Answer
            }
            "unordered" => {
                case.is_unordered = true;
                Into::Nothing
            }
            "--" => Into::Nothing,
            "request" => {
                case.done.requests.push((value.to_owned(), String::new()));
                Into::Request
            }
            "stdout" => Into::Stdout,
            "stderr" => Into::Stderr,
            "exit" => {
                case.done.exit = value.parse().map_err(|_| fault())?;
                Into::Nothing
            }
            _ => return Err(fault()),
        };
    }
    Ok(cases)
}

/// `GET /api/v2/alerts 200 application/json`
fn answer(text: &str) -> Option<Answer> {
    let mut words = text.splitn(3, ' ');
    let to = format!("{} {}", words.next()?, words.next()?);
    Some(Answer { to, how: words.next()?.to_owned(), body: String::new() })
}

/// What lines with bars belong to.
enum Into {
    Nothing,
    File,
    Stdin,
    Answer,
    Request,
    Stdout,
    Stderr,
}

impl Into {
    fn of<'a>(&self, case: &'a mut Case) -> Option<&'a mut String> {
        match self {
            Into::Nothing => None,
            Into::File => case.files.last_mut().map(|(_, text)| text),
            Into::Stdin => case.stdin.as_mut(),
            Into::Answer => case.answers.last_mut().map(|answer| &mut answer.body),
            Into::Request => case.done.requests.last_mut().map(|(_, body)| body),
            Into::Stdout => Some(&mut case.done.stdout),
            Into::Stderr => Some(&mut case.done.stderr),
        }
    }
}

/// The text of a line with a bar, and what follows it.
fn bar(line: &str) -> Option<(&str, &'static str)> {
    match line {
        "|" => Some(("", "\n")),
        ">" => Some(("", "")),
        _ => {
            let ends = line.strip_prefix("| ").map(|text| (text, "\n"));
            ends.or_else(|| line.strip_prefix("> ").map(|text| (text, "")))
        }
    }
}

fn barred(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some("") => out.push_str("|\n"),
            Some(line) => out.push_str(&format!("| {line}\n")),
            None => out.push_str(&format!("> {line}\n")),
        }
    }
    out
}
