//! The recorder: where measurements go.
//!
//! Invariants: one per process, installed once; every histogram has buckets, because without them
//! the exporter would make a summary of it, and summaries of several processes cannot be added.
//!
//! Deliberately absent: names, descriptions and buckets of our metrics (`app::telemetry`).

use std::sync::Mutex;

use app::telemetry::{Kind, METRICS};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Error;

/// Buckets of a histogram that is not in the list of metrics: a dependency's. Steps of about three.
const OTHERS: [f64; 12] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4];

/// The process's recorder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// Everything measured so far, as Prometheus reads it.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what was measured into the histograms.
    pub(super) fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The recorder, installed at the first call.
///
/// # Errors
/// [`Error::Part`] when something else in this process records metrics already.
pub fn recorder() -> Result<Recorder, Error> {
    static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);
    let mut recorder = RECORDER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(recorder) = recorder.as_ref() {
        return Ok(recorder.clone());
    }
    let builder = with_buckets(PrometheusBuilder::new()).map_err(Error::part("the metrics"))?;
    let handle = builder.install_recorder().map_err(Error::part("the metrics"))?;
    Ok(recorder.insert(Recorder(handle)).clone())
}

/// The buckets stand in the list of metrics, next to what they measure.
fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    METRICS.iter().try_fold(builder.set_buckets(&OTHERS)?, |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => {
            builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
        }
        Kind::Counter | Kind::Gauge => Ok(builder),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_has_buckets_that_fit_it() {
        let recorder = with_buckets(PrometheusBuilder::new()).unwrap().build_recorder();
        let handle = recorder.handle();
        let histograms = || METRICS.iter().filter(|one| matches!(one.kind, Kind::Histogram(_)));
        metrics::with_local_recorder(&recorder, || {
            for metric in histograms() {
                metrics::histogram!(metric.name).record(0.5);
            }
            metrics::histogram!("of_a_dependency").record(40.0);
        });
        let page = handle.render();
        for metric in histograms() {
            let bucket = format!("{}_bucket{{le=\"0.5\"}} 1", metric.name);
            assert!(page.contains(&bucket), "{bucket} is missing in\n{page}");
        }
        assert!(page.contains(r#"of_a_dependency_bucket{le="100"} 1"#), "{page}");
        assert!(!page.contains("quantile"), "{page}");
    }
}
