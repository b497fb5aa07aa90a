//! Reason: why a delivery stands where it stands, as a code and in words.
//!
//! Closed for the code here. The API's document calls it a text, so that a client need not learn of a new
//! one. Must not know which reason holds.

use super::names::names;

names! {
    /// Why a delivery stands where it stands.
    pub(crate) enum Reason {
        /// Pending: it goes out now.
        Due = "due",
        /// Pending: another of its task goes first.
        WaitingTurn = "waiting_turn",
        /// Pending: it has failed, and is tried again.
        Retry = "retry",
        /// Pending: the receiver asked for quiet.
        ReceiverBusy = "receiver_busy",
        /// Pending: a recovery of its webhook goes first.
        Recovering = "recovering",
        /// Sending.
        Sending = "sending",
        /// Held: others arrive, this one does not.
        RefusedAlone = "refused_alone",
        /// Held or failed, as its webhook says: the answer will not change by itself.
        Rejected = "rejected",
        /// Held: its webhook answers nothing with 2xx.
        WebhookDown = "webhook_down",
        /// Held: its webhook does not let us in, or may not be reached.
        WebhookMisconfigured = "webhook_misconfigured",
        /// Held: its webhook said 410.
        WebhookGone = "webhook_gone",
        /// Held: a person stopped its webhook.
        WebhookPaused = "webhook_paused",
        /// Held: the setting of its webhook is gone.
        NoUrl = "no_url",
        /// Failed: it has used its attempts.
        AttemptsUsed = "attempts_used",
        /// Failed: it was too old.
        Expired = "expired",
        /// Cancelled: a person gave it up.
        ByPerson = "by_person",
        /// Cancelled, or about to be: its webhook is no more.
        WebhookDeleted = "webhook_deleted",
    }
}

impl Reason {
    /// Those for which a delivery is held for its own sake, not for its webhook's.
    pub(crate) const OWN: [Reason; 2] = [Reason::RefusedAlone, Reason::Rejected];

    /// What it says to people, if that is the same of each delivery. Empty where the receiver, the webhook or
    /// the settings have a part in it: that is put into words by `explain`.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Reason::Due => "It goes out as soon as its webhook's pace and room allow.",
            Reason::WaitingTurn => "An earlier change of the same task goes out first.",
            Reason::Retry => "The last attempt failed; the next one goes out at the time shown.",
            Reason::ReceiverBusy => {
                "The receiver asked for a pause (Retry-After); this goes out after it."
            }
            Reason::Recovering => {
                "A recovery is putting older events in line first; this goes out after it."
            }
            Reason::Sending => "A request is under way.",
            Reason::WebhookPaused => {
                "Somebody paused the webhook; resume it and this goes out in its turn."
            }
            Reason::ByPerson => "A person cancelled it; redeliver it to send it after all.",
            Reason::WebhookDeleted => {
                "Its webhook was deleted before this arrived; nothing is sent there any more."
            }
            Reason::RefusedAlone
            | Reason::Rejected
            | Reason::WebhookDown
            | Reason::WebhookMisconfigured
            | Reason::WebhookGone
            | Reason::NoUrl
            | Reason::AttemptsUsed
            | Reason::Expired => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::names::Named as _;
    use super::*;

    /// What stands between backquotes and is no status.
    fn codes(text: &str) -> BTreeSet<&str> {
        let is_code = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let is_status =
            |word: &str| ["pending", "delivered", "held", "failed", "cancelled"].contains(&word);
        text.split('`').skip(1).step_by(2).filter(is_code).filter(|word| !is_status(word)).collect()
    }

    #[test]
    fn the_document_and_the_book_name_each_reason_and_no_other() {
        let all: BTreeSet<&str> = Reason::names().into_iter().collect();
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let reason = &document["components"]["schemas"]["Delivery"]["properties"]["reason"];
        assert_eq!(codes(reason["description"].as_str().unwrap()), all);
        let book = include_str!("../../docs/deliveries.md");
        let chapter = book.split("\n## The states of a delivery\n").nth(1).unwrap();
        let column = |line: &'static str| line.split('|').nth(2).unwrap_or_default();
        let table =
            chapter.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with('|'));
        assert_eq!(table.flat_map(|line| codes(column(line))).collect::<BTreeSet<_>>(), all);
    }

    #[test]
    fn the_pages_offer_to_send_again_what_is_held_for_its_own_sake() {
        let page = include_str!("../../assets/parts/delivery-actions.js");
        let named = Reason::OWN.map(|reason| format!("'{}'", reason.as_str())).join(", ");
        assert!(page.contains(&format!("[{named}].includes(reason")), "{named}");
    }
}
