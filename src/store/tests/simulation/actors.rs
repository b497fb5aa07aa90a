//! Who takes part in a simulation: chance from a seed, receivers with moods, their webhooks.
//!
//! Must not know what is checked.

use crate::delivery::{explain, retry};
use crate::model::{OnReject, Outcome, Profile, Webhook};
use crate::store::deliveries::claims::Claim;

/// Random numbers from a seed: `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// Requests a second to the webhook that is paced: few enough to be reached.
pub(crate) const PACE: u32 = 2;

/// What a receiver does at present.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Well,
    Broken,
    Silent,
    Busy,
    Full,
    Closed,
    Gone,
    Picky,
    Refusing,
    Wild,
}

pub(crate) const MOODS: [Mood; 13] = [
    Mood::Well,
    Mood::Well,
    Mood::Well,
    Mood::Well,
    Mood::Broken,
    Mood::Silent,
    Mood::Busy,
    Mood::Full,
    Mood::Closed,
    Mood::Gone,
    Mood::Picky,
    Mood::Refusing,
    Mood::Wild,
];

/// What comes back for a claim, and what went wrong in words.
pub(crate) fn answer(mood: Mood, claim: &Claim, dice: &mut Dice) -> (Outcome, Option<String>) {
    let outcome = outcome(mood, claim, dice);
    let why = explain::what_went_wrong(&claim.webhook, &outcome);
    (outcome, why)
}

fn outcome(mood: Mood, claim: &Claim, dice: &mut Dice) -> Outcome {
    if matches!(mood, Mood::Wild) && dice.below(20) == 0 {
        let is_local = dice.below(2) == 0;
        return Outcome {
            is_local_fault: is_local,
            blocked: !is_local,
            ..Outcome::broken("Not made.")
        };
    }
    let status = match mood {
        Mood::Broken => 500,
        Mood::Silent => return Outcome::broken("No answer came."),
        Mood::Busy => 429,
        Mood::Full => 400,
        Mood::Closed => 401,
        Mood::Gone => 410,
        Mood::Refusing => 422,
        // One task's events are never taken.
        Mood::Picky if claim.event.task_id.as_str() == "t0" => dice.pick(&[500, 400]),
        Mood::Well | Mood::Picky => 200,
        Mood::Wild => dice.pick(&[200, 200, 500, 503, 429, 302, 400, 404, 422]),
    };
    let mut outcome = Outcome { status: Some(status), ..Outcome::broken("") };
    outcome.broken = None;
    if matches!(mood, Mood::Full) {
        outcome.later = retry::meant(status, "Queue is full", claim.webhook.profile);
    }
    if status == 429 && dice.below(3) == 0 {
        outcome.retry_after_ms = Some(5_000);
    }
    outcome
}

pub(crate) fn webhook(
    id: &str,
    profile: Profile,
    on_reject: OnReject,
    max_attempts: u32,
) -> Webhook {
    Webhook {
        profile,
        rate_per_second: (profile == Profile::Make).then_some(PACE),
        max_attempts,
        on_reject,
        ..Webhook::new(id, format!("http://127.0.0.1:9/{id}"))
    }
}
