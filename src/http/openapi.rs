//! The OpenAPI 3.1 document: made from the handlers, completed with what all of them share.
//!
//! Must not describe a route by hand; what a handler's attribute says is what is there.

mod errors;
mod forms;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::auth::COOKIE;
use super::problem::ErrorBody;
use crate::model::Text;
use errors::add_errors;

/// What the whole document says.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "BTK-System",
        description = "A task tracker whose every change reaches an HTTP receiver as a webhook. \
                       Errors have one shape; lists are arrays, paged by headers; a write that was \
                       answered 2xx is on disk, with its event and its deliveries.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "Tasks", description = "What is to be done"),
        (name = "Incoming webhooks", description = "What other systems tell us"),
        (name = "Webhooks", description = "Who hears of it"),
        (name = "Deliveries", description = "What was sent, and what came back"),
        (name = "Server", description = "How the server is, and what it offers"),
    ),
    components(schemas(ErrorBody, Text)),
)]
pub(crate) struct Document;

/// What is sent to be written, with everything that may stand in it. What may be `null` may be `""`.
const INPUTS: [&str; 5] =
    ["TaskInput", "AttachmentInput", "WebhookInput", "FilterInput", "TestInput"];

/// Headers that ask for a write only as things stand.
const CONDITIONS: [&str; 2] = ["If-Match", "Idempotency-Key"];

/// The document as JSON, with every error that a route can answer.
pub(crate) fn complete(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "API_TOKEN, where one is set"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of a browser that has signed in"},
    });
    document["security"] = json!([{}, {"token": []}, {"session": []}]);
    let schemas = &mut document["components"]["schemas"];
    for closed in INPUTS.iter().chain(&["RecoverInput", "SessionInput", "ClassicEvent", "Alert"]) {
        schemas[closed]["additionalProperties"] = json!(false);
    }
    // A filter is asked for as it is shown, but that nothing of it need be there.
    schemas["FilterInput"] = schemas["Filter"].clone();
    if let Some(filter) = schemas["FilterInput"].as_object_mut() {
        filter.remove("required");
        filter.insert("additionalProperties".to_owned(), json!(false));
        filter["properties"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
            .for_each(forms::or_one);
    }
    schemas["WebhookInput"]["properties"]["filter"]["oneOf"][0]["$ref"] =
        json!("#/components/schemas/FilterInput");
    forms::or_one(&mut schemas["WebhookInput"]["properties"]["ignoreOrigin"]);
    forms::write_out(&mut document);
    for input in INPUTS {
        let properties = document["components"]["schemas"][input]["properties"].as_object_mut();
        let all = properties.into_iter().flat_map(Map::values_mut);
        all.filter(|property| forms::may_be_null(property)).for_each(forms::or_empty);
    }
    // The same fields, flat: what a form has no way to nest.
    document["paths"]["/api/incoming-webhook"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"] = json!({
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "example": {"event": "task_created", "id": "test123", "title": "From Make", "tags": "sales,q1"},
    });
    let Some(paths) = document["paths"].as_object_mut() else { return document };
    for (path, operations) in paths {
        let Some(operations) = operations.as_object_mut() else { continue };
        for (method, operation) in operations {
            add_errors(path, method, operation);
            settle_body(operation);
            settle_parameters(operation);
        }
    }
    document
}

/// A body that need not be there is not the body `null`.
fn settle_body(operation: &mut Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let schema = &mut body["content"]["application/json"]["schema"];
    if let Some(only) = schema["oneOf"].as_array().and_then(|all| all.first()).cloned() {
        *schema = only;
        body["required"] = json!(false);
    }
}

/// What holds for the parameters of every route.
///
/// `If-Match` and `Idempotency-Key` are told apart from the others: whether a value is taken depends on what is there
/// (412, 422), not on its form. As parameters they would invite every client that makes up values to send them.
fn settle_parameters(operation: &mut Value) {
    let Some(all) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    for parameter in &mut *all {
        match parameter["in"].as_str() {
            // A header cannot be `null`.
            Some("header") => parameter["schema"]["type"] = json!("string"),
            Some("query") if parameter["required"] != true => {
                forms::or_empty(&mut parameter["schema"]);
            }
            _ => {}
        }
    }
    let is_by_state = |parameter: &Value| CONDITIONS.iter().any(|name| parameter["name"] == *name);
    let (conditions, others): (Vec<Value>, Vec<Value>) = all.drain(..).partition(is_by_state);
    all.extend(others);
    if !conditions.is_empty() {
        operation["x-conditions"] = Value::Array(conditions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document is part of the contract: a change must be seen in review. To accept one, run
    /// the tests with `BTK_ACCEPT=1`.
    #[test]
    fn the_document_is_the_committed_one() {
        let (_, document) = crate::http::routes::routes().split_for_parts();
        let text = serde_json::to_string_pretty(&complete(&document)).unwrap() + "\n";
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("BTK_ACCEPT").is_some() {
            std::fs::write(golden, &text).unwrap();
        }
        let committed = std::fs::read_to_string(golden).unwrap_or_default();
        assert!(committed == text, "openapi.json differs; look at it with BTK_ACCEPT=1 cargo test");
    }

    #[test]
    fn every_operation_has_a_summary_examples_and_errors() {
        let (_, document) = crate::http::routes::routes().split_for_parts();
        let document = complete(&document);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let json = &response["content"]["application/json"];
                    let is_error = status.starts_with(['4', '5']);
                    assert!(!is_error || json["example"].is_object(), "{method} {path} {status}");
                }
                assert!(operation["responses"]["503"].is_object(), "{method} {path}");
                let body = operation.get("requestBody");
                let example = body.map(|body| &body["content"]["application/json"]["example"]);
                assert!(example.is_none_or(Value::is_object), "{method} {path}");
            }
        }
    }
}
