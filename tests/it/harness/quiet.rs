//! Tests that measure time and tests that load the machine, apart from each other.
//!
//! Those that measure go first and together: most of their time is a wait, so one after the other they would hold up the rest.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// No measurement is taken while another test works both cores.
pub(crate) static QUIET: Quiet =
    Quiet { state: Mutex::new(State { measuring: 0, loud: false }), changed: Notify::const_new() };

pub(crate) struct Quiet {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    measuring: usize,
    loud: bool,
}

/// Held by a test that measures, together with others.
pub(crate) struct Measuring(&'static Quiet);

/// Held by a test that loads the machine, alone.
pub(crate) struct Loud(&'static Quiet);

impl Quiet {
    /// Waits until no test loads the machine.
    pub(crate) async fn read(&'static self) -> Measuring {
        self.change_when(|state| !state.loud, |state| state.measuring += 1).await;
        Measuring(self)
    }

    /// Waits until no test measures or loads the machine.
    pub(crate) async fn write(&'static self) -> Loud {
        let is_free = |state: &State| !state.loud && state.measuring == 0;
        self.change_when(is_free, |state| state.loud = true).await;
        Loud(self)
    }

    async fn change_when(&self, may: impl Fn(&State) -> bool, change: impl Fn(&mut State)) {
        loop {
            // Made before the look, so that a change between the two is not missed.
            let changed = self.changed.notified();
            if self.look(|state| may(state).then(|| change(state))).is_some() {
                return;
            }
            changed.await;
        }
    }

    fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.look(|state| state.measuring -= 1);
        self.0.changed.notify_waiters();
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.look(|state| state.loud = false);
        self.0.changed.notify_waiters();
    }
}
