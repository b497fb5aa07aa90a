//! A simulator of Make's webhook gateway: so many requests in any span, a queue of limited length
//! that a scenario works off, an outage, a webhook that is gone.
//!
//! It counts what it had to refuse and must not know who sends, nor how fast that one means to be.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::hooks::within;
use super::{Hit, Receiver, Reply};

/// What Make takes. The real numbers (Make Help Center, "Webhooks"): 300 requests in 10 seconds,
/// a queue of 667 for 10,000 credits a month.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At most `requests` in any span of this length, else 429.
    pub(crate) span: Duration,
    pub(crate) requests: usize,
    /// Items that wait for the scenario, at most; else `400 Queue is full`.
    pub(crate) queue: usize,
    /// Items a second that the scenario works off.
    pub(crate) drain: u32,
}

/// How it is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It takes what comes, and the scenario works.
    Open,
    /// It takes what comes until the queue is full: the scenario is off.
    ScenarioOff,
    /// 503 to everything.
    Unavailable,
    /// 410 to everything.
    Gone,
}

/// What it saw so far.
#[derive(Debug, Default)]
struct Seen {
    accepted: Vec<Hit>,
    ids: HashSet<String>,
    arrivals: VecDeque<Instant>,
    too_many: usize,
    full: usize,
    queued: f64,
    worked: Option<Instant>,
}

struct Inner {
    limits: Limits,
    mood: Mutex<Mood>,
    seen: Mutex<Seen>,
}

/// The simulator and the receiver that it answers for.
#[derive(Clone)]
pub(crate) struct Make {
    pub(crate) receiver: Receiver,
    inner: Arc<Inner>,
}

impl Make {
    /// An open gateway with an empty queue.
    pub(crate) async fn start(limits: Limits) -> Self {
        let (mood, seen) = (Mutex::new(Mood::Open), Mutex::default());
        let inner = Arc::new(Inner { limits, mood, seen });
        let answering = Arc::clone(&inner);
        let receiver = Receiver::start(move |hit| answering.answer(hit)).await;
        Self { receiver, inner }
    }

    /// From now on it is so.
    pub(crate) fn be(&self, mood: Mood) {
        *self.inner.mood.lock().expect("no panic") = mood;
    }

    /// The requests that it accepted, in this order.
    pub(crate) fn accepted(&self) -> Vec<Hit> {
        self.inner.seen.lock().expect("no panic").accepted.clone()
    }

    /// How often it had to say 429.
    pub(crate) fn too_many(&self) -> usize {
        self.inner.seen.lock().expect("no panic").too_many
    }

    /// How often it said that its queue is full.
    pub(crate) fn full(&self) -> usize {
        self.inner.seen.lock().expect("no panic").full
    }

    /// Waits until it has accepted so many different events.
    pub(crate) async fn has_accepted(&self, events: usize, limit: Duration) {
        within(limit, &format!("{events} events accepted"), async || {
            (self.inner.seen.lock().expect("no panic").ids.len() >= events).then_some(())
        })
        .await;
    }

    /// Waits until it has said so many times that its queue is full.
    pub(crate) async fn has_been_full(&self, times: usize) {
        let limit = Duration::from_mins(2);
        within(limit, "a full queue", async || (self.full() >= times).then_some(())).await;
    }
}

impl Inner {
    fn answer(&self, hit: &Hit) -> Reply {
        let mood = *self.mood.lock().expect("no panic");
        let mut seen = self.seen.lock().expect("no panic");
        if seen.is_over(self.limits, hit.at) {
            seen.too_many += 1;
            return Reply::status(429).body("Too many requests");
        }
        match mood {
            Mood::Unavailable => return Reply::status(503).body("Service unavailable"),
            Mood::Gone => return Reply::status(410).body("Webhook not found."),
            Mood::Open | Mood::ScenarioOff => {}
        }
        seen.work_off(self.limits, mood, hit.at);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        if seen.queued + 1.0 > self.limits.queue as f64 {
            seen.full += 1;
            return Reply::status(400).body("Queue is full");
        }
        seen.queued += 1.0;
        seen.ids.insert(hit.header("webhook-id").to_owned());
        seen.accepted.push(hit.clone());
        Reply::ok().body("Accepted")
    }
}

impl Seen {
    /// Whether this request is one too many in its span; each counts, whatever it is answered.
    fn is_over(&mut self, limits: Limits, at: Instant) -> bool {
        while self.arrivals.front().is_some_and(|first| at.duration_since(*first) >= limits.span) {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(at);
        self.arrivals.len() > limits.requests
    }

    fn work_off(&mut self, limits: Limits, mood: Mood, at: Instant) {
        let since = self.worked.replace(at).unwrap_or(at);
        if mood == Mood::Open {
            let worked = at.duration_since(since).as_secs_f64() * f64::from(limits.drain);
            self.queued = (self.queued - worked).max(0.0);
        }
    }
}
