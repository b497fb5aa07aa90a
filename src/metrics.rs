//! Metrics: counters and histograms, registered once, written as OpenMetrics text.
//!
//! Must not know where the numbers come from. No label ever holds a URL, a secret or user text.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::{AttemptOutcome, Named as _};

/// The media type of what [`Metrics::text`] writes.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The label of the delivery counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ResultLabel {
    /// How the attempt ended.
    pub(crate) result: &'static str,
}

/// The label of the webhooks' gauge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StatusLabel {
    /// How they are doing.
    pub(crate) status: &'static str,
}

/// The labels of the request counter. The path is the route, e.g. `/api/tasks/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    /// GET, POST …
    pub(crate) method: &'static str,
    /// The route, or `other`.
    pub(crate) path: String,
    /// The HTTP status.
    pub(crate) status: u16,
}

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Attempts by how they ended.
    pub(crate) deliveries: Family<ResultLabel, Counter>,
    /// Seconds from an event's commit to its delivery.
    pub(crate) delivery_lag: Histogram,
    /// Seconds an attempt took.
    pub(crate) attempt_duration: Histogram,
    /// Answered requests.
    pub(crate) requests: Family<RequestLabels, Counter>,
    /// Seconds a request took until its answer began.
    pub(crate) request_duration: Histogram,
    /// Webhooks by how they are doing.
    pub(crate) webhooks: Family<StatusLabel, Gauge>,
    /// Deliveries that wait.
    pub(crate) queue_depth: Gauge,
    /// Requests to receivers under way.
    pub(crate) sending: Gauge,
    /// Age of the oldest event that is not finished, in seconds; 0 if there is none.
    pub(crate) oldest_pending: Gauge,
    log_lines_dropped: Counter,
}

const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

impl Metrics {
    /// All at nothing, but for the lines of the log that nobody saw, which are counted from before.
    pub(crate) fn new(log_lines_dropped: Counter) -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("btk"),
            deliveries: Family::default(),
            delivery_lag: Histogram::new(BUCKETS.into_iter().chain([600.0, 3600.0, 86400.0])),
            attempt_duration: Histogram::new(BUCKETS),
            requests: Family::default(),
            request_duration: Histogram::new(BUCKETS),
            webhooks: Family::default(),
            queue_depth: Gauge::default(),
            sending: Gauge::default(),
            oldest_pending: Gauge::default(),
            log_lines_dropped,
        };
        // Shown as 0 from the start, so that a rate can be taken of the first failure. What is unknown was left by
        // another process.
        for (result, _) in
            AttemptOutcome::ALL.iter().filter(|(_, end)| *end != AttemptOutcome::Unknown)
        {
            drop(metrics.deliveries.get_or_create(&ResultLabel { result }));
        }
        let r = &mut metrics.registry;
        r.register("deliveries", "Attempts by how they ended", metrics.deliveries.clone());
        r.register_with_unit(
            "delivery_lag",
            "From an event's commit to its delivery",
            Unit::Seconds,
            metrics.delivery_lag.clone(),
        );
        r.register_with_unit(
            "attempt_duration",
            "How long an attempt took",
            Unit::Seconds,
            metrics.attempt_duration.clone(),
        );
        r.register("http_requests", "Answered requests", metrics.requests.clone());
        r.register_with_unit(
            "http_request_duration",
            "How long a request took until its answer began",
            Unit::Seconds,
            metrics.request_duration.clone(),
        );
        r.register("webhooks", "Webhooks by how they are doing", metrics.webhooks.clone());
        r.register("queue_depth", "Deliveries that wait", metrics.queue_depth.clone());
        r.register("sending", "Requests to receivers under way", metrics.sending.clone());
        r.register_with_unit(
            "oldest_pending_age",
            "Age of the oldest event that is not finished",
            Unit::Seconds,
            metrics.oldest_pending.clone(),
        );
        r.register(
            "log_lines_dropped",
            "Log lines that standard error did not take in time, or not at all",
            metrics.log_lines_dropped.clone(),
        );
        metrics
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _infallible = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_every_metric() {
        let metrics = Metrics::new(Counter::default());
        metrics.deliveries.get_or_create(&ResultLabel { result: "delivered" }).inc();
        metrics.delivery_lag.observe(0.002);
        let text = metrics.text();
        for line in [
            "btk_deliveries_total{result=\"delivered\"} 1",
            "btk_deliveries_total{result=\"failed\"} 0",
            "btk_delivery_lag_seconds_bucket{le=\"0.0025\"} 1",
            "btk_queue_depth 0",
            "btk_oldest_pending_age_seconds 0",
            "btk_log_lines_dropped_total 0",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
