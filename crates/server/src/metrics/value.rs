//! The kinds of metrics: counters, gauges, summaries, histograms.
//!
//! All of them are atomic and are shared by reference; reading them for an exposition never makes
//! a writer wait, except for the short look-up of a labelled series.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Limit: series of one labelled metric. What comes later is counted under the label value
/// [`OVERFLOW`], so that made-up request paths cannot fill the memory.
pub const SERIES_MAX: usize = 2_000;
pub const OVERFLOW: &str = "(other)";

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// How often and how long, without a distribution.
#[derive(Debug, Default)]
pub struct Summary {
    count: Counter,
    sum: Gauge,
}

/// How often a value was at most each of some bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for everything above; not cumulative.
    buckets: Box<[AtomicU64]>,
    sum: Gauge,
}

/// One series of `T` for each combination of label values, in the order of these values.
#[derive(Debug)]
pub struct Labelled<T> {
    pub names: Vec<&'static str>,
    series: Mutex<Vec<(Vec<String>, Arc<T>)>>,
    make: fn() -> T,
}

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub fn increment(&self) {
        self.add(1);
    }

    /// Follows a count that is kept elsewhere.
    pub fn raise_to(&self, count: u64) {
        self.0.fetch_max(count, Relaxed);
    }

    pub fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    pub fn add(&self, more: f64) {
        let added = |bits| Some((f64::from_bits(bits) + more).to_bits());
        // It cannot fail: there is always a next value.
        let _ = self.0.fetch_update(Relaxed, Relaxed, added);
    }

    pub fn read(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

impl Summary {
    /// So many values, of which only the sum is known.
    pub fn observe_all(&self, count: u64, sum: f64) {
        self.count.add(count);
        self.sum.add(sum);
    }

    pub fn count(&self) -> u64 {
        self.count.read()
    }

    pub fn sum(&self) -> f64 {
        self.sum.read()
    }
}

impl Histogram {
    /// `bounds` in ascending order, without the infinite one.
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { bounds, buckets, sum: Gauge::default() }
    }

    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        self.buckets[bucket.unwrap_or(self.bounds.len())].fetch_add(1, Relaxed);
        self.sum.add(value);
    }

    /// Each bound, the infinite one last, with how many values were at most that.
    pub fn cumulative(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut below = 0;
        let counts = self.buckets.iter().map(|bucket| {
            below += bucket.load(Relaxed);
            below
        });
        bounds.zip(counts).collect()
    }

    pub fn sum(&self) -> f64 {
        self.sum.read()
    }
}

impl<T> Labelled<T> {
    /// `make` gives the first value of a series.
    pub fn new(names: &[&'static str], make: fn() -> T) -> Self {
        Labelled { names: names.to_vec(), series: Mutex::default(), make }
    }

    /// The series with these values of the labels, in the order of their names; made if new.
    pub fn with(&self, values: &[&str]) -> Arc<T> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |series: &Vec<(Vec<String>, Arc<T>)>, values: &[&str]| {
            series.binary_search_by(|(held, _)| {
                held.iter().map(String::as_str).cmp(values.iter().copied())
            })
        };
        let at = match find(&series, values) {
            Ok(at) => return Arc::clone(&series[at].1),
            Err(at) if series.len() < SERIES_MAX => (at, values.to_vec()),
            Err(_) => {
                let values = vec![OVERFLOW; values.len()];
                match find(&series, &values) {
                    Ok(at) => return Arc::clone(&series[at].1),
                    Err(at) => (at, values),
                }
            }
        };
        let (at, values) = at;
        let made = Arc::new((self.make)());
        let values = values.into_iter().map(str::to_owned).collect();
        series.insert(at, (values, Arc::clone(&made)));
        made
    }

    pub fn each(&self, mut visit: impl FnMut(&[String], &T)) {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        for (values, value) in series.iter() {
            visit(values, value);
        }
    }
}
