//! A histogram of lags: how long many events took, as counts in buckets, from which percentiles come.
//!
//! Below 16 ms each millisecond has a bucket of its own; above, each power of two is cut into eight,
//! so that what is answered for a bucket is within a sixteenth of all that is in it. Whole numbers
//! only. Must not know whose lags these are.

/// Milliseconds below which buckets are exact; the number of the first one that is not.
const EXACT: u64 = 16;
/// Buckets for each power of two: 1 << 3.
const FINE: u32 = 3;
/// The longest lag that is told from longer ones, in milliseconds: 34 years.
const MOST: u64 = (1 << 40) - 1;

/// How many events took how long. Only as long as the slowest bucket in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LagHistogram(Vec<u64>);

/// The bucket of a lag.
fn bucket(ms: u64) -> usize {
    let ms = ms.min(MOST);
    let number = if ms < EXACT {
        ms
    } else {
        let power = ms.ilog2();
        let eighth = (ms >> (power - FINE)) - (1 << FINE);
        EXACT + u64::from((power - EXACT.ilog2()) << FINE) + eighth
    };
    // At most 303, by `MOST`.
    usize::try_from(number).unwrap_or_default()
}

/// What is answered for a bucket: its middle, in milliseconds.
fn middle(bucket: usize) -> i64 {
    let number = i64::try_from(bucket).unwrap_or_default();
    let exact = i64::try_from(EXACT).unwrap_or_default();
    if number < exact {
        return number;
    }
    let above = number - exact;
    let (power, eighth) = (above >> FINE, above & ((1 << FINE) - 1));
    let width = 2 << power;
    ((1 << FINE) + eighth) * width + (width - 1) / 2
}

impl LagHistogram {
    /// Adds one event. Who delivers before the commit has a clock that stepped back: that is 0.
    pub(crate) fn add(&mut self, ms: i64) {
        self.put(bucket(u64::try_from(ms).unwrap_or_default()), 1);
    }

    /// Adds those of another.
    pub(crate) fn merge(&mut self, other: &LagHistogram) {
        for (bucket, count) in other.counts() {
            self.put(bucket, count);
        }
    }

    /// Adds what was written by [`LagHistogram::text`]. What is not readable is left out: a figure is
    /// nothing to fail for.
    pub(crate) fn merge_text(&mut self, text: &str) {
        let last = bucket(MOST);
        for pair in text.split(' ') {
            let Some((bucket, count)) = pair.split_once(':') else { continue };
            if let (Ok(bucket), Ok(count)) = (bucket.parse(), count.parse())
                && bucket <= last
            {
                self.put(bucket, count);
            }
        }
    }

    /// The buckets in use with their counts: `4:12 5:1`.
    pub(crate) fn text(&self) -> String {
        let pairs: Vec<String> = self.counts().map(|(b, count)| format!("{b}:{count}")).collect();
        pairs.join(" ")
    }

    /// The lag in milliseconds that so many of a hundred did not exceed, within a sixteenth; `None`
    /// where nothing was delivered.
    pub(crate) fn percentile(&self, percent: u64) -> Option<i64> {
        let all: u64 = self.0.iter().sum();
        let rank = all.saturating_mul(percent).div_ceil(100).max(1);
        let mut passed = 0;
        let found = self.counts().find(|(_, count)| {
            passed += count;
            passed >= rank
        });
        found.map(|(bucket, _)| middle(bucket))
    }

    fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }

    fn put(&mut self, bucket: usize, count: u64) {
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        if let Some(known) = self.0.get_mut(bucket) {
            *known = known.saturating_add(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        })
    }

    fn of(all: &[i64]) -> LagHistogram {
        let mut lags = LagHistogram::default();
        for ms in all {
            lags.add(*ms);
        }
        lags
    }

    #[test]
    fn buckets_follow_each_other_and_their_middle_is_close_to_all_in_them() {
        let mut before = 0;
        for ms in (0..5_000).chain([1 << 20, 3 << 25, (5 << 32) - 1]) {
            let found = bucket(ms);
            assert!(found == before || found == before + 1 || ms >= 5_000, "{ms}: {found}");
            before = found;
            let ms = i64::try_from(ms).unwrap();
            let off = (middle(found) - ms).abs();
            assert!(off * 16 <= ms, "{ms} is shown as {}", middle(found));
            assert!(ms >= 16 || off == 0, "{ms} is exact");
        }
        assert_eq!(bucket(u64::MAX), bucket(MOST));
        assert_eq!(bucket(MOST), 303);
    }

    #[test]
    fn percentiles_are_close_to_the_exact_ones() {
        for seed in 1..40 {
            let mut numbers = numbers(seed);
            let spread = [10, 300, 20_000, 40_000_000][usize::try_from(seed).unwrap() % 4];
            let n = usize::try_from(numbers.next().unwrap() % 3_000 + 1).unwrap();
            // The square makes most of them short and a few long.
            let next = |r: u64| i64::try_from((r % spread) * (r % 977) / 977).unwrap();
            let mut all: Vec<i64> = numbers.take(n).map(next).collect();
            let lags = of(&all);
            all.sort_unstable();
            for percent in [1, 50, 90, 99, 100] {
                let rank = (n * percent).div_ceil(100).max(1);
                let (exact, shown) = (all[rank - 1], lags.percentile(percent as u64).unwrap());
                assert!((shown - exact).abs() * 16 <= exact, "p{percent} of {n}: {shown} {exact}");
            }
        }
        assert_eq!(LagHistogram::default().percentile(50), None);
        assert_eq!(of(&[-5, -7]).percentile(50), Some(0));
        assert_eq!(of(&[i64::MAX]).percentile(99), Some(middle(303)));
    }

    #[test]
    fn parts_merged_and_read_again_are_the_whole() {
        let all: Vec<i64> =
            numbers(7).take(2_000).map(|r| i64::try_from(r % 90_000).unwrap()).collect();
        let mut merged = of(&all[..700]);
        merged.merge(&of(&all[700..]));
        assert_eq!(merged, of(&all));
        let mut read = LagHistogram::default();
        read.merge_text(&of(&all[..700]).text());
        read.merge_text(&of(&all[700..]).text());
        assert_eq!(read, of(&all));
        assert_eq!(
            (of(&[4, 5, 4]).text().as_str(), LagHistogram::default().text().as_str()),
            ("4:2 5:1", "")
        );
    }

    #[test]
    fn what_is_damaged_is_left_out() {
        let mut lags = LagHistogram::default();
        lags.merge_text("4:2 x 5: :6 999999999:1 -1:4 7:-1 5:1");
        assert_eq!(lags.text(), "4:2 5:1");
    }
}
