//! Which of the errors that routes share one may answer: what follows from its method, its address and what it takes.
//!
//! Must not know a route: an error of one alone stands in its attribute, and comes before these.

use serde_json::{Value, json};

use crate::http::errors::{
    BadRequest, Busy, CrossSite, Internal, KeyReused, Kind, MediaType, NoMethod, NotFound,
    TooLarge, TooManyWrongTokens, TooSlow, Unauthorized, UnknownHost, VersionMismatch,
};

/// Adds an error, unless the route has one of this status.
fn add<K: Kind>(operation: &mut Value) {
    let status = K::STATUS.to_string();
    if operation["responses"].get(&status).is_none() {
        operation["responses"][status] = serde_json::to_value(K::response()).unwrap_or_default();
    }
}

pub(super) fn add_errors(path: &str, method: &str, operation: &mut Value) {
    let takes_body = operation.get("requestBody").is_some();
    let takes = |operation: &Value, name: &str| {
        let all = operation["parameters"].as_array();
        all.is_some_and(|all| all.iter().any(|p| p["in"] == "header" && p["name"] == name))
    };
    let is_open = operation["security"] == json!([{}]);
    if takes_body || !is_open {
        add::<BadRequest>(operation);
    }
    if !is_open {
        add::<Unauthorized>(operation);
        add::<UnknownHost>(operation);
        add::<TooManyWrongTokens>(operation);
        if method != "get" {
            add::<CrossSite>(operation);
        }
    }
    add::<NoMethod>(operation);
    // What is not there need not be deleted: that is a 204.
    let may_be_gone = operation["responses"].get("204").is_some();
    if path.contains('{') && !may_be_gone {
        add::<NotFound>(operation);
    }
    if takes_body || method == "delete" {
        add::<TooSlow>(operation);
        add::<TooLarge>(operation);
    }
    if takes_body {
        add::<MediaType>(operation);
    }
    if takes(operation, "If-Match") {
        add::<VersionMismatch>(operation);
    }
    if takes(operation, "Idempotency-Key") {
        add::<KeyReused>(operation);
    }
    add::<Internal>(operation);
    add::<Busy>(operation);
}
