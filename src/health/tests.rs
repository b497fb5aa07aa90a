//! The rules of health as a table of cases.

use super::*;

const POLICY: Policy = Policy {
    recovers: true,
    probe_first_ms: 30_000,
    probe_max_ms: 600_000,
    max_age_ms: 72 * 3_600_000,
};
const T0: Time = Time(1_000_000);

fn webhook() -> Webhook {
    Webhook::new("wh_a", "https://e.org/")
}

fn answered(status: u16) -> Outcome {
    Outcome { status: Some(status), broken: None, ..Outcome::broken("") }
}

fn ended(outcome: &Outcome, seq: i64, attempt: u32) -> Ended<'_> {
    Ended {
        seq,
        attempt,
        first: T0,
        started: T0.plus_ms(3_000),
        is_probe: false,
        is_alone: false,
        outcome,
        why: "It did not work.",
        last_success: None,
        failing_since: None,
        now: T0.plus_ms(3_010),
        chance: 0.5,
    }
}

fn down() -> Health {
    let probe_at = Some(T0);
    Health { condition: Condition::Down, failures: 2, probe_at, ..Health::fresh(T0) }
}

#[test]
fn a_webhook_that_answers_nothing_with_2xx_is_down_and_burns_nothing() {
    let outcome = answered(500);
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &ended(&outcome, 1, 3));
    assert_eq!(verdict.fate, Fate::Waits);
    let health = verdict.health.unwrap();
    assert_eq!((health.condition, health.probe_at), (Condition::Down, Some(T0.plus_ms(33_010))));
}

#[test]
fn while_others_arrive_the_fault_is_that_events_alone() {
    let outcome = answered(500);
    let last_success = Some(T0.plus_ms(5));
    let verdict = after(
        &Health::fresh(T0),
        &webhook(),
        &POLICY,
        &Ended { last_success, ..ended(&outcome, 1, 3) },
    );
    assert_eq!(verdict, Verdict::only(Fate::Alone { after_ms: 30_000 }));
    let again = Ended { is_alone: true, ..ended(&outcome, 1, 4) };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &again);
    assert_eq!(verdict, Verdict::only(Fate::Alone { after_ms: 60_000 }), "it doubles");
    let before = Some(T0.plus_ms(-1));
    let early = Ended { last_success: before, ..ended(&outcome, 1, 3) };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &early);
    assert_eq!(verdict.fate, Fate::Waits, "a success before its first attempt says nothing");
}

#[test]
fn a_minute_of_nothing_but_failures_is_down_too() {
    let outcome = answered(500);
    for (ms, is_down) in [(59_999, false), (60_000, true)] {
        let since = Some(T0.plus_ms(3_010 - ms));
        let first = Ended { failing_since: since, ..ended(&outcome, 1, 1) };
        let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &first);
        assert_eq!(verdict.health.is_some(), is_down, "{ms}");
        assert_eq!(verdict.fate == Fate::Waits, is_down, "{ms}");
    }
}

#[test]
fn a_probe_that_fails_waits_twice_as_long_up_to_the_longest() {
    let outcome = answered(503);
    let probe = Ended { is_probe: true, ..ended(&outcome, 1, 1) };
    let verdict = after(&down(), &webhook(), &POLICY, &probe);
    let health = verdict.health.unwrap();
    assert_eq!((verdict.fate, health.failures), (Fate::Waits, 3));
    assert_eq!(health.probe_at, Some(probe.now.plus_ms(240_000)));
    assert_eq!(probe_wait_ms(&POLICY, 40, 0.5), 600_000);
    assert_eq!((probe_wait_ms(&POLICY, 0, 0.0), probe_wait_ms(&POLICY, 0, 1.0)), (27_000, 33_000));
}

#[test]
fn a_2xx_ends_down_but_an_old_one_does_not_end_what_a_refusal_said() {
    let outcome = answered(204);
    let verdict = after(&down(), &webhook(), &POLICY, &ended(&outcome, 1, 1));
    assert_eq!(verdict.health.unwrap().condition, Condition::Up);
    for condition in [Condition::Gone, Condition::Misconfigured] {
        let since = T0.plus_ms(3_001);
        let health = Health { condition, since, ..Health::fresh(T0) };
        let old = ended(&outcome, 1, 1);
        assert_eq!(after(&health, &webhook(), &POLICY, &old).health, None);
        let new = Ended { started: since, ..old };
        let turned = after(&health, &webhook(), &POLICY, &new).health.unwrap();
        assert_eq!(turned.condition, Condition::Up);
    }
}

#[test]
fn three_different_events_refused_in_a_row_are_the_webhooks_fault() {
    let mut health = Health::fresh(T0);
    for (seq, status) in [(7, 401), (7, 403), (8, 404)] {
        let outcome = answered(status);
        let verdict = after(&health, &webhook(), &POLICY, &ended(&outcome, seq, 1));
        assert_eq!(verdict.fate, Fate::Failed { reason: "rejected" });
        health = verdict.health.unwrap();
        assert_eq!(health.condition, Condition::Up);
    }
    let outcome = answered(401);
    let verdict = after(&health, &webhook(), &POLICY, &ended(&outcome, 9, 1));
    assert_eq!((verdict.fate, verdict.restored), (Fate::Waits, vec![7, 8]));
    let turned = verdict.health.unwrap();
    assert_eq!((turned.condition, turned.probe_at), (Condition::Misconfigured, None));
    let outcome = answered(200);
    let fine = after(&health, &webhook(), &POLICY, &ended(&outcome, 9, 1));
    assert!(fine.health.unwrap().refused.is_empty(), "not in a row any more");
}

#[test]
fn gone_and_a_forbidden_address_act_at_once() {
    let gone = answered(410);
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &ended(&gone, 1, 1));
    assert_eq!(verdict.fate, Fate::Waits);
    assert_eq!(verdict.health.unwrap().condition, Condition::Gone);
    let blocked = Outcome { blocked: true, ..Outcome::broken("No.") };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &ended(&blocked, 1, 1));
    assert_eq!(verdict.health.unwrap().condition, Condition::Misconfigured);
}

#[test]
fn a_probe_that_a_person_asked_for_outlives_a_late_refusal() {
    let gone = Health { condition: Condition::Gone, ..Health::fresh(T0) };
    let asked = gone.resumed(T0.plus_ms(3_005));
    let outcome = answered(410);
    let late = after(&asked, &webhook(), &POLICY, &ended(&outcome, 1, 1)).health.unwrap();
    assert_eq!(late.probe_at, asked.probe_at);
    let probe = Ended { started: T0.plus_ms(3_006), is_probe: true, ..ended(&outcome, 1, 1) };
    let refused = after(&asked, &webhook(), &POLICY, &probe).health.unwrap();
    assert_eq!(refused.probe_at, None, "one request, no more");
}

#[test]
fn a_rejected_event_is_its_own_fault() {
    let outcome = answered(422);
    let one = ended(&outcome, 1, 1);
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &one);
    assert_eq!(verdict, Verdict::only(Fate::Failed { reason: "rejected" }));
    let holding = Webhook { on_reject: OnReject::Hold, ..webhook() };
    let verdict = after(&Health::fresh(T0), &holding, &POLICY, &one);
    assert_eq!(verdict, Verdict::only(Fate::Held));
    let probe = Ended { is_probe: true, ..one };
    let health = after(&down(), &webhook(), &POLICY, &probe).health.unwrap();
    assert_eq!((health.condition, health.failures), (Condition::Down, 0), "somebody answers");
}

#[test]
fn without_recovery_three_attempts_or_one_refusal_are_the_end() {
    let policy = Policy { recovers: false, ..POLICY };
    for (status, attempt, fate) in [
        (500, 2, Fate::Retry { after_ms: 2_000 }),
        (500, 3, Fate::Failed { reason: "attempts_used" }),
        (410, 1, Fate::Failed { reason: "rejected" }),
        (401, 1, Fate::Failed { reason: "rejected" }),
    ] {
        let outcome = answered(status);
        let one = ended(&outcome, 1, attempt);
        assert_eq!(after(&Health::fresh(T0), &webhook(), &policy, &one), Verdict::only(fate));
    }
    assert!(!is_expired(&policy, T0, T0.plus_ms(i64::MAX / 2)));
}

#[test]
fn a_fault_of_this_machine_is_not_the_receivers() {
    let outcome = Outcome { ours: true, ..Outcome::broken("Out of file handles.") };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &ended(&outcome, 1, 3));
    assert_eq!(verdict, Verdict::only(Fate::NotMade { after_ms: 1_000 }));
}
