//! Many submissions share one sync; nothing waits for the disk; every submission is answered once.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::{
    Durable, Fault, Journal, MemoryStore, QUEUE_BYTES_MAX, SubmitError, VALUE_BYTES_MAX, Writer,
};

/// A journal that reports each batch and then waits until it may return.
struct Gated {
    began: Sender<Vec<Change>>,
    proceed: Receiver<Result<(), JournalError>>,
}

impl Journal for Gated {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        self.began.send(batch.to_vec()).unwrap();
        self.proceed.recv().unwrap()
    }
}

struct Gate {
    writer: Writer,
    began: Receiver<Vec<Change>>,
    proceed: Sender<Result<(), JournalError>>,
    durable: Receiver<Durable>,
}

fn gate() -> Gate {
    let (began_sender, began) = channel();
    let (proceed, proceed_receiver) = channel();
    let (durable_sender, durable) = channel();
    let journal = Gated { began: began_sender, proceed: proceed_receiver };
    let writer =
        Writer::spawn(journal, move |answer| durable_sender.send(answer).unwrap()).unwrap();
    Gate { writer, began, proceed, durable }
}

fn failure() -> JournalError {
    JournalError::io("write", "a disk".as_ref(), std::io::ErrorKind::StorageFull.into())
}

#[test]
fn what_is_submitted_during_a_sync_is_one_batch_of_the_next_commit() {
    let gate = gate();
    gate.writer.submit(1, vec![put("a", "1")]).unwrap();
    assert_eq!(gate.began.recv().unwrap(), [put("a", "1")]);
    gate.writer.submit(2, vec![put("b", "1"), delete("a")]).unwrap();
    gate.writer.submit(3, vec![]).unwrap();
    gate.writer.submit(4, vec![put("c", "1")]).unwrap();
    assert!(gate.durable.try_recv().is_err(), "nothing is durable before the sync has returned");
    gate.proceed.send(Ok(())).unwrap();
    assert_eq!(gate.durable.recv().unwrap().up_to, 1);
    assert_eq!(gate.began.recv().unwrap(), [put("b", "1"), delete("a"), put("c", "1")]);
    gate.proceed.send(Ok(())).unwrap();
    let answer = gate.durable.recv().unwrap();
    assert_eq!(answer.up_to, 4);
    assert!(answer.result.is_ok());
    assert_eq!(gate.writer.health().commits, 2);
    assert_eq!(gate.writer.health().queued_bytes, 0);
}

#[test]
fn a_full_queue_gives_the_changes_back_at_once_until_there_is_room() {
    let gate = gate();
    let large = || vec![Change::put(*b"k", vec![0; VALUE_BYTES_MAX])];
    let mut sequence = 0;
    let refused = loop {
        sequence += 1;
        assert!(sequence < 10, "the queue has a limit");
        if let Err(refused) = gate.writer.submit(sequence, large()) {
            break refused;
        }
    };
    let SubmitError::Full(changes) = refused else { panic!("{refused}") };
    assert_eq!(changes, large());
    let queued = gate.writer.health().queued_bytes;
    assert!(queued <= QUEUE_BYTES_MAX && queued > QUEUE_BYTES_MAX - VALUE_BYTES_MAX - 16);
    let mut answered = 0;
    while answered < sequence - 1 {
        gate.proceed.send(Ok(())).unwrap();
        answered = gate.durable.recv().unwrap().up_to;
    }
    gate.writer.submit(sequence, changes).unwrap();
    gate.proceed.send(Ok(())).unwrap();
    assert_eq!(gate.durable.recv().unwrap().up_to, sequence);
}

#[test]
fn one_submission_larger_than_the_queue_is_taken_when_nothing_else_waits() {
    let gate = gate();
    let changes: Vec<_> =
        (0..5_u8).map(|key| Change::put([key], vec![0; VALUE_BYTES_MAX])).collect();
    gate.writer.submit(1, changes).unwrap();
    assert_eq!(gate.began.recv().unwrap().len(), 5);
    assert!(matches!(gate.writer.submit(2, vec![put("a", "1")]), Err(SubmitError::Full(_))));
    gate.proceed.send(Ok(())).unwrap();
    assert_eq!(gate.durable.recv().unwrap().up_to, 1);
}

#[test]
fn after_a_failure_every_submission_is_answered_with_it() {
    let gate = gate();
    gate.writer.submit(1, vec![put("a", "1")]).unwrap();
    gate.began.recv().unwrap();
    gate.writer.submit(2, vec![put("b", "1")]).unwrap();
    gate.proceed.send(Err(failure())).unwrap();
    gate.proceed.send(Err(failure())).unwrap();
    for sequence in [1, 2] {
        let answer = gate.durable.recv().unwrap();
        assert_eq!(answer.up_to, sequence);
        assert!(answer.result.unwrap_err().to_string().contains("disk is full"));
    }
    let Err(SubmitError::Poisoned(poison)) = gate.writer.submit(3, vec![put("c", "1")]) else {
        panic!("the poison is reported at once");
    };
    assert!(poison.to_string().contains("disk is full"), "{poison}");
    let health = gate.writer.health();
    assert_eq!(health.poison.unwrap().to_string(), poison.to_string());
    assert_eq!((health.commits, health.queued_bytes), (0, 0));
    assert!(gate.durable.try_recv().is_err(), "each submission is answered once");
}

#[test]
fn a_change_over_its_limit_is_refused_alone() {
    let store = MemoryStore::default();
    let (sender, durable) = channel();
    let writer = Writer::spawn(store.open().0, move |answer| sender.send(answer).unwrap()).unwrap();
    let too_large = vec![Change::put(*b"k", vec![0; VALUE_BYTES_MAX + 1])];
    assert!(matches!(writer.submit(1, too_large), Err(SubmitError::TooLarge(_))));
    writer.submit(2, vec![put("a", "1")]).unwrap();
    let answer = durable.recv().unwrap();
    assert!(answer.up_to == 2 && answer.result.is_ok());
}

#[test]
fn dropping_the_writer_commits_and_answers_what_was_taken() {
    let store = MemoryStore::default();
    let (sender, durable) = channel();
    let writer = Writer::spawn(store.open().0, move |answer| sender.send(answer).unwrap()).unwrap();
    for sequence in 1..=1000_u64 {
        writer.submit(sequence, vec![Change::put(sequence.to_be_bytes(), *b"v")]).unwrap();
    }
    drop(writer);
    let answers: Vec<_> = durable.iter().collect();
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    assert!(answers.is_sorted_by_key(|answer| answer.up_to));
    assert_eq!(answers.last().unwrap().up_to, 1000);
    assert_eq!(store.open().1.len(), 1000);
    assert!(store.commits() <= 1000);
}

#[test]
fn a_crash_of_the_store_answers_all_that_wait() {
    let store = MemoryStore::default();
    let (sender, durable) = channel();
    let writer = Writer::spawn(store.open().0, move |answer| sender.send(answer).unwrap()).unwrap();
    store.fail_after(0, Fault::CrashAfter);
    writer.submit(1, vec![put("a", "1")]).unwrap();
    assert!(durable.recv().unwrap().result.is_err());
    assert!(matches!(writer.submit(2, vec![]), Err(SubmitError::Poisoned(_))));
}

#[test]
fn a_panic_on_the_writers_thread_poisons_instead_of_hanging() {
    let store = MemoryStore::default();
    let (sender, gone) = channel::<()>();
    let writer = Writer::spawn(store.open().0, move |_| {
        let _held = &sender;
        panic!("a defect of the caller");
    })
    .unwrap();
    writer.submit(1, vec![put("a", "1")]).unwrap();
    assert!(gone.recv().is_err(), "the thread has ended and dropped what it held");
    let health = writer.health();
    assert!(matches!(health.poison.as_deref(), Some(JournalError::ThreadEnded)));
    assert!(matches!(writer.submit(2, vec![]), Err(SubmitError::Poisoned(_))));
}
