//! Jobs within a simulation: begun at random, worked off step by step beside all else.
//!
//! Must not know what is checked.

use super::World;
use crate::model::DeliveryStatus;
use crate::store::deliveries::bulk::{Action, begin_job, running_jobs};
use crate::store::deliveries::bulk_steps::{job_step, look_for_job};
use crate::store::deliveries::list::DeliveryFilter;
use crate::store::engine::tx::Tx;

impl World<'_> {
    /// A job is begun, or those under way come a step further.
    pub(crate) fn edit_many(&mut self) {
        let (now, action) = (self.now, self.dice.pick(&[Action::Redeliver, Action::Cancel]));
        let webhook_id = self.dice.pick(&["wh_a", "wh_b", "wh_c"]).to_owned();
        let status = self.dice.pick(&[DeliveryStatus::Failed, DeliveryStatus::Held]);
        let (status, webhook_id) = (vec![status], Some(webhook_id));
        let filter = DeliveryFilter { status, webhook_id, ..DeliveryFilter::default() };
        if self.dice.below(2) == 0 {
            self.tx(|tx| begin_job(tx, action, &filter, None, now).unwrap());
        } else {
            self.step_jobs();
        }
    }

    pub(crate) fn step_jobs(&mut self) {
        let now = self.now;
        for job in self.tx(|tx| running_jobs(tx).unwrap()) {
            let look = |tx: &mut Tx<'_>| {
                look_for_job(tx, job.action, &job.filter, &job.cursor, job.last, now).unwrap()
            };
            let found = self.tx(look);
            self.tx(|tx| job_step(tx, &job, &found, now).unwrap());
            if job.action == Action::Redeliver {
                let keys = found.keys.into_iter();
                self.rejoined.extend(keys.map(|(seq, id)| (id.to_string(), seq)));
            }
        }
    }
}
