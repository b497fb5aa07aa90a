//! The filter of a list of deliveries as text, as it stands in the address of the list: what a job
//! keeps of it.
//!
//! Must not judge what people write: it reads back what it has written.

use super::list::DeliveryFilter;
use crate::model::{DeliveryStatus, EventKind, Named, Time};

/// Writes a filter.
pub(crate) fn write(filter: &DeliveryFilter) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for status in &filter.status {
        text.append_pair("status", status.as_str());
    }
    for kind in &filter.kind {
        text.append_pair("event", kind.as_str());
    }
    let since = filter.since.map(|at| at.to_string());
    let until = filter.until.map(|at| at.to_string());
    for (name, value) in [
        ("event", filter.event_id.as_deref()),
        ("taskId", filter.task_id.as_deref()),
        ("webhookId", filter.webhook_id.as_deref()),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
        ("q", filter.q.as_deref()),
    ] {
        if let Some(value) = value {
            text.append_pair(name, value);
        }
    }
    text.finish()
}

/// Reads a filter; `None` for what was not written here.
pub(crate) fn read(text: &str) -> Option<DeliveryFilter> {
    let mut filter = DeliveryFilter::default();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "status" => filter.status.push(DeliveryStatus::parse(&value)?),
            "event" => match EventKind::parse(&value) {
                Some(kind) => filter.kind.push(kind),
                None => filter.event_id = Some(value),
            },
            "taskId" => filter.task_id = Some(value),
            "webhookId" => filter.webhook_id = Some(value),
            "since" => filter.since = Some(Time::parse(&value)?),
            "until" => filter.until = Some(Time::parse(&value)?),
            "q" => filter.q = Some(value),
            _ => return None,
        }
    }
    Some(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_back_as_it_was() {
        let whole = DeliveryFilter {
            status: vec![DeliveryStatus::Failed, DeliveryStatus::Held],
            kind: vec![EventKind::Created, EventKind::Deleted],
            event_id: None,
            task_id: Some("a b".to_owned()),
            webhook_id: Some("wh_1".to_owned()),
            since: Some(Time(1_765_216_530_445)),
            until: Some(Time(1_765_216_530_446)),
            q: Some("ä&=? x".to_owned()),
        };
        let of_event = DeliveryFilter { event_id: Some("evt_1".to_owned()), ..Default::default() };
        for filter in [DeliveryFilter::default(), whole, of_event] {
            assert_eq!(read(&write(&filter)), Some(filter));
        }
        assert_eq!(read("colour=red"), None);
        assert_eq!(write(&DeliveryFilter::held_by("wh_1")), "status=held&webhookId=wh_1");
    }
}
