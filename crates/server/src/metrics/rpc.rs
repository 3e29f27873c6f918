//! Metrics of remote procedure calls.

use std::sync::Arc;

use bellwether_api::{Procedure, RpcObservation};

use super::registry::Registry;
use super::value::{Counter, Gauge, Histogram, Labelled};

#[derive(Debug)]
pub struct RpcMetrics {
    unary: PoolMetrics,
    streams: PoolMetrics,
    unary_timed_out: Arc<Labelled<Counter>>,
}

/// Of unary calls, or of streams.
#[derive(Debug)]
struct PoolMetrics {
    in_flight: Arc<Labelled<Gauge>>,
    refused: Arc<Labelled<Counter>>,
    seconds: Arc<Labelled<Histogram>>,
}

impl RpcMetrics {
    pub fn new(all: &mut Registry) -> Self {
        let metrics = RpcMetrics {
            unary: PoolMetrics {
                in_flight: all.labelled("alertmanager_api_connect_unary_requests_in_flight", "Current number of admitted Connect API unary RPCs.", &CALL),
                refused: all.labelled("alertmanager_api_connect_unary_concurrency_limit_exceeded_total", "Total number of Connect API unary RPCs rejected because the concurrency limit was reached.", &CALL),
                seconds: all.histograms("alertmanager_api_connect_unary_request_duration_seconds", "Duration of Connect API unary RPCs.", &ENDED_CALL, || Histogram::new(&UNARY_SECONDS)),
            },
            streams: PoolMetrics {
                in_flight: all.labelled("alertmanager_api_connect_stream_requests_in_flight", "Current number of admitted Connect API streams.", &CALL),
                refused: all.labelled("alertmanager_api_connect_stream_concurrency_limit_exceeded_total", "Total number of Connect API streams rejected because the concurrency limit was reached.", &CALL),
                seconds: all.histograms("alertmanager_api_connect_stream_lifetime_seconds", "Lifetime of Connect API streams.", &ENDED_CALL, || Histogram::new(&STREAM_SECONDS)),
            },
            unary_timed_out: all.labelled("alertmanager_api_connect_unary_deadline_exceeded_total", "Total number of Connect API unary RPCs whose configured server timeout expired, independent of the final RPC outcome.", &CALL),
        };
        for procedure in Procedure::ALL {
            let (service, name) = procedure.names();
            metrics.pool(procedure).in_flight.with(&[service, name]);
            metrics.pool(procedure).refused.with(&[service, name]);
            if procedure.is_unary() {
                metrics.unary_timed_out.with(&[service, name]);
            }
        }
        metrics
    }

    pub fn observe(&self, observation: &RpcObservation) {
        match *observation {
            RpcObservation::Admitted(procedure) => self.in_flight(procedure).add(1.0),
            RpcObservation::Released(procedure) => self.in_flight(procedure).add(-1.0),
            RpcObservation::Refused(procedure) => {
                let (service, name) = procedure.names();
                self.pool(procedure).refused.with(&[service, name]).increment();
            }
            RpcObservation::TimedOut(procedure) => {
                let (service, name) = procedure.names();
                self.unary_timed_out.with(&[service, name]).increment();
            }
            RpcObservation::Ended { procedure, outcome, seconds } => {
                let (service, name) = procedure.names();
                self.pool(procedure).seconds.with(&[service, name, outcome]).observe(seconds);
            }
        }
    }

    fn in_flight(&self, procedure: Procedure) -> Arc<Gauge> {
        let (service, name) = procedure.names();
        self.pool(procedure).in_flight.with(&[service, name])
    }

    fn pool(&self, procedure: Procedure) -> &PoolMetrics {
        if procedure.is_unary() { &self.unary } else { &self.streams }
    }
}

const CALL: [&str; 2] = ["service", "procedure"];
const ENDED_CALL: [&str; 3] = ["service", "procedure", "outcome"];

static UNARY_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
static STREAM_SECONDS: [f64; 14] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0];
