//! Help texts as they are shown: paragraphs wrapped, what is indented kept as it is.
//!
//! In: a text. Out: lines of a width. The rules are those of Go's comments, as far as these texts use
//! them: lines without indentation are a paragraph, indented ones are code, unless they begin with
//! a dash: then they are a list.

use super::wrap::wrap;

/// How a text is set.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    pub prefix: &'a str,
    pub code_prefix: &'a str,
    /// Without the prefix. Negative: nothing is wrapped. Zero: 80, with the prefix.
    pub width: i64,
}

enum Block<'a> {
    Paragraph(Vec<&'a str>),
    Code(Vec<&'a str>),
    /// The lines of each item.
    List(Vec<Vec<&'a str>>),
}

/// The text, with a line feed at its end unless it is empty.
pub fn shown(text: &str, setting: &Setting<'_>) -> String {
    let mut out = String::new();
    for (index, block) in blocks(text).iter().enumerate() {
        if index > 0 && !matches!(block, Block::List(_)) {
            push_line(&mut out, setting.prefix);
        }
        push_block(&mut out, block, setting);
    }
    out
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_blank = |line: &str| line.trim().is_empty();
    let is_indented = |line: &str| line.starts_with([' ', '\t']);
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if is_blank(lines[at]) {
            at += 1;
            continue;
        }
        let begin = at;
        let indented = is_indented(lines[at]);
        while at < lines.len()
            && (is_indented(lines[at]) == indented || (indented && is_blank(lines[at])))
            && (indented || !is_blank(lines[at]))
        {
            at += 1;
        }
        let mut part = &lines[begin..at];
        while let [rest @ .., last] = part
            && is_blank(last)
        {
            part = rest;
        }
        blocks.push(match (indented, part) {
            (false, _) => Block::Paragraph(part.to_vec()),
            (true, [first, ..]) if first.trim_start().starts_with("- ") => Block::List(items(part)),
            (true, _) => Block::Code(without_margin(part)),
        });
    }
    blocks
}

fn items<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut items: Vec<Vec<&str>> = Vec::new();
    for line in lines {
        match line.trim_start().strip_prefix("- ") {
            Some(first) => items.push(vec![first]),
            None => items.last_mut().into_iter().for_each(|item| item.push(line.trim())),
        }
    }
    items
}

/// Without the blanks that all lines begin with.
fn without_margin<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let margin = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut filled = lines.iter().filter(|line| !line.trim().is_empty());
    let first = filled.next().copied().unwrap_or_default();
    let mut common = &first[..margin(first)];
    for line in filled {
        let same = common.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    lines.iter().map(|line| line.strip_prefix(common).unwrap_or_default()).collect()
}

fn push_block(out: &mut String, block: &Block<'_>, setting: &Setting<'_>) {
    match block {
        Block::Paragraph(lines) => {
            out.push_str(setting.prefix);
            push_words(out, "", lines, setting);
        }
        Block::Code(lines) => {
            for line in lines {
                match line.is_empty() {
                    true => push_line(out, ""),
                    false => push_line(out, &format!("{}{line}", setting.code_prefix)),
                }
            }
        }
        Block::List(items) => {
            for item in items {
                out.push_str(setting.prefix);
                out.push_str("  - ");
                push_words(out, "    ", item, setting);
            }
        }
    }
}

fn push_words(out: &mut String, indent: &str, lines: &[&str], setting: &Setting<'_>) {
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    let width = match setting.width {
        0 => 80 - setting.prefix.len() as i64,
        width => width,
    };
    let one_line = std::iter::once(0..words.len());
    let ranges = match usize::try_from(width) {
        Err(_) => one_line.collect(),
        Ok(width) => wrap(&words, width.saturating_sub(indent.len())),
    };
    for (index, range) in ranges.into_iter().enumerate() {
        if index > 0 {
            out.push_str(setting.prefix);
            out.push_str(indent);
        }
        out.push_str(&words[range].join(" "));
        out.push('\n');
    }
}

/// A line without blanks at its end.
fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end_matches([' ', '\t']));
    out.push('\n');
}
