//! The forms of values, for the document: an attribute names one as its `format`, and here stands what that means in
//! JSON Schema. So a form that many fields and parameters have is written down once.
//!
//! It checks nothing: `model` and `query` read the values.

use serde_json::{Map, Value, json};

use crate::model::{EventKind, Named, limits};

/// Any text but NUL, which neither PostgreSQL nor most receivers can take.
const TEXT: &str = r"^[^\u0000]*$";
/// The same, of which something is left after trimming (Unicode's `White_Space`).
const NOT_BLANK: &str = r"^[^\u0000]*[^\u0000\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$";
/// An address on the web as RFC 3986 writes it, with a host and, if it has one, a port that there is. The server takes more,
/// which browsers encode.
const WEB: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?([A-Za-z0-9][A-Za-z0-9._~-]*|\[[0-9A-Fa-f:.]+\])(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?#]([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$";
/// The years in which every offset leads to a year that is taken, 1 to 9999 in UTC.
const YEARS: &str =
    "^(000[2-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-";
/// The first and the last year, in UTC.
const EDGES: &str = r"^(0001|9999)-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|12-31)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z$";

/// RFC 3339 with any offset, or a plain date, which is midnight UTC.
fn moment() -> Value {
    json!({"anyOf": [
        {"type": "string", "format": "date-time", "pattern": YEARS},
        {"type": "string", "pattern": EDGES},
        {"type": "string", "format": "date"},
    ]})
}

/// 1 to `most` of these characters.
fn word(characters: &str, most: usize) -> Value {
    json!({"pattern": format!("^[{characters}]{{1,{most}}}$")})
}

/// What a form means.
fn form(name: &str) -> Option<Value> {
    Some(match name {
        "moment" => moment(),
        "header-name" => word("A-Za-z0-9!#$%&'*+.^_`|~-", limits::HEADER_NAME),
        "text" => json!({"pattern": TEXT}),
        "one-id" => json!({"pattern": r"^[^\u0000,]*$"}),
        "line" => json!({"pattern": TEXT, "minLength": 1, "maxLength": limits::LINE}),
        "title" => json!({"pattern": NOT_BLANK, "minLength": 1, "maxLength": limits::LINE}),
        "description" => json!({"pattern": TEXT, "maxLength": limits::DESCRIPTION}),
        "attachment-id" => json!({"pattern": TEXT, "minLength": 1, "maxLength": limits::ID}),
        "media-type" => json!({"pattern": TEXT, "minLength": 1, "maxLength": limits::MEDIA_TYPE}),
        "tag" => json!({"pattern": NOT_BLANK, "minLength": 1, "maxLength": limits::TAG}),
        "label" => word("A-Z0-9_", limits::LABEL),
        "origin" => word("a-z0-9_-", limits::LABEL),
        "link" => {
            json!({"format": "uri", "pattern": WEB, "maxLength": limits::LINK})
        }
        // An address in numbers has no room here: most of those are refused unless the settings name them.
        "webhook-url" => {
            json!({"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]*[A-Za-z]", "maxLength": limits::WEBHOOK_URL})
        }
        "header-value" => {
            json!({"pattern": "^[!-~]([ -~]*[!-~])?$", "maxLength": limits::HEADER_VALUE})
        }
        "secret" => json!({"pattern": "^whsec_([A-Za-z0-9+/]{4}){8,21}$"}),
        "task-event" => json!({"enum": EventKind::OF_TASKS}),
        "events-or-kinds" => {
            let kinds = EventKind::names();
            let one = json!({"type": "string", "pattern": r"^evt_[^\u0000,]*$"});
            json!({"anyOf": [{"type": "array", "items": {"enum": kinds}}, one]})
        }
        "task-ids" => json!({"pattern": r"^,*[^\u0000,]+(,+[^\u0000,]+){0,99},*$"}),
        "cursor-of-deliveries" => json!({"pattern": r"^dlv_[0-9]{1,18}_[^\u0000]*$"}),
        "cursor-of-events" => json!({"pattern": "^evt_[0-9a-f]+$"}),
        "cursor-of-tasks" => {
            json!({"pattern": r"^([cudpCUDP]\.-?[0-9]{1,18}\.-?[0-9]{1,18}|[tT]\.-?[0-9]{1,18}\.([2-7][0-9a-f])*)$"})
        }
        "cursor-of-webhooks" => json!({"pattern": r"^-?[0-9]{1,18}\.[^\u0000]*$"}),
        "number-of-commits" => json!({"pattern": "^[0-9]+$"}),
        _ => return None,
    })
}

/// Writes out every form that the document names.
pub(crate) fn write_out(document: &mut Value) {
    match document {
        Value::Array(all) => all.iter_mut().for_each(write_out),
        Value::Object(object) => {
            object.values_mut().for_each(write_out);
            let meant = object.get("format").and_then(Value::as_str).and_then(form);
            if let Some(Value::Object(meant)) = meant {
                object.remove("format");
                put(object, meant);
            }
        }
        _ => {}
    }
}

/// Alternatives take the place of the type beside them; `null` stays one.
fn put(schema: &mut Map<String, Value>, mut meant: Map<String, Value>) {
    if let Some(Value::Array(choices)) = meant.get_mut("anyOf")
        && let Some(Value::Array(types)) = schema.remove("type")
        && types.contains(&json!("null"))
    {
        choices.push(json!({"type": "null"}));
    }
    schema.append(&mut meant);
}

/// In place of a list may stand a single value, or nothing.
pub(crate) fn or_one(list: &mut Value) {
    let Some(several) = list.as_object_mut() else { return };
    several.insert("type".to_owned(), json!("array"));
    let told = ["description", "example"].map(|key| (key, several.remove(key)));
    let one = several.get("items").cloned();
    let mut whole = json!({"anyOf": [std::mem::take(several), one, {"type": "null"}]});
    for (key, value) in told {
        if let Some(value) = value {
            whole[key] = value;
        }
    }
    *list = whole;
}

/// What may be empty, `null` or not given, may be `""`, too: of forms and tools that cannot leave a field out.
pub(crate) fn or_empty(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("type") == Some(&json!("array")) {
        return object.get_mut("items").map_or((), or_empty);
    }
    let told = ["description", "example"].map(|key| (key, object.remove(key)));
    let mut whole = json!({"anyOf": [Value::Object(std::mem::take(object)), {"const": ""}]});
    for (key, value) in told {
        if let Some(value) = value {
            whole[key] = value;
        }
    }
    *schema = whole;
}

/// Whether `null` is allowed.
pub(crate) fn may_be_null(schema: &Value) -> bool {
    let is_null = |kind: &Value| *kind == "null";
    let branches = ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
    is_null(&schema["type"])
        || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(is_null))
        || branches.into_iter().any(may_be_null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_out_where_it_is_named() {
        let mut document = json!({"a": [{"type": ["string", "null"], "format": "moment"}], "b": {"type": "string", "format": "uri"}});
        write_out(&mut document);
        let choices = document["a"][0]["anyOf"].as_array().unwrap();
        let formats: Vec<&Value> = choices.iter().filter_map(|kind| kind.get("format")).collect();
        assert_eq!(formats, ["date-time", "date"]);
        assert_eq!(choices.last(), Some(&json!({"type": "null"})));
        assert_eq!(document["b"], json!({"type": "string", "format": "uri"}));
        assert!(may_be_null(&document["a"][0]) && !may_be_null(&document["b"]));
    }
}
