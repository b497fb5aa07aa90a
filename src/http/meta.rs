//! What tools that build forms ask first: which server this is, and what a field may hold.
//!
//! Must not change anything, nor take long: these are asked each time a form opens. The labels in use
//! are the dearest; a million tasks take a quarter of a second.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::auth::public_host;
use super::extract::NoParams;
use super::problem::Problem;
use crate::model::{EventKind, Named, Priority, Status, names};
use crate::store::{self, LabelOf};

/// The labels that are offered before anybody has used one.
const TYPES: [&str; 4] = ["TECH", "WRITING", "TRANSLATION", "LEARNING"];
const CATEGORIES: [&str; 6] = ["WORK", "PERSONAL", "STUDY", "PROJECT", "MEETING", "OTHER"];

/// Entries of a list at most: Make takes 500 in a list that people choose from.
const MOST: usize = 500;

/// Which server answers, and that the token is right.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    /// The host of `PUBLIC_URL`, or `BTK-System`: how a connection to this server may be called.
    #[schema(example = "tasks.example.org")]
    name: String,
    /// Of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `PUBLIC_URL`; null if it is not set.
    #[schema(required, example = "https://tasks.example.org")]
    address: Option<String>,
    /// Whether the server asks for a token: `API_TOKEN` is set.
    #[schema(example = true)]
    token_needed: bool,
}

/// See whom you talk to
///
/// For tools that try out a connection: 401 if the token is wrong.
#[utoipa::path(get, path = "/api/me", tag = "Server",
    responses((status = 200, description = "The token is right, or none is needed", body = Me)))]
pub(crate) async fn get_me(State(app): State<App>, _: NoParams) -> Result<Json<Me>, Problem> {
    Ok(Json(Me {
        name: public_host(&app).unwrap_or("BTK-System").to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        address: app.public_url.as_ref().map(|url| url.to_string().trim_end_matches('/').into()),
        token_needed: app.api_token.is_some(),
    }))
}

/// One value of a field, and its name for people.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Choice {
    /// What the API takes.
    #[schema(example = "IN_PROGRESS")]
    value: String,
    /// What people read.
    #[schema(example = "In progress")]
    label: String,
}

names! {
    /// Which field
    pub(crate) enum Listed {
        /// Where a task stands.
        Statuses = "statuses",
        /// How much it matters.
        Priorities = "priorities",
        /// Which type it is of.
        Types = "types",
        /// Which category it is of.
        Categories = "categories",
        /// What happened to it.
        Events = "events",
    }
}

/// The field that an address names.
#[derive(utoipa::IntoParams)]
#[into_params(names("field"), parameter_in = Path)]
pub(crate) struct FieldPath(
    /// Which field
    #[param(inline, example = "statuses")]
    Listed,
);

impl<S: Send + Sync> FromRequestParts<S> for FieldPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<FieldPath, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let field = name.ok().and_then(|Path(name)| Listed::parse(&name));
        field.map(FieldPath).ok_or_else(|| Problem {
            message: "There is no such list: /api/meta has statuses, priorities, types, \
                      categories and events"
                .to_owned(),
            ..Problem::not_found("The list")
        })
    }
}

/// List what a field may hold
///
/// `statuses`, `priorities` and `events` are closed sets. `types` and `categories` begin with the usual
/// ones, and those in use follow in the order of the alphabet, up to 500 in all: any other of
/// `A-Z`, `0-9` and `_` may be used as well.
#[utoipa::path(get, path = "/api/meta/{field}", tag = "Tasks",
    params(FieldPath),
    responses((status = 200, description = "The values", body = Vec<Choice>)))]
pub(crate) async fn list_choices(
    State(app): State<App>,
    FieldPath(field): FieldPath,
    _: NoParams,
) -> Result<Json<Vec<Choice>>, Problem> {
    let values: Vec<String> = match field {
        Listed::Statuses => Status::names().into_iter().map(str::to_owned).collect(),
        Listed::Priorities => Priority::names().into_iter().map(str::to_owned).collect(),
        Listed::Events => EventKind::OF_TASKS.map(|kind| kind.as_str().to_owned()).into(),
        Listed::Types => with_those_in_use(&app, &TYPES, LabelOf::Type).await?,
        Listed::Categories => with_those_in_use(&app, &CATEGORIES, LabelOf::Category).await?,
    };
    let choice = |value: String| Choice { label: in_words(&value), value };
    Ok(Json(values.into_iter().map(choice).collect()))
}

async fn with_those_in_use(
    app: &App,
    usual: &[&str],
    label: LabelOf,
) -> Result<Vec<String>, Problem> {
    let used = app.store.list(false, move |tx| store::labels_in_use(tx, label, MOST)).await?;
    let mut all: Vec<String> = usual.iter().map(|&name| name.to_owned()).collect();
    all.extend(used.into_iter().filter(|name| !usual.contains(&&**name)));
    all.truncate(MOST);
    Ok(all)
}

/// `IN_PROGRESS` as people read it: `In progress`.
fn in_words(value: &str) -> String {
    let words = value.trim_matches('_').replace('_', " ").to_lowercase();
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::webhooks::view::WebhookStatus;
    use crate::model::{DeliveryStatus, OnReject, Payload, Profile, limits};

    /// The values of a list in the file of the pages, in order: all that is quoted in it, or all that stands as `value`.
    fn listed<'a>(words: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!("export const {name} = [");
        let (_, list) = words.split_once(&start).unwrap_or_else(|| panic!("no {name}"));
        let (list, _) = list.split_once("];").unwrap();
        let before = if list.contains("value: ") { "value: '" } else { "'" };
        let quoted = list.split(before).skip(1).step_by(if before == "'" { 2 } else { 1 });
        quoted.map(|rest| rest.split('\'').next().unwrap()).collect()
    }

    /// The pages have these lists in a file of their own, since they need them before anything is asked.
    #[test]
    fn the_pages_know_every_closed_set() {
        let words = include_str!("../../assets/parts/words.js");
        let kinds = |kinds: &[EventKind]| kinds.iter().map(|kind| kind.as_str()).collect();
        let sets: [(&str, Vec<&str>); 11] = [
            ("STATUSES", Status::names()),
            ("PRIORITIES", Priority::names()),
            ("TYPES", TYPES.to_vec()),
            ("CATEGORIES", CATEGORIES.to_vec()),
            ("EVENTS", kinds(&EventKind::OF_TASKS)),
            ("ALERTS", kinds(&EventKind::ALERTS)),
            ("PAYLOADS", Payload::names()),
            ("PROFILES", Profile::names()),
            ("ON_REJECT", OnReject::names()),
            ("DELIVERY_STATUSES", DeliveryStatus::names()),
            ("WEBHOOK_STATUSES", WebhookStatus::names()),
        ];
        for (name, values) in &sets {
            assert_eq!(&listed(words, name), values, "{name}");
        }
        let lists =
            words.lines().filter(|line| line.starts_with("export const") && line.contains(" = ["));
        assert_eq!(lists.count(), sets.len(), "a list that is not compared");
        for value in Status::names().into_iter().chain(Priority::names()) {
            let entry = format!("{{ value: '{value}', label: '{}' }}", in_words(value));
            assert!(words.contains(&entry), "{entry}");
        }
    }

    #[test]
    fn the_pages_know_how_long_a_text_may_be() {
        let file = include_str!("../../assets/parts/limits.js");
        let limits = [
            ("LINE", limits::LINE),
            ("LABEL", limits::LABEL),
            ("TAG", limits::TAG),
            ("WEBHOOK_URL", limits::WEBHOOK_URL),
        ];
        for (name, most) in limits {
            assert!(file.contains(&format!("export const {name} = {most};")), "{name}");
        }
        assert_eq!(file.matches("export const").count(), limits.len(), "one that is not compared");
    }

    #[test]
    fn values_are_put_in_words() {
        for (value, label) in [
            ("IN_PROGRESS", "In progress"),
            ("task_status_changed", "Task status changed"),
            ("TECH", "Tech"),
            ("Q1_2026", "Q1 2026"),
            ("_A_", "A"),
            ("__", "__"),
        ] {
            assert_eq!(in_words(value), label);
        }
    }
}
