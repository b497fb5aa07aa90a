//! Letters that may be written in two ways: `é` as one character, or as `e` with an accent behind it
//! (macOS writes names of files so). To people they are the same, so they meet wherever text is
//! looked for. What is stored and sent stays as it came.
//!
//! Must not know what a text is for.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// The text with its letters composed (Unicode's NFC).
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    // Below U+0300, whose first byte is this, nothing can be composed.
    let is_plain = text.bytes().all(|byte| byte < 0xCC);
    if is_plain || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// The text as it is compared in a search: in small letters, composed.
pub(crate) fn folded(text: &str) -> String {
    let small = text.to_lowercase();
    match composed(&small) {
        Cow::Owned(composed) => composed,
        Cow::Borrowed(_) => small,
    }
}

/// The text as it is put in order: in small letters, each without its accents (U+0300 to U+036F), and `ss` for `ß`. So
/// `Äpfel` stands by `Apfel`, as in a dictionary; which comes first of the two is not said. The pages do the same
/// (`task-rules.js`).
pub(crate) fn alphabetical(text: &str) -> String {
    let small = text.to_lowercase();
    if small.is_ascii() {
        return small;
    }
    let bare = small.nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    bare.collect::<String>().replace('ß', "ss")
}

/// Whether two texts are the same to a reader.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a == b || (!a.is_ascii() && !b.is_ascii() && composed(a) == composed(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_accents_stand_by_those_without() {
        let mut words = [
            "Zebra",
            "Äpfel",
            "Apfel 2",
            "Straße 2",
            "Strasse 1",
            "apfel",
            "Éclair",
            "o\u{308}l",
            "Ofen",
        ];
        words.sort_by_key(|word| alphabetical(word));
        let expected = [
            "Äpfel",
            "apfel",
            "Apfel 2",
            "Éclair",
            "Ofen",
            "o\u{308}l",
            "Strasse 1",
            "Straße 2",
            "Zebra",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn composed_and_decomposed_letters_meet_whatever_the_case() {
        for (a, b) in [
            ("Gro\u{308}ße", "GRÖßE"),
            ("I\u{302}le d'E\u{301}te\u{301}", "île d'été"),
            ("\u{1100}\u{1161}\u{11a8}", "각"),
            ("e\u{323}\u{302}", "E\u{302}\u{323}"),
            ("a\u{30a}", "\u{212b}"),
            ("plain", "PLAIN"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("ﬁ"), folded("fi"), "what only looks alike stays apart");
        assert!(is_same("e\u{301}", "é") && !is_same("e", "é") && !is_same("É", "é"));
        assert!(matches!(composed("Größe"), Cow::Borrowed(_)));
    }
}
