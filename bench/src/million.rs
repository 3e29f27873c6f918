//! How far does one node go?

use std::time::Instant;

use bellwether_e2e::{Program, Setup, Sink};

use crate::driver;
use crate::load::{self, Times};
use crate::one_server::{PER_POST, start};
use crate::table::{Figures, Unit};

pub fn server(program: Program, alerts: usize) -> Figures {
    let mut figures = Figures::default();
    let sink = Sink::start();
    let setup = Setup::new(program, &load::config(&sink.url("/")));
    let (mut server, _) = start(&setup);

    let bodies = load::bodies(alerts, PER_POST, Times::from_now());
    let cost = driver::send(&server, &bodies);
    drop(bodies);
    figures.time("ingestion, time", cost.wall);
    figures.time("ingestion, CPU per alert", cost.cpu / alerts as u32);
    figures.push("resident", server.process.resident_bytes() as f64, Unit::Bytes);

    let begin = Instant::now();
    let found = driver::count(&mut server, &load::one_by_equality(alerts / 2));
    figures.time("first filtered read", begin.elapsed());
    assert_eq!(found, 1, "the filter names one alert");
    server.stop();

    let (mut server, took) = start(&setup);
    figures.time("restart", took);
    figures.push("resident after the restart", server.process.resident_bytes() as f64, Unit::Bytes);
    let found = driver::count(&mut server, &load::one_by_equality(alerts / 3));
    figures.push("alerts found by the filter after the restart", found as f64, Unit::Count);
    figures
}
