//! Lanes: whose turn it is among the unfinished deliveries of one task to one webhook.
//!
//! A later event waits for the earlier. Pure rules; must not know how a lane is stored.
#![doc = include_str!("../docs/internals/lanes.md")]

/// The delivery that has the turn of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The order of its event.
    pub seq: i64,
    /// A request of it is under way, or it has failed some and the next one is near.
    pub is_under_way: bool,
}

/// What becomes of a delivery that joins its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may go out.
    Now,
    /// It may go out, and the one that had the turn waits again.
    InsteadOf(i64),
    /// It waits for the one that has the turn.
    Waits,
}

/// A new delivery, or one that is sent again, joins its lane: those of a lower order go first, but
/// nothing takes the turn from one that is under way.
pub fn join(seq: i64, holder: Option<Holder>) -> Turn {
    match holder {
        None => Turn::Now,
        Some(holder) if holder.seq > seq && !holder.is_under_way => Turn::InsteadOf(holder.seq),
        Some(_) => Turn::Waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_goes_first_but_never_into_a_request_under_way() {
        let holder = |seq, is_under_way| Some(Holder { seq, is_under_way });
        assert_eq!(join(5, None), Turn::Now);
        assert_eq!(join(5, holder(4, false)), Turn::Waits);
        assert_eq!(join(5, holder(6, false)), Turn::InsteadOf(6));
        assert_eq!(join(5, holder(6, true)), Turn::Waits);
    }
}
