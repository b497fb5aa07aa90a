//! What is fuzzed: each reader of what comes from outside, as a function of bytes that must not panic, with what must hold
//! of all that it takes. `scripts/fuzz` runs them for long; a test replays their seeds, changed a little.
//!
//! Must not know who makes the bytes.

use crate::config::EnvFile;
use crate::delivery::retry::retry_after_ms;
use crate::http::fuzzed::{self, Target};
use crate::listen::check;
use crate::model::{Time, encoded_url};
use crate::secret::Secret;
use crate::targets::Targets;

/// A moment: what is read must not depend on when.
const NOW: Time = Time(1_765_216_530_000);
/// No wait is longer, in milliseconds.
const HOUR: i64 = 3_600_000;

fn targets() -> Vec<Target> {
    let others: [Target; 5] = [
        ("dotenv", dotenv),
        ("retry_after", retry_after),
        ("signature", signature),
        ("time", time),
        ("url", url),
    ];
    [others, fuzzed::TARGETS].concat()
}

/// Gives a target some bytes.
///
/// # Panics
/// If there is none of that name, or the bytes show a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = targets().into_iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    target(bytes);
}

fn dotenv(bytes: &[u8]) {
    let (file, faults) = EnvFile::parse(bytes);
    for fault in file.warnings.iter().chain(&faults) {
        assert!(fault.starts_with(".env") && !fault.contains('\n'), "{fault:?}");
    }
    for name in file.names() {
        assert!(file.get(name).is_some(), "{name}");
    }
}

fn retry_after(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    for status in [200, 429, 503] {
        let wait = retry_after_ms(status, Some(text), NOW.0);
        assert!(wait.is_none_or(|ms| status != 200 && (1..=HOUR).contains(&ms)), "{wait:?}");
    }
}

/// A line each: id, time, two signatures; then the body.
fn signature(bytes: &[u8]) {
    let mut lines = bytes.splitn(5, |byte| *byte == b'\n');
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "x-btk-signature"] {
        let value = http::HeaderValue::from_bytes(lines.next().unwrap_or_default());
        headers.extend(value.ok().map(|value| (http::HeaderName::from_static(name), value)));
    }
    let secret = Secret::new("a secret that nobody can guess here");
    let found = check(&headers, lines.next().unwrap_or_default(), &secret, NOW.0 / 1_000);
    assert!(!found.is_good, "{}", found.words);
}

fn time(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(time) = Time::read(text) {
        assert_eq!(Time::read(&time.to_string()), Ok(time), "{text:?} is {time}");
    }
}

fn url(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(targets) = Targets::parse(text) {
        assert_eq!(
            Targets::parse(&targets.to_string()).map(|again| again.to_string()),
            Ok(targets.to_string())
        );
    }
    let Ok(url) = encoded_url(text) else { return };
    assert_eq!(encoded_url(&url).as_ref(), Ok(&url), "{text:?}");
    let refused = Targets::default().refuse_literal(&url).unwrap_or_default();
    assert!(!refused.chars().any(char::is_control), "{refused:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What is made of each seed.
    const CHANGED: u64 = 2_000;

    /// `SplitMix64` (Steele, Lea, Flood 2014).
    fn chance(state: &mut u64) -> usize {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap()
    }

    /// A seed with some bytes changed, cut out, repeated, or taken from another.
    fn changed(seed: &[u8], other: &[u8], state: &mut u64) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=chance(state) % 4 {
            let at = chance(state) % (bytes.len() + 1);
            let end = (at + chance(state) % 8).min(bytes.len());
            match chance(state) % 4 {
                0 if at < bytes.len() => bytes[at] ^= 1 << (chance(state) % 8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let again = bytes[at..end].repeat(1 + chance(state) % 50);
                    bytes.splice(at..at, again).for_each(drop);
                }
                _ => {
                    let from = chance(state) % (other.len() + 1);
                    bytes.splice(at..end, other[from..].iter().copied()).for_each(drop);
                }
            }
        }
        bytes
    }

    #[test]
    fn nothing_that_is_made_of_the_seeds_shows_a_fault() {
        let mut state = 1;
        for (name, target) in targets() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
            let files =
                fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            let mut seeds: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            seeds.sort();
            let seeds: Vec<_> = seeds.iter().map(|path| fs::read(path).unwrap()).collect();
            for seed in &seeds {
                target(seed);
                for _ in 0..CHANGED {
                    let other = &seeds[chance(&mut state) % seeds.len()];
                    target(&changed(seed, other, &mut state));
                }
            }
        }
    }
}
