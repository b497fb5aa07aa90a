//! How `btk listen` answers: as a receiver that works, or as one that a person wants to see fail.
//!
//! Must not know HTTP beyond statuses, nor what a webhook says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;

use crate::config::number;

/// The longest delay; no sender waits for longer.
const DELAY_MOST: Duration = Duration::from_mins(10);

/// An answer that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This status with this body.
    Status(StatusCode, String),
    /// None: the connection is closed.
    Cut,
}

/// Answers in turn; the last one goes on for ever. None: as a receiver that works.
#[derive(Debug, Default)]
pub(crate) struct Manner {
    answers: Vec<Answer>,
    given: AtomicUsize,
    /// How long each answer takes.
    pub(crate) delay: Duration,
}

impl Manner {
    /// These answers, each after `delay`.
    pub(crate) fn new(answers: Vec<Answer>, delay: Duration) -> Manner {
        Manner { answers, given: AtomicUsize::new(0), delay }
    }

    /// The answer whose turn it is, if any was asked for.
    pub(super) fn next(&self) -> Option<&Answer> {
        let turn = self.given.fetch_add(1, Ordering::Relaxed);
        self.answers.get(turn).or(self.answers.last())
    }
}

/// Reads `503`, `200:a body`, `cut`, or several of them with commas between. A comma within a body
/// stays there where no answer follows it.
///
/// # Errors
/// What is no answer, and what would be.
pub(crate) fn answers(text: &str) -> Result<Answers, String> {
    let mut found: Vec<Answer> = Vec::new();
    for part in text.split(',') {
        match (answer(part.trim_start()), found.last_mut()) {
            (Some(Answer::Status(status, body)), _) if !body.is_empty() && is_bare(status) => {
                return Err(format!(
                    "\"{part}\" gives a body to a {}, which has none: write {} alone, or another status",
                    status.as_u16(),
                    status.as_u16()
                ));
            }
            (Some(answer), _) => found.push(answer),
            (None, Some(Answer::Status(_, body))) if !body.is_empty() => {
                body.push(',');
                body.push_str(part);
            }
            (None, _) => {
                return Err(format!(
                    "\"{part}\" is no answer: write a status from 200 to 599, a status with a body \
                     (200:ok), or cut; several with commas between, e.g. 503,503,200"
                ));
            }
        }
    }
    Ok(Answers(found))
}

/// Whether an answer of this status ends with its headers: what a receiver sends behind them, others take for the next
/// answer, or never see.
fn is_bare(status: StatusCode) -> bool {
    let bare = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
    bare.contains(&status)
}

/// What one `--answer` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answers(pub(crate) Vec<Answer>);

fn answer(text: &str) -> Option<Answer> {
    if text.trim_end() == "cut" {
        return Some(Answer::Cut);
    }
    let (status, body) = text.split_once(':').unwrap_or((text.trim_end(), ""));
    let is_final = |status: &u16| (200..600).contains(status);
    let status =
        Some(status).filter(|status| status.len() == 3).and_then(number).filter(is_final)?;
    Some(Answer::Status(StatusCode::from_u16(status).ok()?, body.to_owned()))
}

/// Reads `500ms`, `5s` or `2m`.
///
/// # Errors
/// It is none of these, or too long.
pub(crate) fn delay(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let count: Option<u64> = number(count);
    let delay = match (count, unit) {
        (Some(count), "ms") => Some(Duration::from_millis(count)),
        (Some(count), "s") => Some(Duration::from_secs(count)),
        (Some(count), "m") => count.checked_mul(60).map(Duration::from_secs),
        _ => None,
    };
    delay
        .filter(|delay| *delay <= DELAY_MOST)
        .ok_or_else(|| format!("\"{text}\" is no delay: write 500ms, 5s or 2m, up to 10m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, body: &str) -> Answer {
        Answer::Status(StatusCode::from_u16(status).unwrap(), body.to_owned())
    }

    #[test]
    fn answers_come_in_turn_and_the_last_one_goes_on() {
        let manner = Manner::new(answers("503, 500,cut,200:ok").unwrap().0, Duration::ZERO);
        let given: Vec<Answer> = (0..6).filter_map(|_| manner.next().cloned()).collect();
        let ok = status(200, "ok");
        assert_eq!(given[..3], [status(503, ""), status(500, ""), Answer::Cut]);
        assert_eq!(given[3..], [ok.clone(), ok.clone(), ok]);
        assert_eq!(Manner::default().next(), None);
    }

    #[test]
    fn a_body_may_hold_colons_and_commas() {
        assert_eq!(
            answers(r#"400:Queue is full,200:{"a":1,"b":[2,3]}"#).unwrap().0,
            [status(400, "Queue is full"), status(200, r#"{"a":1,"b":[2,3]}"#)]
        );
        for bad in
            ["", "99", "600", "abc", "503,", "200 ok", "cut,x", "1000", "+20", "100:x", "101"]
        {
            assert!(answers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_that_has_no_body_gets_none() {
        for (text, bare) in [("204:x", "204"), ("503,304:not modified", "304"), ("205:{}", "205")] {
            let said = answers(text).unwrap_err();
            assert!(said.contains(&format!("write {bare} alone")), "{text}: {said}");
        }
        assert_eq!(answers("204,304,200:ok").unwrap().0.len(), 3);
    }

    #[test]
    fn a_delay_has_a_unit() {
        assert_eq!(delay("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(delay("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(delay("2m"), Ok(Duration::from_mins(2)));
        for bad in ["", "5", "s", "-1s", "1h", "11m", "99999999999999999999s"] {
            assert!(delay(bad).is_err(), "{bad}");
        }
    }
}
