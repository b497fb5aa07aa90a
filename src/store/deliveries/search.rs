//! A needle: words that are looked for whatever the case and however their letters are composed, in
//! plain text and in a task as it was sent. Each of them must be found, wherever it stands.
//!
//! Must not know of rows.

use serde_json::Value;

use crate::model::folded;

/// What is looked for.
#[derive(Debug)]
pub(crate) struct SearchWords(Vec<Word>);

#[derive(Debug, PartialEq)]
struct Word {
    plain: String,
    /// As it stands within a JSON text.
    json: String,
}

/// The words that have not been found yet, by their place.
pub(crate) type WordsLeft = Vec<usize>;

impl SearchWords {
    pub(crate) fn new(text: &str) -> SearchWords {
        let mut words = Vec::new();
        for word in folded(text).split_whitespace() {
            let quoted = Value::from(word).to_string();
            let json = quoted[1..quoted.len() - 1].to_owned();
            let word = Word { plain: word.to_owned(), json };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        SearchWords(words)
    }

    /// All of its words.
    pub(crate) fn words(&self) -> WordsLeft {
        (0..self.0.len()).collect()
    }

    /// Whether each word is in one of the texts.
    pub(crate) fn is_in(&self, texts: &[&str]) -> bool {
        let mut left = self.words();
        for text in texts {
            self.strike(&mut left, text);
        }
        left.is_empty()
    }

    /// Strikes the words out that a text contains.
    pub(crate) fn strike(&self, left: &mut WordsLeft, text: &str) {
        if !left.is_empty() && !text.is_empty() {
            let text = folded(text);
            left.retain(|at| !text.contains(&self.0[*at].plain));
        }
    }

    /// Strikes the words out that a value in a JSON text contains. A name of a field does not count.
    pub(crate) fn strike_json(&self, left: &mut WordsLeft, text: &str) {
        let written = folded(text);
        // Most have none of them at all, and need not be read.
        if left.iter().any(|at| written.contains(&self.0[*at].json))
            && let Ok(value) = serde_json::from_str(text)
        {
            self.strike_value(left, &value);
        }
    }

    fn strike_value(&self, left: &mut WordsLeft, value: &Value) {
        match value {
            Value::String(text) => self.strike(left, text),
            Value::Array(values) => values.iter().for_each(|value| self.strike_value(left, value)),
            Value::Object(fields) => {
                fields.values().for_each(|value| self.strike_value(left, value));
            }
            Value::Number(number) => self.strike(left, &number.to_string()),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_and_names_do_not_whatever_the_case_and_however_json_writes_them() {
        let json = serde_json::json!({"title": "Größe \"XL\"\nC:\\temp", "tags": ["E\u{301}te\u{301}"], "n": 42});
        let text = json.to_string();
        let is_in = |needle: &str| {
            let needle = SearchWords::new(needle);
            let mut left = needle.words();
            needle.strike_json(&mut left, &text);
            left.is_empty()
        };
        for yes in [
            "größe",
            "GRO\u{308}ßE",
            "\"xl\"",
            "xl\"\nc:",
            "C:\\TEMP",
            "été",
            "ÉT",
            "42",
            "42 été gr",
            "",
        ] {
            assert!(is_in(yes), "{yes}");
        }
        for no in ["GRÖSSE", "title", "tags", "\\n", "xl\\\"", "[", "421", "42 title", "été ete"]
        {
            assert!(!is_in(no), "{no}");
        }
    }

    #[test]
    fn every_word_is_found_in_any_order_and_place() {
        for (needle, is_found) in [
            ("No Answer", true),
            ("  answer\tno ", true),
            ("came late no", true),
            ("answer never", false),
            ("noanswer", false),
            ("no no no", true),
        ] {
            let texts = ["no answer came", "", "Too LATE"];
            assert_eq!(SearchWords::new(needle).is_in(&texts), is_found, "{needle}");
        }
    }
}
