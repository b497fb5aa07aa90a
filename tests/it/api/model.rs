//! The API against a model: chance writes, reads, lists, repeats and restarts, and each answer must be what a list in
//! memory would give. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make it longer and another.
//!
//! The model must not know how it is asked; `real.rs` asks.

mod real;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use proptest_state_machine::{ReferenceStateMachine, prop_state_machine};
use serde_json::{Map, Value, json};

use real::Real;

use super::list::SORTS;

type Fields = Map<String, Value>;

/// In the order in which a list sorted by title has them.
const TITLES: [&str; 5] = ["alpha", "Äpfel", "apfelmus", "Bravo zulu", "zulu"];
const PRIORITIES: [&str; 4] = ["LOW", "NORMAL", "HIGH", "URGENT"];
const STATUSES: [&str; 4] = ["OPEN", "IN_PROGRESS", "DONE", "CANCELLED"];
/// As few, so that they meet.
const KEYS: u8 = 6;

/// A write, but for what stands in its headers.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    method: &'static str,
    /// Of all tasks that were ever made, the n-th; none for a new one.
    which: Option<usize>,
    body: Fields,
}

/// A list: its filter, its order, and how many it shows at a time.
#[derive(Clone, Debug)]
struct Query {
    filter: Vec<(&'static str, &'static str)>,
    sort: &'static str,
    page: Option<usize>,
}

/// What is done next.
#[derive(Clone, Debug)]
enum Step {
    Write {
        request: Request,
        key: Option<u8>,
        /// Whether `If-Match` names the version that stands, where it is sent.
        if_match: Option<bool>,
    },
    Read(usize),
    List(Query),
    Restart {
        is_kill: bool,
    },
}

/// A task as it stands, or stood when it was deleted.
#[derive(Clone, Debug)]
struct Task {
    fields: Fields,
    version: u64,
    is_there: bool,
    /// What happened to it, in order.
    events: Vec<&'static str>,
}

/// A write that was done.
#[derive(Clone, Debug)]
struct Done {
    which: usize,
    status: u16,
    fields: Fields,
    version: u64,
    is_repeat: bool,
}

/// What a write comes to.
#[derive(Clone, Debug)]
enum Outcome {
    Done(Done),
    NotFound,
    Mismatch,
    KeyTaken,
}

/// All tasks that were ever made, and the answers that are kept.
#[derive(Clone, Debug, Default)]
struct Model {
    tasks: Vec<Task>,
    keys: BTreeMap<u8, (Request, Done)>,
    /// The version that the last write named, and what it came to.
    last: Option<(Option<u64>, Outcome)>,
}

impl Model {
    /// The version that `If-Match` names.
    fn named(&self, which: Option<usize>, is_right: bool) -> Option<u64> {
        let version = self.tasks[which?].version;
        Some(if is_right { version } else { version + 7 })
    }

    fn write(&mut self, request: &Request, key: Option<u8>, named: Option<u64>) -> Outcome {
        if let Some((first, done)) = key.and_then(|key| self.keys.get(&key)) {
            if first != request {
                return Outcome::KeyTaken;
            }
            return Outcome::Done(Done { is_repeat: true, ..done.clone() });
        }
        let which = request.which.unwrap_or(self.tasks.len());
        let mut status = 200;
        match self.tasks.get_mut(which) {
            None => {
                status = 201;
                let mut fields = bare();
                fields.extend(request.body.clone());
                let events = vec!["task_created"];
                self.tasks.push(Task { fields, version: 1, is_there: true, events });
            }
            Some(task) if !task.is_there => return Outcome::NotFound,
            Some(task) if named.is_some_and(|version| version != task.version) => {
                return Outcome::Mismatch;
            }
            Some(task) => task.change(request),
        }
        let Task { fields, version, .. } = self.tasks[which].clone();
        let done = Done { which, status, fields, version, is_repeat: false };
        if let Some(key) = key {
            self.keys.insert(key, (request.clone(), done.clone()));
        }
        Outcome::Done(done)
    }
}

impl Task {
    fn change(&mut self, request: &Request) {
        let mut after = self.fields.clone();
        after.extend(request.body.clone());
        let event = match request.method {
            "DELETE" => "task_deleted",
            _ if after == self.fields => return,
            _ if after["status"] == self.fields["status"] => "task_updated",
            _ => "task_status_changed",
        };
        self.is_there = event != "task_deleted";
        (self.fields, self.version) = (after, self.version + 1);
        self.events.push(event);
    }
}

/// A task of which nothing was said.
fn bare() -> Fields {
    let task = json!({"description": null, "type": null, "category": null, "status": "OPEN", "priority": "NORMAL",
        "dueDate": null, "tags": [], "attachments": []});
    task.as_object().expect("an object").clone()
}

/// Any of the fields, with any of their values.
fn body() -> impl Strategy<Value = Fields> {
    let texts = |all: &[&str]| all.iter().map(|&text| json!(text)).collect::<Vec<_>>();
    let with_null = |all: &[&str]| [texts(all), vec![Value::Null]].concat();
    let field = prop_oneof![
        (Just("title"), select(texts(&TITLES))),
        (Just("description"), select(with_null(&["Needs ZULU time", "nothing"]))),
        (Just("type"), select(with_null(&["TECH", "HR"]))),
        (Just("status"), select(texts(&STATUSES))),
        (Just("priority"), select(texts(&PRIORITIES))),
        (
            Just("dueDate"),
            select(with_null(&["2026-12-01T00:00:00.000Z", "2027-01-01T08:30:00.000Z"]))
        ),
        (Just("tags"), select(vec![json!([]), json!(["red"]), json!(["red", "Blau"])])),
    ];
    prop::collection::vec(field, 1..4).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    })
}

fn query() -> impl Strategy<Value = Query> {
    let filters = select(vec![
        ("status", "OPEN"),
        ("status", "DONE,CANCELLED"),
        ("priority", "HIGH,URGENT"),
        ("type", "TECH"),
        ("tag", "red"),
        ("q", "zulu"),
        ("dueBefore", "2026-12-24T00:00:00.000Z"),
        ("dueAfter", "2026-12-24T00:00:00.000Z"),
    ]);
    let sorts = select(SORTS.to_vec());
    // One of each name.
    let filter = prop::collection::vec(filters, 0..3)
        .prop_map(|all| all.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect());
    (filter, sorts, prop::option::of(1_usize..5)).prop_map(|(filter, sort, page)| Query {
        filter,
        sort,
        page,
    })
}

fn key() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.3, 0..KEYS)
}

fn creation() -> impl Strategy<Value = Step> {
    (body(), select(&TITLES[..]), key()).prop_map(|(mut body, title, key)| {
        body.insert("title".to_owned(), json!(title));
        let request = Request { method: "POST", which: None, body };
        Step::Write { request, key, if_match: None }
    })
}

fn change(made: usize) -> impl Strategy<Value = Step> {
    let method = prop_oneof![4 => Just("PUT"), 2 => Just("PATCH"), 1 => Just("DELETE")];
    let if_match = prop::option::weighted(0.3, prop::bool::weighted(0.7));
    (0..made, method, body(), key(), if_match).prop_map(|(which, method, body, key, if_match)| {
        let body = if method == "DELETE" { Fields::new() } else { body };
        let request = Request { method, which: Some(which), body };
        Step::Write { request, key, if_match }
    })
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let made = model.tasks.len();
        if made == 0 {
            return creation().boxed();
        }
        let again: Vec<_> = (model.keys.iter())
            .map(|(key, (request, _))| Step::Write {
                request: request.clone(),
                key: Some(*key),
                if_match: None,
            })
            .collect();
        let again = if again.is_empty() { creation().boxed() } else { select(again).boxed() };
        prop_oneof![
            5 => creation(),
            10 => change(made),
            2 => again,
            3 => (0..made).prop_map(Step::Read),
            5 => query().prop_map(Step::List),
            1 => any::<bool>().prop_map(|is_kill| Step::Restart { is_kill }),
        ]
        .boxed()
    }

    /// A task that is named was made: one that made it may have been left out to find the shortest sequence.
    fn preconditions(model: &Model, step: &Step) -> bool {
        match step {
            Step::Write { request: Request { which: Some(which), .. }, .. } | Step::Read(which) => {
                *which < model.tasks.len()
            }
            _ => true,
        }
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        if let Step::Write { request, key, if_match } = step {
            let named = if_match.and_then(|is_right| model.named(request.which, is_right));
            let outcome = model.write(request, *key, named);
            model.last = Some((named, outcome));
        }
        model
    }
}

/// The same sequences each time, unless others are asked for.
fn settings() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        seed @ RngSeed::Fixed(_) => seed,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { 12 };
    ProptestConfig { rng_seed, cases, failure_persistence: None, ..given }
}

prop_state_machine! {
    #![proptest_config(settings())]

    #[test]
    fn every_answer_is_that_of_a_list_in_memory(sequential 20..80 => Real);
}
