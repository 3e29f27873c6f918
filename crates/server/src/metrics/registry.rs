//! Makes metrics and remembers them for the exposition.
//!
//! In: the name, help and labels of a metric, given once, where it is made. Out: the metric, shared
//! with the registry, and at each scrape the samples of all. A metric that is made here is exposed;
//! none can be forgotten.

use std::fmt;
use std::sync::Arc;

use super::text::{Exposition, Samples};
use super::value::{Histogram, Labelled};

/// Metrics that are exposed together.
#[derive(Default)]
pub struct Registry {
    families: Vec<Family>,
}

/// Adds the samples of one metric.
struct Family(Box<dyn Fn(&mut Exposition) + Send + Sync>);

impl Registry {
    /// Makes a metric with one series and no labels.
    pub fn single<S>(&mut self, name: &'static str, help: &'static str) -> Arc<S>
    where
        S: Samples + Default + Send + Sync + 'static,
    {
        self.constant(name, help, &[])
    }

    /// Makes a metric with one series, whose label values never change.
    pub fn constant<S>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [(&'static str, &'static str)],
    ) -> Arc<S>
    where
        S: Samples + Default + Send + Sync + 'static,
    {
        let metric = Arc::new(S::default());
        let exposed = Arc::clone(&metric);
        let expose = move |out: &mut Exposition| out.add_with(name, help, &*exposed, labels);
        self.families.push(Family(Box::new(expose)));
        metric
    }

    /// Makes a metric with one series for each combination of label values.
    pub fn labelled<S>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
    ) -> Arc<Labelled<S>>
    where
        S: Samples + Default + Send + Sync + 'static,
    {
        self.share(name, help, Labelled::new(labels, S::default))
    }

    /// Makes a histogram with one series for each combination of label values. `make` gives an empty
    /// histogram with its bounds.
    pub fn histograms(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[&'static str],
        make: fn() -> Histogram,
    ) -> Arc<Labelled<Histogram>> {
        self.share(name, help, Labelled::new(labels, make))
    }

    /// Adds the samples of all metrics.
    pub fn expose(&self, out: &mut Exposition) {
        for Family(expose) in &self.families {
            expose(out);
        }
    }

    fn share<S>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labelled: Labelled<S>,
    ) -> Arc<Labelled<S>>
    where
        S: Samples + Send + Sync + 'static,
    {
        let metric = Arc::new(labelled);
        let exposed = Arc::clone(&metric);
        let expose = move |out: &mut Exposition| out.add_labelled(name, help, &exposed);
        self.families.push(Family(Box::new(expose)));
        metric
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("families", &self.families.len()).finish()
    }
}
