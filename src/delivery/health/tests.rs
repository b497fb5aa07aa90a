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

fn ended(outcome: &Outcome, seq: i64, tries: u32) -> EndedAttempt<'_> {
    EndedAttempt {
        seq,
        tries,
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
        &EndedAttempt { last_success, ..ended(&outcome, 1, 3) },
    );
    assert_eq!(verdict, Verdict::only(Fate::HeldAlone { after_ms: 30_000 }));
    let again = EndedAttempt { is_alone: true, ..ended(&outcome, 1, 4) };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &again);
    assert_eq!(verdict, Verdict::only(Fate::HeldAlone { after_ms: 60_000 }), "it doubles");
    let before = Some(T0.plus_ms(-1));
    let early = EndedAttempt { last_success: before, ..ended(&outcome, 1, 3) };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &early);
    assert_eq!(verdict.fate, Fate::Waits, "a success before its first attempt says nothing");
}

#[test]
fn a_minute_of_nothing_but_failures_is_down_too() {
    let outcome = answered(500);
    for (ms, is_down) in [(59_999, false), (60_000, true)] {
        let since = Some(T0.plus_ms(3_010 - ms));
        let first = EndedAttempt { failing_since: since, ..ended(&outcome, 1, 1) };
        let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &first);
        assert_eq!(verdict.health.is_some(), is_down, "{ms}");
        assert_eq!(verdict.fate == Fate::Waits, is_down, "{ms}");
    }
}

#[test]
fn a_probe_that_fails_waits_twice_as_long_up_to_the_longest() {
    let outcome = answered(503);
    let probe = EndedAttempt { is_probe: true, ..ended(&outcome, 1, 1) };
    let verdict = after(&down(), &webhook(), &POLICY, &probe);
    let health = verdict.health.unwrap();
    assert_eq!((verdict.fate, health.failures), (Fate::Waits, 3));
    assert_eq!(health.probe_at, Some(probe.now.plus_ms(240_000)));
    assert_eq!(probe_wait_ms(&POLICY, 40, 0.5), 600_000);
    assert_eq!((probe_wait_ms(&POLICY, 0, 0.0), probe_wait_ms(&POLICY, 0, 1.0)), (27_000, 33_000));
}

#[test]
fn who_failed_while_not_up_was_looked_at_since_that_request_left() {
    let started = T0.plus_ms(3_000);
    for status in [503, 404, 410, 422] {
        let outcome = answered(status);
        let probe = EndedAttempt { is_probe: true, ..ended(&outcome, 1, 1) };
        let health = after(&down(), &webhook(), &POLICY, &probe).health.unwrap();
        assert!(health.was_looked_at(started) && !health.was_looked_at(started.plus_ms(1)));
        assert!(!health.resumed(T0).was_looked_at(T0), "{status}: a new look was asked for");
        let outcome = answered(200);
        let later = EndedAttempt { started: T0.plus_ms(9_000), ..ended(&outcome, 1, 1) };
        let fine = after(&health, &webhook(), &POLICY, &later).health.unwrap();
        assert_eq!(fine.looked_at, None, "{status}");
    }
    let local = Outcome { is_local_fault: true, ..Outcome::broken("No file handle.") };
    let probe = EndedAttempt { is_probe: true, ..ended(&local, 1, 1) };
    assert_eq!(after(&down(), &webhook(), &POLICY, &probe).health.unwrap().looked_at, None);
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
        let new = EndedAttempt { started: since, ..old };
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
        assert_eq!(verdict.fate, Fate::Failed { reason: Reason::Rejected });
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
    assert!(fine.health.unwrap().denied.is_empty(), "not in a row any more");
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
    let probe =
        EndedAttempt { started: T0.plus_ms(3_006), is_probe: true, ..ended(&outcome, 1, 1) };
    let refused = after(&asked, &webhook(), &POLICY, &probe).health.unwrap();
    assert_eq!(refused.probe_at, None, "one request, no more");
}

#[test]
fn a_rejected_event_is_its_own_fault() {
    let outcome = answered(422);
    let one = ended(&outcome, 1, 1);
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &one);
    assert_eq!(verdict.fate, Fate::Failed { reason: Reason::Rejected });
    assert!(verdict.health.unwrap().is_up(), "one is no sign of more");
    let holding = Webhook { on_reject: OnReject::Hold, ..webhook() };
    let verdict = after(&Health::fresh(T0), &holding, &POLICY, &one);
    assert_eq!(verdict.fate, Fate::Held);
    let probe = EndedAttempt { is_probe: true, ..one };
    let health = after(&down(), &webhook(), &POLICY, &probe).health.unwrap();
    assert_eq!((health.condition, health.failures), (Condition::Down, 0), "somebody answers");
}

#[test]
fn without_recovery_three_attempts_or_one_refusal_are_the_end() {
    let policy = Policy { recovers: false, ..POLICY };
    for (status, tries, fate) in [
        (500, 2, Fate::Retry { after_ms: 2_000 }),
        (500, 3, Fate::Failed { reason: Reason::AttemptsUsed }),
        (410, 1, Fate::Failed { reason: Reason::Rejected }),
        (401, 1, Fate::Failed { reason: Reason::Rejected }),
    ] {
        let outcome = answered(status);
        let one = ended(&outcome, 1, tries);
        let verdict = after(&Health::fresh(T0), &webhook(), &policy, &one);
        assert_eq!(verdict.fate, fate);
        assert!(verdict.health.is_none_or(|health| health.is_up()), "{status}");
    }
    assert!(!is_expired(&policy, T0, T0.plus_ms(i64::MAX / 2)));
}

#[test]
fn a_fault_of_this_machine_is_not_the_receivers() {
    let outcome = Outcome { is_local_fault: true, ..Outcome::broken("Out of file handles.") };
    let verdict = after(&Health::fresh(T0), &webhook(), &POLICY, &ended(&outcome, 1, 3));
    assert_eq!(verdict, Verdict::only(Fate::Uncounted { after_ms: 1_000 }));
}

/// An answer after an attempt that nothing else is known about.
fn ends(health: &Health, policy: &Policy, outcome: &Outcome, seq: i64) -> Verdict {
    let started = T0.plus_ms(seq * 1_000);
    let one = ended(outcome, seq, 1);
    let is_probe = health.condition != Condition::Up;
    let one = EndedAttempt { first: started, started, now: started.plus_ms(5), is_probe, ..one };
    after(health, &webhook(), policy, &one)
}

#[test]
fn ten_refusals_in_a_row_are_a_condition_that_the_first_2xx_ends() {
    for recovers in [true, false] {
        let policy = Policy { recovers, ..POLICY };
        let mut health = Health::fresh(T0);
        for seq in 1..=12 {
            assert_eq!(health.is_refusing(), seq > 10, "before the refusal {seq}");
            let verdict = ends(&health, &policy, &answered(422), seq);
            assert_eq!(verdict.fate, Fate::Failed { reason: Reason::Rejected });
            health = verdict.health.unwrap_or(health);
            assert!(health.is_up(), "nothing is held");
        }
        assert_eq!(health.refusals.since, Some(T0.plus_ms(10_005)), "it began with the tenth");
        assert_eq!(health.why, "It did not work.");
        assert_eq!(ends(&health, &policy, &answered(422), 13).health, None, "nothing to write");
        let fine = ends(&health, &policy, &answered(200), 14);
        assert_eq!(fine.health, Some(Health::fresh(T0)));
        assert_eq!(ends(&Health::fresh(T0), &policy, &answered(200), 15).health, None);
    }
}

#[test]
fn who_comes_back_and_refuses_everything_is_sent_what_waits() {
    let mut health = down();
    for seq in 1..=10 {
        assert_eq!(health.condition, Condition::Down, "before the refusal {seq}");
        health = ends(&health, &POLICY, &answered(422), seq).health.unwrap();
    }
    assert!(health.is_up() && health.is_refusing() && health.probe_at.is_none(), "{health:?}");
    // No answer for a while is no sign that anything is taken.
    let silent = Outcome::broken("Nobody answers.");
    let used_up = EndedAttempt { tries: 3, ..ended(&silent, 11, 3) };
    let away = after(&health, &webhook(), &POLICY, &used_up).health.unwrap();
    assert_eq!((away.condition, away.is_refusing()), (Condition::Down, false));
    let back = ends(&away, &POLICY, &answered(302), 12).health.unwrap();
    assert!(back.is_up() && back.is_refusing(), "{back:?}");
    assert!(!ends(&away, &POLICY, &answered(200), 12).health.unwrap().is_refusing());
}

#[test]
fn one_event_that_is_sent_again_and_again_is_refused_once() {
    let mut health = Health::fresh(T0);
    for _ in 0..4 {
        for seq in 1..=9 {
            let verdict = ends(&health, &POLICY, &answered(422), seq);
            health = verdict.health.unwrap_or(health);
            assert!(!health.is_refusing());
        }
    }
    assert!(ends(&health, &POLICY, &answered(422), 10).health.unwrap().is_refusing());
}

#[test]
fn a_2xx_among_them_begins_the_count_again_and_what_fails_otherwise_does_not() {
    let mut health = Health::fresh(T0);
    let refused = [answered(302), answered(400), answered(404), answered(413), answered(403)];
    for seq in 1..=9 {
        let outcome = &refused[usize::try_from(seq).unwrap() % refused.len()];
        health = ends(&health, &POLICY, outcome, seq).health.unwrap();
    }
    let busy = ends(&health, &POLICY, &answered(503), 10);
    assert_eq!((busy.fate, busy.health), (Fate::Retry { after_ms: 1_000 }, None));
    assert!(ends(&health, &POLICY, &answered(400), 11).health.unwrap().is_refusing());
    let health = ends(&health, &POLICY, &answered(200), 12).health.unwrap();
    assert_eq!(ends(&health, &POLICY, &answered(400), 13).health.unwrap().refusals.events, [13]);
}

/// Chance from a seed: the next of a line of numbers.
fn roll(seed: &mut u64, sides: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % sides
}

#[test]
fn whatever_comes_in_whatever_order_it_refuses_everything_just_when_it_does() {
    let answers = [200, 204, 400, 400, 400, 400, 422, 302, 401, 403, 404, 410, 429, 500, 503];
    for n in 0..2_000 {
        let mut seed = n;
        let policy = Policy { recovers: n % 3 != 0, ..POLICY };
        // Most receivers of these refuse; in some walks all do.
        let among =
            [&answers[..], &answers[2..11], &answers[2..8], &answers[..7]][roll(&mut seed, 4)];
        let (mut health, mut in_a_row) = (Health::fresh(T0), 0);
        for seq in 1..60 {
            let status = among[roll(&mut seed, among.len())];
            let outcome = answered(status);
            let calm = Health { refusals: Refusals::default(), ..health.clone() };
            let verdict = ends(&health, &policy, &outcome, seq);
            assert_eq!(
                verdict.fate,
                ends(&calm, &policy, &outcome, seq).fate,
                "it decides nothing"
            );
            health = verdict.health.unwrap_or(health);
            in_a_row = match status {
                _ if health.condition.needs_person() => 0,
                200..=299 => 0,
                300..=499 if status != 429 => in_a_row + 1,
                _ => in_a_row,
            };
            let refuses = in_a_row >= 10 && health.condition == Condition::Up;
            assert_eq!(health.is_refusing(), refuses, "walk {n}, answer {seq}: {health:?}");
            let says_why = health.condition != Condition::Up || health.is_refusing();
            assert_eq!(health.why.is_empty(), !says_why, "walk {n}, answer {seq}");
        }
    }
}
