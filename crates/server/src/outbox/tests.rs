use std::sync::mpsc::{Receiver, Sender, channel};

use std::time::Instant;

use bellwether_journal::{
    Answer, Change, Entry, Fault, Journal, JournalError, KEY_BYTES_MAX, LiveEntries, MemoryStore,
    QUEUE_BYTES_MAX, Status, Tended, Writer,
};

use super::{Durability, Outbox, Released};

/// A journal whose commits wait until the test lets them go on.
struct Gated {
    journal: Box<dyn Journal>,
    gate: Receiver<()>,
}

impl Journal for Gated {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        // A closed gate means that the test is over.
        let _ = self.gate.recv();
        self.journal.commit(batch)
    }

    fn tend(&mut self, now: Instant) -> Tended {
        self.journal.tend(now)
    }

    fn begin_anew(&mut self, live: LiveEntries) {
        self.journal.begin_anew(live);
    }

    fn status(&self) -> Status {
        self.journal.status()
    }
}

/// The gate is dropped first: commits that still wait at it go on, so that the writer can end.
struct Fixture {
    gate: Sender<()>,
    outbox: Outbox<&'static str>,
    answers: Receiver<Answer>,
    store: MemoryStore,
}

fn fixture() -> Fixture {
    let store = MemoryStore::default();
    let (gate, opened) = channel();
    let (answer, answers) = channel();
    let journal = Gated { journal: Box::new(store.open().0), gate: opened };
    let writer = Writer::spawn(journal, move |durable| {
        let _ = answer.send(durable);
    });
    Fixture { gate, outbox: Outbox::new(writer.unwrap()), answers, store }
}

impl Fixture {
    /// Lets one commit happen and takes its answer.
    fn commit(&mut self) -> Released<&'static str> {
        self.gate.send(()).unwrap();
        match self.answers.recv().unwrap() {
            Answer::Durable(durable) => self.outbox.answer(durable),
            Answer::LiveWanted => panic!("the disk is full"),
        }
    }
}

fn change(key: &str) -> Vec<Change> {
    vec![Change::put(key.as_bytes(), b"value".as_slice())]
}

#[test]
fn without_changes_nothing_waits() {
    let mut fixture = fixture();
    assert_eq!(fixture.outbox.put(vec![], "a"), [("a", Durability::Durable)]);
}

#[test]
fn the_effects_of_a_change_wait_for_the_disk() {
    let mut fixture = fixture();
    assert_eq!(fixture.outbox.put(change("1"), "a"), []);
    assert_eq!(fixture.store.commits(), 0);
    assert_eq!(fixture.commit(), [("a", Durability::Durable)]);
    assert_eq!(fixture.store.commits(), 1);
    assert_eq!(fixture.outbox.put(vec![], "b"), [("b", Durability::Durable)]);
}

#[test]
fn a_turn_without_changes_waits_for_the_turns_before_it() {
    let mut fixture = fixture();
    assert_eq!(fixture.outbox.put(change("1"), "a"), []);
    assert_eq!(fixture.outbox.put(vec![], "b"), []);
    assert_eq!(fixture.commit(), [("a", Durability::Durable), ("b", Durability::Durable)]);
}

#[test]
fn a_failed_journal_releases_everything_as_not_durable() {
    let mut fixture = fixture();
    fixture.store.fail_after(0, Fault::DiskFull);
    assert_eq!(fixture.outbox.put(change("1"), "a"), []);
    assert_eq!(fixture.outbox.put(change("2"), "b"), []);
    assert_eq!(fixture.commit(), [("a", Durability::NotDurable), ("b", Durability::NotDurable)]);
    assert!(fixture.outbox.failure().is_some());
    assert_eq!(fixture.outbox.put(change("3"), "c"), [("c", Durability::NotDurable)]);
    assert_eq!(fixture.outbox.put(vec![], "d"), [("d", Durability::NotDurable)]);
}

#[test]
fn a_journal_that_has_begun_anew_makes_turns_durable_again() {
    let Fixture { gate, mut outbox, answers, store } = fixture();
    // Everything passes.
    drop(gate);
    store.fail_after(0, Fault::DiskFull);
    assert_eq!(outbox.put(change("1"), "a"), []);
    let Answer::Durable(durable) = answers.recv().unwrap() else { panic!("the disk is full") };
    assert_eq!(outbox.answer(durable), [("a", Durability::NotDurable)]);
    store.free_space();
    assert!(matches!(answers.recv().unwrap(), Answer::LiveWanted));
    assert_eq!(outbox.put(change("2"), "b"), [("b", Durability::NotDurable)]);
    let live = ["1", "2"].map(|key| Entry { key: key.as_bytes().into(), value: (*b"v").into() });
    outbox.begin_anew(Box::new(live.into_iter()));
    assert_eq!(outbox.put(change("3"), "c"), [("c", Durability::NotDurable)]);
    while outbox.failure().is_some() {
        if let Answer::Durable(durable) = answers.recv().unwrap() {
            assert_eq!(outbox.answer(durable), []);
        }
    }
    let mut released = outbox.put(change("4"), "d");
    while released.is_empty() {
        if let Answer::Durable(durable) = answers.recv().unwrap() {
            released = outbox.answer(durable);
        }
    }
    assert_eq!(released, [("d", Durability::Durable)]);
    assert_eq!(store.open().1.len(), 4);
}

#[test]
fn changes_that_never_fitted_keep_the_journal_from_being_taken_for_whole() {
    let mut fixture = fixture();
    fixture.store.fail_after(0, Fault::DiskFull);
    assert_eq!(fixture.outbox.put(change("1"), "a"), []);
    let large = || {
        let value = vec![0; QUEUE_BYTES_MAX / 5];
        vec![Change::put([1], value.clone()), Change::put([2], value)]
    };
    while !fixture.outbox.is_full() {
        assert_eq!(fixture.outbox.put(large(), "b"), []);
    }
    let released = fixture.commit();
    assert!(released.iter().all(|(_, durability)| *durability == Durability::NotDurable));
    assert!(!fixture.outbox.is_full(), "nothing waits for a journal that takes nothing");
}

#[test]
fn a_change_that_is_too_large_is_dropped_alone() {
    let mut fixture = fixture();
    let mut changes = change("1");
    changes.push(Change::put(vec![0; KEY_BYTES_MAX + 1], b"".as_slice()));
    assert_eq!(fixture.outbox.put(changes, "a"), []);
    assert_eq!(fixture.commit(), [("a", Durability::NotDurable)]);
    assert_eq!(fixture.outbox.take_oversized(), 1);
    assert_eq!(fixture.outbox.put(change("2"), "b"), []);
    assert_eq!(fixture.commit(), [("b", Durability::Durable)]);
}
