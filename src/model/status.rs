//! Where a task stands, and how much it matters.
//!
//! Must not know what else a task has.

use super::names::names;

names! {
    /// Where a task stands.
    #[derive(Default)]
    pub(crate) enum Status {
        /// Not begun. The default.
        #[default]
        Open = "OPEN",
        /// Being worked on.
        InProgress = "IN_PROGRESS",
        /// Finished.
        Done = "DONE",
        /// Given up.
        Cancelled = "CANCELLED",
    }
}

names! {
    /// How much a task matters.
    #[derive(Default)]
    pub(crate) enum Priority {
        /// Can wait.
        Low = "LOW",
        /// The default.
        #[default]
        Normal = "NORMAL",
        /// Soon.
        High = "HIGH",
        /// Now.
        Urgent = "URGENT",
    }
}

impl Priority {
    /// 0 for `LOW` to 3 for `URGENT`: the order in which lists are sorted.
    pub(crate) fn rank(self) -> i64 {
        self as i64
    }
}
