//! The rules of single fields: from a JSON value to a checked one, or a sentence that says what is
//! wrong and what is allowed. Must not know which noun a field belongs to.

use std::fmt;

use serde_json::{Map, Value};

use super::limits::{LABEL, LINE};
use super::names::Named;
use super::time::Time;

/// Entries of a list at most.
pub(super) const LIST_MOST: usize = 50;

/// A value that breaks a rule: which field, and a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Where it stands in the body, e.g. `tags[2]` or `task.title`; empty for the body as a whole.
    pub(crate) field: String,
    /// What was found, what is allowed. Names the field.
    pub(crate) message: String,
    /// The body is well-formed but lacks what this request needs (answered as 422, not 400).
    pub(crate) missing: bool,
}

impl Invalid {
    /// A broken rule of `field`; the sentence is `<field> <what>`.
    pub(crate) fn new(field: impl Into<String>, what: impl fmt::Display) -> Invalid {
        let field = field.into();
        let message = format!("{field} {what}");
        Invalid { field, message, missing: false }
    }

    /// `field` is needed here and is not there.
    pub(crate) fn missing(field: impl Into<String>, why: impl fmt::Display) -> Invalid {
        Invalid { missing: true, ..Invalid::new(field, why) }
    }
}

/// A value as a person would recognise it, in JSON, cut to 60 characters. No terminal obeys it: JSON lets some control
/// characters stand.
pub(crate) fn quoted(value: &Value) -> String {
    let text = value.to_string();
    let mut shown = String::new();
    for (nth, letter) in text.chars().enumerate() {
        match letter {
            _ if nth == 60 => return shown + "…",
            _ if letter.is_control() => shown += &format!("\\u{:04x}", u32::from(letter)),
            _ => shown.push(letter),
        }
    }
    shown
}

/// What a value is, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// `null` and `""`: both mean "empty" where a field may be empty.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Reads `None` from what is empty, and all else as `read` does.
pub(crate) fn optional<T>(
    read: impl Fn(&str, &Value) -> Result<T, Invalid>,
) -> impl Fn(&str, &Value) -> Result<Option<T>, Invalid> {
    move |field, value| if is_empty(value) { Ok(None) } else { read(field, value).map(Some) }
}

/// A key as it may stand in a message: a megabyte of key is not echoed.
pub(crate) fn shown_key(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// A string without NUL, which neither PostgreSQL nor most receivers can take.
pub(super) fn string<'v>(field: &str, value: &'v Value) -> Result<&'v str, Invalid> {
    let Some(text) = value.as_str() else {
        let kind = kind_of(value);
        return Err(Invalid::new(
            field,
            format!("must be a string, not {kind} ({})", quoted(value)),
        ));
    };
    if text.contains('\0') {
        return Err(Invalid::new(field, "contains a NUL character, which is not allowed"));
    }
    Ok(text)
}

/// A string of `least` to `most` characters (Unicode scalar values).
pub(super) fn sized(field: &str, text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let length = text.chars().count();
    if (least..=most).contains(&length) {
        return Ok(text.to_owned());
    }
    let found = match length {
        0 => "is empty".to_owned(),
        1 => "has 1 character".to_owned(),
        n => format!("has {n} characters"),
    };
    Err(Invalid::new(field, format!("{found}; {least} to {most} characters are allowed")))
}

/// A text of 1 to `MOST` characters.
pub(super) fn text<const MOST: usize>(field: &str, value: &Value) -> Result<String, Invalid> {
    sized(field, string(field, value)?, 1, MOST)
}

/// A title, without blanks around it.
pub(super) fn title(field: &str, value: &Value) -> Result<String, Invalid> {
    sized(field, string(field, value)?.trim(), 1, LINE)
}

/// A label such as `TECH`.
pub(super) fn label(field: &str, value: &Value) -> Result<String, Invalid> {
    let text = string(field, value)?;
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if is_word(text, LABEL, allowed) {
        return Ok(text.to_owned());
    }
    let (shown, most) = (quoted(value), LABEL);
    let what = format!("is not a label; 1 to {most} of A-Z, 0-9 and _ are allowed, e.g. \"TECH\"");
    Err(Invalid::new(field, format!("{shown} {what}")))
}

/// Whether it is 1 to `most` of these characters, which are all ASCII.
pub(super) fn is_word(text: &str, most: usize, allowed: impl Fn(char) -> bool) -> bool {
    (1..=most).contains(&text.len()) && text.chars().all(allowed)
}

/// What an origin and a source are made of.
pub(super) fn is_small(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c)
}

/// One of a closed set of words.
pub(super) fn choice<T: Copy>(field: &str, value: &Value, all: &[(&str, T)]) -> Result<T, Invalid> {
    if let Some((_, found)) = all.iter().find(|(name, _)| value.as_str() == Some(name)) {
        return Ok(*found);
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    Err(Invalid::new(
        field,
        format!("{} is not allowed; use one of {}", quoted(value), names.join(", ")),
    ))
}

/// One of a closed set by its name.
pub(super) fn named<T: Named>(field: &str, value: &Value) -> Result<T, Invalid> {
    choice(field, value, T::ALL)
}

/// A moment: RFC 3339 with any offset, or a plain date.
pub(crate) fn time(field: &str, value: &Value) -> Result<Time, Invalid> {
    // What is no text is no date, like a text of nothing.
    Time::read(value.as_str().unwrap_or_default())
        .map_err(|why| Invalid::new(field, format!("{} {why}", quoted(value))))
}

/// A whole number that JSON can hold exactly, also if it is written `12.0` or `1e3`: to JSON, these
/// are the same.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let written_so = || {
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..EXACT).contains(n))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just looked")]
        Some(number as u64)
    };
    value.as_u64().or_else(written_so)
}

/// A whole number from `LEAST` to `MOST`.
pub(super) fn number<const LEAST: u32, const MOST: u32>(
    field: &str,
    value: &Value,
) -> Result<u32, Invalid> {
    let found = whole(value).and_then(|n| u32::try_from(n).ok());
    found.filter(|n| (LEAST..=MOST).contains(n)).ok_or_else(|| {
        let shown = quoted(value);
        Invalid::new(
            field,
            format!("{shown} is not allowed; use a whole number from {LEAST} to {MOST}"),
        )
    })
}

/// An array of at most `most` entries; `null` and `""` are the empty one.
pub(super) fn array<'v>(
    field: &str,
    value: &'v Value,
    most: usize,
) -> Result<&'v [Value], Invalid> {
    if is_empty(value) {
        return Ok(&[]);
    }
    let Some(entries) = value.as_array() else {
        let kind = kind_of(value);
        return Err(Invalid::new(
            field,
            format!("must be an array, not {kind} ({})", quoted(value)),
        ));
    };
    if entries.len() > most {
        let found = entries.len();
        return Err(Invalid::new(field, format!("has {found} entries; up to {most} are allowed")));
    }
    Ok(entries)
}

/// Reads an array, or a single value in its place; without duplicates.
pub(super) fn list<T: PartialEq>(
    read: impl Fn(&str, &Value) -> Result<T, Invalid>,
) -> impl Fn(&str, &Value) -> Result<Vec<T>, Invalid> {
    move |field, value| {
        if value.is_string() && !is_empty(value) {
            return Ok(vec![read(field, value)?]);
        }
        let mut found = Vec::new();
        for (n, entry) in array(field, value, LIST_MOST)?.iter().enumerate() {
            let entry = read(&format!("{field}[{n}]"), entry)?;
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
        Ok(found)
    }
}

/// A JSON object.
pub(super) fn object<'v>(field: &str, value: &'v Value) -> Result<&'v Map<String, Value>, Invalid> {
    value.as_object().ok_or_else(|| {
        Invalid::new(
            field,
            format!("must be an object, not {} ({})", kind_of(value), quoted(value)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn characters_are_scalar_values_not_bytes() {
        let text = "é".repeat(500);
        assert!(sized("title", &text, 1, 500).is_ok());
        let found = sized("title", &format!("{text}e"), 1, 500).unwrap_err();
        assert_eq!(found.message, "title has 501 characters; 1 to 500 characters are allowed");
    }

    #[test]
    fn a_sentence_names_the_field_the_value_and_what_is_allowed() {
        let found = choice("status", &json!("CLOSED"), &[("OPEN", 1), ("DONE", 2)]).unwrap_err();
        assert_eq!(found.message, "status \"CLOSED\" is not allowed; use one of OPEN, DONE");
        assert_eq!(found.field, "status");
    }

    #[test]
    fn whole_numbers_are_whole_however_they_are_written() {
        let read = |text: &str| whole(&serde_json::from_str(text).unwrap());
        for (text, number) in [("12", 12), ("12.0", 12), ("1e3", 1_000), ("1.2E1", 12), ("-0.0", 0)]
        {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for no in ["12.5", "-1", "-1.0", "1e300", "9007199254740992.0", "\"12\"", "null", "[12]"] {
            assert_eq!(read(no), None, "{no}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let shown = quoted(&json!("ü".repeat(300)));
        assert_eq!(shown.chars().count(), 61);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown() {
        assert_eq!(quoted(&json!("a\u{1b}\u{7f}\u{9b}b")), "\"a\\u001b\\u007f\\u009bb\"");
    }
}
