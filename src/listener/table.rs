//! The table: which connections there are, what each waits for, and which one goes when room is short.
//!
//! A new connection is taken: the one that has waited the longest for a request goes for it, whether it is silent,
//! slow with a head, or idle; or one that takes nothing of its answer. Its own address gives that one where it has its share already. Where nobody waits, because
//! all are answered, a few more are let in to be told so. Must not know how bytes are read or written.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use crate::lock::lock;

/// A client that takes nothing of its answer for so long may go, in milliseconds: later than who waits for a request.
const STALLED_MS: u64 = 1_000;

/// So many are found at one look at all of them, to go one after the other: whoever begins to wait later goes later.
const LOOK: usize = 64;

/// How willingly a connection goes, the lowest first: whether it is answered, and since when it waits.
type Rank = (bool, u64);

/// Where a connection is with its request.
mod phase {
    /// Nothing of a request has been understood yet: silent, a part of a head, or idle after an answer.
    pub(super) const WAITING: u8 = 0;
    /// A request is answered.
    pub(super) const WORKING: u8 = 1;
    /// The answer is made, and not all of it has been handed to the system.
    pub(super) const ANSWERED: u8 = 2;
}

/// The connections of a listener.
pub(crate) struct Table {
    /// Of all addresses together.
    most: usize,
    /// Of one address.
    per_address: usize,
    /// Beyond `most`, to be told that there is no room.
    spare: usize,
    born: Instant,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    all: HashMap<u64, Arc<Seat>>,
    next: u64,
    /// Those that are not cut: in all, and of each address.
    taken: usize,
    of: HashMap<IpAddr, usize>,
    /// Of an address or of all, those that the last look found and that are still there.
    oldest: (Option<IpAddr>, Vec<(Rank, u64)>),
}

impl Seats {
    fn own(&self, address: IpAddr) -> usize {
        self.of.get(&address).copied().unwrap_or_default()
    }

    fn enter(&mut self, address: IpAddr) {
        self.taken += 1;
        *self.of.entry(address).or_default() += 1;
    }

    fn leave(&mut self, address: IpAddr) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(own) = self.of.get_mut(&address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.of.remove(&address);
            }
        }
    }

    /// Cuts whoever has waited the longest, of one address or of all; answers whether there was one.
    fn cut(&mut self, only: Option<IpAddr>, now_ms: u64) -> bool {
        loop {
            if self.oldest.0 != only || self.oldest.1.is_empty() {
                self.oldest = (only, self.look_for_oldest(only, now_ms));
            }
            let Some((waits, id)) = self.oldest.1.pop() else { return false };
            // Since the look it may have been answered, or have gone.
            let seat = self.all.get(&id).filter(|seat| seat.waits(now_ms) == Some(waits));
            if let Some(seat) = seat.filter(|seat| seat.cut(waits.1)) {
                let address = seat.address;
                self.leave(address);
                return true;
            }
        }
    }

    /// Some of those that have waited the longest, the one to go first at the end.
    fn look_for_oldest(&self, only: Option<IpAddr>, now_ms: u64) -> Vec<(Rank, u64)> {
        let asked = self.all.iter().filter(|(_, seat)| only.is_none_or(|one| one == seat.address));
        let mut found: Vec<_> =
            asked.filter_map(|(id, seat)| Some((seat.waits(now_ms)?, *id))).collect();
        found.sort_unstable();
        found.truncate(LOOK);
        found.reverse();
        found
    }
}

impl Table {
    /// A table for so many connections.
    pub(crate) fn new(most: usize) -> Arc<Table> {
        let spare = most / 16;
        let most = (most - spare).max(1);
        // A proxy has one address for all its clients, so a share is much; yet nobody has all.
        let per_address = (most / 4 * 3).max(1);
        let seats = Mutex::default();
        Arc::new(Table { most, per_address, spare, born: Instant::now(), seats })
    }

    /// Seats a new connection; `None` if there is no room even to say so.
    pub(crate) fn seat(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let mut seats = self.seats();
        let is_full = seats.taken >= self.most;
        let has_share = seats.own(address) >= self.per_address;
        let mut is_spare = false;
        if is_full || has_share {
            let only = has_share.then_some(address);
            let is_cut = seats.cut(only, self.now_ms());
            is_spare = !is_cut;
            if !is_cut && seats.taken >= self.most + self.spare {
                return None;
            }
        }
        let id = seats.next;
        seats.next += 1;
        seats.enter(address);
        let seat = Arc::new(Seat {
            table: Arc::clone(self),
            address,
            phase: AtomicU8::new(phase::WAITING),
            since_ms: AtomicU64::new(self.now_ms()),
            is_spare: AtomicBool::new(is_spare),
            is_cut: AtomicBool::new(false),
            has_unread: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        seats.all.insert(id, Arc::clone(&seat));
        Some(Guest { id, seat })
    }

    /// Cuts whoever has waited the longest: the system has no more files.
    pub(crate) fn make_room(&self) {
        self.seats().cut(None, self.now_ms());
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        lock(&self.seats)
    }

    /// From 1 on.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

/// A seat, for as long as its connection is there.
pub(crate) struct Guest {
    id: u64,
    /// What the connection tells of itself.
    pub(crate) seat: Arc<Seat>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut seats = self.seat.table.seats();
        if let Some(seat) = seats.all.remove(&self.id)
            && !seat.is_cut.load(Ordering::SeqCst)
        {
            seats.leave(seat.address);
        }
    }
}

/// What is known of a connection. Its own task alone changes its phase.
pub(crate) struct Seat {
    table: Arc<Table>,
    address: IpAddr,
    phase: AtomicU8,
    /// Since when it waits for the other side, by the table's clock; 0 if it does not.
    since_ms: AtomicU64,
    is_spare: AtomicBool,
    is_cut: AtomicBool,
    /// A body was left unread.
    has_unread: AtomicBool,
    waker: AtomicWaker,
}

impl Seat {
    /// How willingly it goes; `None` if it may stay.
    fn waits(&self, now_ms: u64) -> Option<Rank> {
        let since = self.since_ms.load(Ordering::Relaxed);
        let is_answered = !self.is_waiting();
        let may_stay = is_answered && now_ms.saturating_sub(since) < STALLED_MS;
        (since > 0 && !may_stay && !self.is_cut()).then_some((is_answered, since))
    }

    /// Has it go, unless it has stopped waiting in this very moment. Here the sign comes first and then the look, in
    /// [`Seat::begin`] the other way round: one of the two sees the other.
    fn cut(&self, since: u64) -> bool {
        self.is_cut.store(true, Ordering::SeqCst);
        let waits_still = self.since_ms.load(Ordering::SeqCst) == since;
        if waits_still {
            self.waker.wake();
        } else {
            self.is_cut.store(false, Ordering::SeqCst);
        }
        waits_still
    }

    /// No request has been understood since the last answer.
    pub(crate) fn is_waiting(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == phase::WAITING
    }

    /// Whether it is to go.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    /// Whoever polls the connection is woken when it is to go.
    pub(crate) fn watch(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }

    /// It stays after all: something came in the meantime.
    pub(crate) fn stay(&self) {
        let mut seats = self.table.seats();
        if self.is_cut.swap(false, Ordering::SeqCst) {
            seats.enter(self.address);
        }
    }

    /// A request begins. Answers whether there is still no room for it.
    pub(crate) fn begin(&self) -> bool {
        self.phase.store(phase::WORKING, Ordering::SeqCst);
        self.since_ms.store(0, Ordering::SeqCst);
        if self.is_cut() {
            self.stay();
        }
        if !self.is_spare.load(Ordering::Relaxed) {
            return false;
        }
        let seats = self.table.seats();
        let is_over =
            seats.taken > self.table.most || seats.own(self.address) > self.table.per_address;
        self.is_spare.store(is_over, Ordering::Relaxed);
        is_over
    }

    /// The body of a request is not read to its end.
    pub(crate) fn leave_unread(&self) {
        self.has_unread.store(true, Ordering::Relaxed);
    }

    /// Whether more of a request may come that nobody reads.
    pub(crate) fn has_unread(&self) -> bool {
        self.has_unread.load(Ordering::Relaxed)
    }

    /// All of the answer is made.
    pub(crate) fn answered(&self) {
        self.phase.store(phase::ANSWERED, Ordering::Relaxed);
    }

    /// All that was made is handed to the system.
    pub(crate) fn flushed(&self) {
        if self.phase.load(Ordering::Relaxed) == phase::ANSWERED {
            self.since_ms.store(self.table.now_ms(), Ordering::Relaxed);
            self.phase.store(phase::WAITING, Ordering::Relaxed);
        }
    }

    /// The other side takes nothing for now, or takes something again.
    pub(crate) fn stalls(&self, is_stalled: bool) {
        if !self.is_waiting() {
            let since = if is_stalled { self.table.now_ms() } else { 0 };
            self.since_ms.store(since, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// 64 connections, of which 4 are spare, and 45 of an address; it is ten seconds old.
    fn table() -> Arc<Table> {
        let mut table = Table::new(64);
        Arc::get_mut(&mut table).unwrap().born -= Duration::from_secs(10);
        table
    }

    /// New connections, the first of which has waited the longest.
    fn many(table: &Arc<Table>, address: IpAddr, n: usize) -> Vec<Guest> {
        let mut guests = Vec::new();
        for _ in 0..n {
            let guest = table.seat(address).expect("a seat");
            guest.seat.since_ms.store(guest.id + 1, Ordering::SeqCst);
            guests.push(guest);
        }
        guests
    }

    fn full(table: &Arc<Table>) -> Vec<Guest> {
        let mut guests = many(table, A, 40);
        guests.extend(many(table, B, 20));
        guests
    }

    fn cut(guests: &[Guest]) -> Vec<usize> {
        (0..guests.len()).filter(|n| guests[*n].seat.is_cut()).collect()
    }

    #[test]
    fn who_has_waited_the_longest_goes_for_a_new_one() {
        let table = table();
        let guests = full(&table);
        assert_eq!(cut(&guests), Vec::<usize>::new());
        // The first is answered, the second is idle since a moment.
        assert!(!guests[0].seat.begin());
        guests[1].seat.begin();
        guests[1].seat.answered();
        guests[1].seat.flushed();
        let next = many(&table, A, 2);
        assert_eq!(cut(&guests), [2, 3]);
        // One of them sends its head at the same moment, and stays.
        assert!(!guests[2].seat.begin());
        assert_eq!((cut(&guests), table.seats().taken), (vec![3], 61));
        drop((guests, next));
        let seats = table.seats();
        assert_eq!((seats.all.len(), seats.taken, seats.of.len()), (0, 0, 0));
    }

    #[test]
    fn an_address_with_its_share_gives_way_to_itself() {
        let table = table();
        let old = many(&table, B, 1);
        let guests = many(&table, A, 46);
        assert_eq!((cut(&old), cut(&guests)), (vec![], vec![0]));
    }

    #[test]
    fn where_all_are_answered_a_few_are_let_in_to_be_told() {
        let table = table();
        let no_room = |guest: &Guest| assert!(guest.seat.begin(), "no room");
        let mut guests = full(&table);
        assert!(guests.iter().all(|guest| !guest.seat.begin()));
        let spare: Vec<_> = (0..4).map(|_| table.seat(B).unwrap()).inspect(no_room).collect();
        assert!(table.seat(B).is_none(), "not even to say so");
        drop(guests.split_off(50));
        assert!(!spare[0].seat.begin(), "there is room again");
    }

    #[test]
    fn who_takes_nothing_of_an_answer_goes_after_all_others() {
        let table = table();
        let guests = full(&table);
        for guest in &guests {
            guest.seat.begin();
        }
        guests[7].seat.stalls(true);
        guests[8].seat.stalls(true);
        guests[8].seat.stalls(false);
        guests[9].seat.answered();
        guests[9].seat.flushed();
        let first = many(&table, A, 1);
        assert_eq!(cut(&guests), [9]);
        first[0].seat.begin();
        assert!(table.seat(A).unwrap().seat.begin(), "stalled for a moment only");
        guests[7].seat.since_ms.store(1, Ordering::SeqCst);
        assert!(!table.seat(A).unwrap().seat.begin());
        assert_eq!(cut(&guests), [7, 9]);
    }
}
