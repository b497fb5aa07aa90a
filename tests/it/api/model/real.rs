//! The server that is held against the model, and what it has shown so far.

use std::collections::BTreeMap;

use proptest_state_machine::StateMachineTest;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Done, Model, Outcome, PRIORITIES, Query, Request, Step, TITLES};
use crate::harness::{Answer, Hit, Receiver, Server};

/// What the model does not have: ids and times are made by the server.
const MADE: [&str; 3] = ["id", "createdAt", "updatedAt"];

/// A server with a receiver of its webhooks.
pub(super) struct Real {
    runtime: Runtime,
    server: Server,
    receiver: Receiver,
    ids: Vec<String>,
    /// Each task as it was answered last, null once it was deleted.
    shown: Vec<Value>,
    /// The answers to writes under keys.
    answers: BTreeMap<u8, Value>,
}

impl StateMachineTest for Real {
    type SystemUnderTest = Real;
    type Reference = Model;

    fn init_test(_: &Model) -> Real {
        let runtime = Runtime::new().expect("threads");
        let (receiver, server) = runtime.block_on(async {
            let receiver = Receiver::ok().await;
            let server = Server::start(&[("WEBHOOK_URL", &receiver.url())]).await;
            (receiver, server)
        });
        let (ids, shown, answers) = (Vec::new(), Vec::new(), BTreeMap::new());
        Real { runtime, server, receiver, ids, shown, answers }
    }

    fn apply(mut real: Real, model: &Model, step: Step) -> Real {
        let runtime = real.runtime.handle().clone();
        runtime.block_on(real.take(model, step));
        real
    }

    fn teardown(real: Real, model: Model) {
        real.runtime.block_on(real.arrived(&model));
    }
}

impl Real {
    async fn take(&mut self, model: &Model, step: Step) {
        match step {
            Step::Write { request, key, .. } => {
                let (named, outcome) = model.last.as_ref().expect("the write is in the model");
                let answer = self.send(&request, key, *named).await;
                match outcome {
                    Outcome::Done(done) => self.done(&request, key, done, &answer),
                    Outcome::NotFound => drop(answer.expect_error(404)),
                    Outcome::Mismatch => drop(answer.expect_error(412)),
                    Outcome::KeyTaken => drop(answer.expect_error(422)),
                }
            }
            Step::Read(which) => {
                let answer = self.server.get(&self.path(which)).await;
                if model.tasks[which].is_there {
                    assert_eq!(answer.expect(200).json(), self.shown[which]);
                } else {
                    answer.expect_error(404);
                }
            }
            Step::List(query) => self.list(&query).await,
            Step::Restart { is_kill } => {
                if is_kill {
                    self.server.kill9();
                } else {
                    assert!(self.server.stop().await.success());
                }
                self.server.restart().await;
            }
        }
    }

    fn path(&self, which: usize) -> String {
        format!("/api/tasks/{}", self.ids[which])
    }

    async fn send(&self, request: &Request, key: Option<u8>, named: Option<u64>) -> Answer {
        let path = request.which.map_or_else(|| "/api/tasks".to_owned(), |which| self.path(which));
        let mut call = self.server.call(request.method, &path);
        if let Some(key) = key {
            call = call.header("idempotency-key", &format!("key {key}"));
        }
        if let Some(version) = named {
            call = call.header("if-match", &format!("\"{version}\""));
        }
        call.json(&Value::Object(request.body.clone())).send().await
    }

    /// Holds the answer to a write that was done against what it did.
    fn done(&mut self, request: &Request, key: Option<u8>, done: &Done, answer: &Answer) {
        assert_eq!(answer.status, done.status, "{}", answer.text());
        assert_eq!(answer.header("etag"), format!("\"{}\"", done.version));
        assert_eq!(answer.header("idempotent-replayed") == "true", done.is_repeat);
        let body = answer.json();
        if done.is_repeat {
            assert_eq!(Some(&body), key.and_then(|key| self.answers.get(&key)), "the first answer");
            return;
        }
        let is_deletion = request.method == "DELETE";
        let task = if is_deletion { &body["task"] } else { &body };
        let mut fields = task.as_object().expect("a task").clone();
        for name in MADE {
            assert!(fields.remove(name).is_some_and(|value| value.is_string()), "{name} in {task}");
        }
        assert_eq!(fields, done.fields);
        if done.which == self.ids.len() {
            self.ids.push(task["id"].as_str().expect("an id").to_owned());
            self.shown.push(Value::Null);
        } else {
            let before = &self.shown[done.which];
            assert_eq!((&task["id"], &task["createdAt"]), (&before["id"], &before["createdAt"]));
            assert!(task["updatedAt"].as_str() >= before["updatedAt"].as_str());
        }
        self.shown[done.which] = if is_deletion { Value::Null } else { task.clone() };
        if let Some(key) = key {
            self.answers.insert(key, body);
        }
    }

    /// A list, page by page where it is asked for so, is what is there, filtered and put in order.
    async fn list(&self, query: &Query) {
        let mut expected: Vec<_> = (self.shown.iter().enumerate())
            .filter(|(_, task)| task.is_object() && query.lets_through(task))
            .collect();
        expected.sort_by(|(n, a), (m, b)| query.order((*n, a), (*m, b)));
        let expected: Vec<_> = expected.into_iter().map(|(_, task)| task.clone()).collect();

        let mut path = format!("/api/tasks?sort={}", query.sort);
        for (name, value) in &query.filter {
            path += &format!("&{name}={value}");
        }
        if let Some(page) = query.page {
            path += &format!("&limit={page}");
        }
        let first = self.server.get(&path).await.expect(200);
        assert_eq!(first.header("x-total-count"), expected.len().to_string(), "{path}");
        let (mut listed, mut page) = (Vec::new(), first);
        loop {
            let tasks = page.json().as_array().expect("a list").clone();
            assert!(query.page.is_none_or(|most| tasks.len() <= most), "{path}");
            listed.extend(tasks);
            let cursor = page.header("x-next-cursor").to_owned();
            if cursor.is_empty() {
                break;
            }
            page = self.server.get(&format!("{path}&cursor={cursor}")).await.expect(200);
        }
        assert_eq!(listed, expected, "{path}");
    }

    /// Everything that happened has arrived, each task's in order.
    async fn arrived(&self, model: &Model) {
        for (id, task) in self.ids.iter().zip(&model.tasks) {
            self.server.settled(id).await;
            let mut hits = self.receiver.of_task(id);
            // The answer to one may have been lost by a kill.
            hits.dedup_by(|a, b| a.header("webhook-id") == b.header("webhook-id"));
            let events: Vec<_> = hits.iter().map(Hit::event).collect();
            assert_eq!(events, task.events, "{id}");
        }
    }
}

impl Query {
    fn lets_through(&self, task: &Value) -> bool {
        let text = |name: &str| task[name].as_str().unwrap_or_default();
        self.filter.iter().all(|(name, value)| match *name {
            "q" => {
                format!("{}\n{}", text("title"), text("description")).to_lowercase().contains(value)
            }
            "tag" => task["tags"].as_array().is_some_and(|tags| tags.contains(&(*value).into())),
            "dueBefore" => task["dueDate"].is_string() && text("dueDate") < *value,
            "dueAfter" => text("dueDate") >= *value,
            name => value.split(',').any(|one| one == text(name)),
        })
    }

    /// Which of two comes first; what is equal is in order of creation, and what has no due date comes last either way.
    fn order(&self, a: (usize, &Value), b: (usize, &Value)) -> std::cmp::Ordering {
        let (name, is_descending) = match self.sort.strip_prefix('-') {
            Some(name) => (name, true),
            None => (self.sort, false),
        };
        let rank = |(nth, task): (usize, &Value)| {
            let text = task[name].as_str().unwrap_or_default();
            let place = |all: &[&str]| all.iter().position(|&one| one == text).unwrap_or(0);
            let (place, text) = match name {
                "createdAt" => (0, String::new()),
                "title" => (place(&TITLES), String::new()),
                "priority" => (place(&PRIORITIES), String::new()),
                _ => (0, text.to_owned()),
            };
            (place, text, nth)
        };
        let order = rank(a).cmp(&rank(b));
        let order = if is_descending { order.reverse() } else { order };
        a.1[name].is_null().cmp(&b.1[name].is_null()).then(order)
    }
}
