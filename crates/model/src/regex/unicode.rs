//! Which names stand in `\p{…}`: general categories and scripts, as Go knows them.
//!
//! The engine knows more (properties, ages, short script names); what Go refuses is refused here,
//! so that a configuration is valid on both or on neither.

/// What `\p{name}` stands for, in the engine's syntax; `None` if Go does not know the name.
///
/// Empty for surrogates, which no text has. Letter case, spaces, dashes and underscores are free.
pub(super) fn class_items(name: &str) -> Option<String> {
    let mut canonical = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        canonical.push(if canonical.is_empty() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        });
    }
    let name = canonical.as_str();
    let known = |list: &str| list.split_ascii_whitespace().any(|candidate| candidate == name);
    match name {
        "Cs" | "Surrogate" => Some(String::new()),
        "Any" | "Assigned" | "Ascii" => Some(format!(r"\p{{{name}}}")),
        _ if known(CATEGORIES) => Some(format!(r"\p{{gc={name}}}")),
        _ if known(SCRIPTS) => Some(format!(r"\p{{sc={name}}}")),
        _ => None,
    }
}

const CATEGORIES: &str = "
    C Cc Cf Cn Co L Lc Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z
    Zl Zp Zs
    Casedletter Closepunctuation Combiningmark Connectorpunctuation Control Currencysymbol
    Dashpunctuation Decimalnumber Enclosingmark Finalpunctuation Format Initialpunctuation Letter
    Letternumber Lineseparator Lowercaseletter Mark Mathsymbol Modifierletter Modifiersymbol
    Nonspacingmark Number Openpunctuation Other Otherletter Othernumber Otherpunctuation Othersymbol
    Paragraphseparator Privateuse Punctuation Separator Spaceseparator Spacingmark Symbol
    Titlecaseletter Unassigned Uppercaseletter Cntrl Digit Punct";

/// Names of several words are accepted like the others, though some releases of Go refuse them.
const SCRIPTS: &str = "
    Adlam Ahom Anatolianhieroglyphs Arabic Armenian Avestan Balinese Bamum Bassavah Batak Bengali
    Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadianaboriginal Carian Caucasianalbanian
    Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyprominoan Cyrillic Deseret
    Devanagari Divesakuru Dogra Duployan Egyptianhieroglyphs Elbasan Elymaic Ethiopic Georgian
    Glagolitic Gothic Grantha Greek Gujarati Gunjalagondi Gurmukhi Han Hangul Hanifirohingya
    Hanunoo Hatran Hebrew Hiragana Imperialaramaic Inherited Inscriptionalpahlavi
    Inscriptionalparthian Javanese Kaithi Kannada Katakana Kawi Kayahli Kharoshthi
    Khitansmallscript Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Lineara Linearb Lisu Lycian
    Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaramgondi Medefaidrin
    Meeteimayek Mendekikakui Meroiticcursive Meroitichieroglyphs Miao Modi Mongolian Mro Multani
    Myanmar Nabataean Nagmundari Nandinagari Newa Newtailue Nko Nushu Nyiakengpuachuehmong Ogham
    Olchiki Oldhungarian Olditalic Oldnortharabian Oldpermic Oldpersian Oldsogdian Oldsoutharabian
    Oldturkic Olduyghur Oriya Osage Osmanya Pahawhhmong Palmyrene Paucinhau Phagspa Phoenician
    Psalterpahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Signwriting Sinhala
    Sogdian Sorasompeng Soyombo Sundanese Sylotinagri Syriac Tagalog Tagbanwa Taile Taitham
    Taiviet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic
    Vai Vithkuqi Wancho Warangciti Yezidi Yi Zanabazarsquare";

/// All of them.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CATEGORIES.split_ascii_whitespace().chain(SCRIPTS.split_ascii_whitespace())
}
