//! Character references, as a browser resolves them in an attribute.
//!
//! Only those of ASCII characters are known by name: the result is looked at for signs that mean
//! something to a script, a style or a URL, and these are all ASCII.

/// The bytes with their references resolved.
pub(in super::super) fn resolve(bytes: &[u8]) -> Vec<u8> {
    let mut resolved = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'&') {
        let (before, reference) = rest.split_at(at);
        resolved.extend_from_slice(before);
        let found = numeric(reference).or_else(|| named(reference));
        let (char, length) = found.unwrap_or(('&', 1));
        resolved.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = reference.get(length..).unwrap_or_default();
    }
    resolved.extend_from_slice(rest);
    resolved
}

/// `&#39;` or `&#x27;`, and its length.
fn numeric(reference: &[u8]) -> Option<(char, usize)> {
    let behind = reference.strip_prefix(b"&#")?;
    let (base, digits, prefix) = match behind.first()? {
        b'x' | b'X' => (16, behind.get(1..)?, 3),
        _ => (10, behind, 2),
    };
    let count = digits.iter().take_while(|byte| char::from(**byte).is_digit(base)).count();
    let digits_text = std::str::from_utf8(digits.get(..count)?).ok()?;
    let semicolon = usize::from(digits.get(count) == Some(&b';'));
    if count == 0 {
        return None;
    }
    let code = u32::from_str_radix(digits_text, base).unwrap_or(u32::MAX);
    let char = char::from_u32(code).filter(|char| *char != '\0');
    Some((char.unwrap_or(char::REPLACEMENT_CHARACTER), prefix + count + semicolon))
}

fn named(reference: &[u8]) -> Option<(char, usize)> {
    NAMES.iter().find_map(|(name, char)| {
        let behind = reference.get(1..)?.strip_prefix(name.as_bytes())?;
        let semicolon = behind.first() == Some(&b';');
        let optional = matches!(*name, "amp" | "lt" | "gt" | "quot" | "AMP" | "LT" | "GT" | "QUOT");
        (semicolon || optional).then(|| (*char, 1 + name.len() + usize::from(semicolon)))
    })
}

const NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("DiacriticalGrave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("VerticalLine", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("nbsp", '\u{a0}'),
    ("NonBreakingSpace", '\u{a0}'),
];
