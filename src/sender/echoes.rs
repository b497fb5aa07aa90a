//! Echoes: where words of ours stand in a text of somebody else, also as JSON, HTML or a URL write them.
//!
//! The text is read as it is, and again with its escapes undone: so it does not matter which signs of a word are
//! escaped, and how. Must not know what the words are for, nor what becomes of the text.

use std::iter::successors;
use std::ops::Range;

use crate::secret::MASKED_LEAST;

/// How often escapes are undone: an answer within an answer, both JSON, and in it an encoded URL.
const LAYERS: usize = 3;

/// Words to be found: sorted, so that a text is gone through once, however many they are.
pub(super) struct Echoes(Vec<Word>);

/// One of them.
struct Word {
    bytes: Vec<u8>,
    /// Where the longest other word stands that this one begins with.
    begins_with: Option<usize>,
}

impl Echoes {
    /// Those of the words that are long enough.
    pub(super) fn of(words: impl IntoIterator<Item = String>) -> Echoes {
        let words = words.into_iter().filter(|word| word.len() >= MASKED_LEAST);
        let mut sorted: Vec<Vec<u8>> =
            words.map(|word| word.bytes().map(folded).collect()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut words: Vec<Word> = Vec::with_capacity(sorted.len());
        for bytes in sorted {
            // What this one begins with, the one before does too, or is it.
            let mut place = words.len().checked_sub(1);
            while let Some(word) = place.and_then(|place| words.get(place)) {
                if bytes.starts_with(&word.bytes) {
                    break;
                }
                place = word.begins_with;
            }
            words.push(Word { bytes, begins_with: place });
        }
        Echoes(words)
    }

    /// Where they stand in `text`, as it writes them. What overlaps is one place. Of a text that `is_cut`, the end is
    /// one too if a word begins with it.
    pub(super) fn places<'t>(&self, text: &'t str, is_cut: bool) -> Vec<&'t str> {
        if text.len() < MASKED_LEAST {
            return Vec::new();
        }
        let readings = successors(Some(Reading::of(text)), Reading::unescaped).take(1 + LAYERS);
        let mut spans: Vec<Range<usize>> =
            readings.flat_map(|reading| self.spans(&reading, is_cut)).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let mut whole: Vec<Range<usize>> = Vec::new();
        for span in spans {
            match whole.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => whole.push(span),
            }
        }
        let mut places: Vec<&str> = whole.into_iter().filter_map(|span| text.get(span)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The longest word at each place of a reading, as bytes of the text.
    fn spans(&self, reading: &Reading, is_cut: bool) -> Vec<Range<usize>> {
        let span = |at: usize| {
            let length = self.length_at(reading.bytes.get(at..)?, is_cut)?;
            Some(*reading.from.get(at)?..*reading.from.get(at + length)?)
        };
        (0..reading.bytes.len()).filter_map(span).collect()
    }

    /// The length of the longest word that `rest` begins with.
    fn length_at(&self, rest: &[u8], is_cut: bool) -> Option<usize> {
        if rest.len() < MASKED_LEAST {
            return None;
        }
        let above = self.0.partition_point(|word| word.bytes.as_slice() <= rest);
        if is_cut && self.0.get(above).is_some_and(|word| word.bytes.starts_with(rest)) {
            return Some(rest.len());
        }
        // Each word that `rest` begins with is the nearest below it, or one that that begins with.
        let mut word = self.0.get(above.checked_sub(1)?)?;
        let shared = word.bytes.iter().zip(rest).take_while(|(ours, theirs)| ours == theirs);
        let shared = shared.count();
        while word.bytes.len() > shared {
            word = self.0.get(word.begins_with?)?;
        }
        Some(word.bytes.len())
    }
}

/// A plus for a blank: in a query it is one, and which of the two was meant cannot be told.
fn folded(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte }
}

/// A text as somebody reads it who undoes its escapes.
struct Reading {
    bytes: Vec<u8>,
    /// Where in the text each of the bytes begins; one more for the end.
    from: Vec<usize>,
}

impl Reading {
    fn of(text: &str) -> Reading {
        Reading { bytes: text.bytes().map(folded).collect(), from: (0..=text.len()).collect() }
    }

    /// The same with its escapes undone once; none where there are none.
    fn unescaped(&self) -> Option<Reading> {
        if !self.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&')) {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut from = Vec::with_capacity(self.from.len());
        let mut at = 0;
        while let (Some(rest), Some(start)) = (self.bytes.get(at..), self.from.get(at)) {
            if rest.is_empty() {
                break;
            }
            at += unescape(rest, &mut bytes);
            from.resize(bytes.len(), *start);
        }
        from.extend(self.from.last());
        for byte in &mut bytes {
            *byte = folded(*byte);
        }
        // Each escape is longer than what it stands for.
        (bytes.len() < self.bytes.len()).then_some(Reading { bytes, from })
    }
}

/// Adds what `rest` begins with, an escape or a byte, and answers how long that is: never 0 but at the end.
fn unescape(rest: &[u8], into: &mut Vec<u8>) -> usize {
    if let Some(byte) = percent(rest) {
        into.push(byte);
        return 3;
    }
    if let Some((sign, length)) = escape(rest) {
        into.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
        return length;
    }
    into.extend(rest.first());
    1
}

/// `%2F`: a byte, which need not be a whole sign.
fn percent(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', digits @ ..] => u8::try_from(number(digits.get(..2)?, 16)?).ok(),
        _ => None,
    }
}

/// `\/`, `\u002f`, `\x2f` or `&#x2f;`, and how long it is.
fn escape(rest: &[u8]) -> Option<(char, usize)> {
    match rest {
        [b'\\', b'u', digits @ ..] => {
            let unit = number(digits.get(..4)?, 16)?;
            if let Some(sign) = char::from_u32(unit) {
                return Some((sign, 6));
            }
            // The first half of a sign beyond the first 65,536.
            let second = digits.get(4..)?.strip_prefix(b"\\u")?;
            let second = number(second.get(..4)?, 16)?;
            let units = [u16::try_from(unit).ok()?, u16::try_from(second).ok()?];
            Some((char::decode_utf16(units).next()?.ok()?, 12))
        }
        [b'\\', b'x', digits @ ..] => Some((char::from_u32(number(digits.get(..2)?, 16)?)?, 4)),
        [b'\\', sign @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((char::from(*sign), 2)),
        [b'&', name @ ..] => reference(name),
        _ => None,
    }
}

/// What a `&` and this stand for in HTML, and how long both are.
fn reference(name: &[u8]) -> Option<(char, usize)> {
    // `#x10ffff` has no more.
    let end = name.iter().take(9).position(|byte| *byte == b';')?;
    let sign = match name.get(..end)? {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        b"lt" => '<',
        b"gt" => '>',
        _ => return None,
    };
    Some((sign, end + 2))
}

/// A number of a few digits.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let add = |sum: u32, digit: &u8| {
        sum.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    };
    digits.iter().try_fold(0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places<'t>(words: &[&str], text: &'t str) -> Vec<&'t str> {
        Echoes::of(words.iter().map(|word| (*word).to_owned())).places(text, false)
    }

    #[test]
    fn a_word_is_found_however_a_text_writes_it() {
        for (word, text) in [
            ("aB3/dEf9+gH=", "aB3/dEf9+gH="),
            ("aB3/dEf9+gH=", "aB3/dEf9 gH="),
            ("aB3/dEf9+gH=", r"aB3\/dEf9+gH="),
            ("aB3/dEf9+gH=", r"aB3\u002fdEf9\u002BgH\u003d"),
            ("aB3/dEf9+gH=", r"aB3\x2fdEf9+gH\x3D"),
            ("aB3/dEf9+gH=", "aB3%2FdEf9%2BgH%3D"),
            ("aB3/dEf9+gH=", "aB3%2fdEf9%2bgH="),
            ("aB3/dEf9+gH=", "aB3%252FdEf9%252BgH%253D"),
            ("aB3/dEf9+gH=", "aB3&#x2F;dEf9&#43;gH&#61;"),
            ("a%2Fb%2Fc", "a%2Fb%2Fc"),
            ("a%2Fb%2Fc", "a%252Fb%252Fc"),
            ("two words", "two+words"),
            ("two words", "two%20words"),
            (r#"say="yes""#, r#"say=\"yes\""#),
            (r#"say="yes""#, r#"say=\\\"yes\\\""#),
            (r#"say="yes""#, "say=&quot;yes&quot;"),
            ("a&b<c>'d", "a&amp;b&lt;c&gt;&apos;d"),
            (r"back\slash", r"back\\slash"),
            ("größe1", r"gr\u00f6\u00DFe1"),
            ("größe1", "gr%C3%B6%C3%9Fe1"),
            ("key🦀🦀", r"key\ud83e\udd80\uD83E\uDD80"),
        ] {
            let said = format!("<{text}>");
            assert_eq!(places(&[word], &said), [text], "{word}");
        }
    }

    #[test]
    fn the_longest_word_is_found_and_what_overlaps_is_one_place() {
        let words = ["tenant", "tenant42-9f8e", "tenant42-9f9", "9f8e-key"];
        assert_eq!(places(&words, "a tenant42-9f8e!"), ["tenant42-9f8e"]);
        assert_eq!(places(&words, "a tenant42-9f8d!"), ["tenant"]);
        assert_eq!(places(&words, "tenant42-9f8e-key"), ["tenant42-9f8e-key"]);
        assert_eq!(places(&words, "tenant, tenant42-9f9"), ["tenant", "tenant42-9f9"]);
        assert_eq!(places(&words, "tenan, Tenant, 9f8e_key"), [""; 0]);
    }

    #[test]
    fn what_is_short_is_not_looked_for() {
        assert_eq!(places(&["v1", "hooks", "", "a/b/c"], "v1 hooks a%2Fb%2Fc"), [""; 0]);
        assert_eq!(places(&["webhook"], "hook"), [""; 0]);
    }

    #[test]
    fn what_only_looks_like_an_escape_is_text() {
        let texts = r"100% \|%|%f|%zz|\u00|\ud83e|\ud83e\u0041|&;|&#x;|&nbsp;|&#x110000;|é&ü%";
        for text in texts.split('|') {
            let said = format!("{text}secret-word{text}");
            assert_eq!(places(&["secret-word"], &said), ["secret-word"], "{text}");
        }
    }

    #[test]
    fn at_the_cut_the_beginning_of_a_word_is_one() {
        let echoes = Echoes::of(["secret-word".to_owned(), "secret-lamp".to_owned()]);
        assert_eq!(echoes.places("it is secret-w", true), ["secret-w"]);
        assert_eq!(echoes.places("it is secret-w", false), [""; 0]);
        assert_eq!(echoes.places("it is secret-w.", true), [""; 0]);
        assert_eq!(echoes.places("it is secre", true), [""; 0]);
    }

    #[test]
    fn many_words_are_found_in_a_text_that_resembles_them_all() {
        let words = (0..20_000).map(|n| format!("{}{n}", "a".repeat(n % 300)));
        let echoes = Echoes::of(words.chain(["a".repeat(1_000)]));
        let text = "a".repeat(8_000);
        assert_eq!(echoes.places(&text, false), [text.as_str()]);
    }
}
