//! A needle: text that is looked for whatever the case, in plain text and in a task as it was sent.
//!
//! Must not know of rows.

use serde_json::Value;

/// What is looked for.
#[derive(Debug)]
pub(super) struct Needle {
    plain: String,
    /// As it stands within a JSON text.
    json: String,
}

impl Needle {
    pub(super) fn new(text: &str) -> Needle {
        let plain = text.to_lowercase();
        let quoted = Value::from(plain.as_str()).to_string();
        let json = quoted[1..quoted.len() - 1].to_owned();
        Needle { plain, json }
    }

    /// Whether a text contains it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.plain)
    }

    /// Whether a value in a JSON text contains it. A name of a field does not count.
    pub(super) fn is_in_json(&self, text: &str) -> bool {
        // Most do not have it at all, and need not be read.
        text.to_lowercase().contains(&self.json)
            && serde_json::from_str(text).map_or(true, |value| self.is_in_value(&value))
    }

    fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_in(text),
            Value::Array(values) => values.iter().any(|value| self.is_in_value(value)),
            Value::Object(fields) => fields.values().any(|value| self.is_in_value(value)),
            Value::Number(number) => self.is_in(&number.to_string()),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_and_names_do_not_whatever_the_case_and_however_json_writes_them() {
        let json = serde_json::json!({"title": "Größe \"XL\"\nC:\\temp", "tags": ["Été"], "n": 42});
        let text = json.to_string();
        for yes in ["GRÖSSE", "größe", "\"xl\"", "xl\"\nc:", "C:\\TEMP", "été", "ÉT", "42"] {
            assert_eq!(Needle::new(yes).is_in_json(&text), yes != "GRÖSSE", "{yes}");
        }
        for no in ["title", "tags", "\\n", "xl\\\"", "[", "421"] {
            assert!(!Needle::new(no).is_in_json(&text), "{no}");
        }
        assert!(Needle::new("No Answer").is_in("no answer came"));
    }
}
