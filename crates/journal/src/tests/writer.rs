//! Many submissions share one sync; nothing waits for the disk; every submission is answered once;
//! a journal that failed begins anew.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::{
    Activity, Answer, Durable, Entry, Fault, Journal, MemoryStore, QUEUE_BYTES_MAX, SubmitError,
    Tended, VALUE_BYTES_MAX, Writer,
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
    /// Dropped first, so that a commit which still waits when a test fails does not wait for ever.
    proceed: Sender<Result<(), JournalError>>,
    writer: Writer,
    began: Receiver<Vec<Change>>,
    durable: Receiver<Durable>,
}

fn gate() -> Gate {
    let (began_sender, began) = channel();
    let (proceed, proceed_receiver) = channel();
    let (durable_sender, durable) = channel();
    let journal = Gated { began: began_sender, proceed: proceed_receiver };
    let writer = Writer::spawn(journal, forward(durable_sender)).unwrap();
    Gate { proceed, writer, began, durable }
}

/// Passes on what is durable.
fn forward(sender: Sender<Durable>) -> impl FnMut(Answer) + Send {
    move |answer| match answer {
        Answer::Durable(durable) => sender.send(durable).unwrap(),
        Answer::LiveWanted => {}
    }
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
    assert_eq!(gate.writer.health().queued_bytes, 0);
    assert!(gate.durable.try_recv().is_err(), "each submission is answered once");
}

#[test]
fn a_change_over_its_limit_is_refused_alone() {
    let store = MemoryStore::default();
    let (sender, durable) = channel();
    let writer = Writer::spawn(store.open().0, forward(sender)).unwrap();
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
    let writer = Writer::spawn(store.open().0, forward(sender)).unwrap();
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
    let writer = Writer::spawn(store.open().0, forward(sender)).unwrap();
    store.fail_after(0, Fault::CrashAfter);
    for sequence in 1..=2 {
        writer.submit(sequence, vec![put("a", "1")]).unwrap();
        assert!(durable.recv().unwrap().result.is_err());
    }
    let health = writer.health();
    assert!(health.failure.is_some());
    assert_eq!((health.failures, health.commits), (1, 0));
}

#[test]
fn with_space_again_the_live_entries_are_asked_for_once_and_made_durable_with_what_follows() {
    let store = MemoryStore::default();
    let (sender, answers) = channel();
    let writer = Writer::spawn(store.open().0, move |answer| sender.send(answer).unwrap()).unwrap();
    let durable = || match answers.recv().unwrap() {
        Answer::Durable(durable) => (durable.up_to, durable.result.is_ok()),
        Answer::LiveWanted => panic!("nothing is wanted yet"),
    };
    store.fail_after(0, Fault::DiskFull);
    writer.submit(1, vec![put("a", "1")]).unwrap();
    assert_eq!(durable(), (1, false));
    assert!(writer.health().failure.is_some_and(|failure| failure.free_bytes == Some(0)));
    store.free_space();
    assert!(matches!(answers.recv().unwrap(), Answer::LiveWanted));
    writer.submit(2, vec![put("b", "1")]).unwrap();
    assert_eq!(durable(), (2, false));
    let live = [("a", "1"), ("b", "1")]
        .map(|(key, value)| Entry { key: key.as_bytes().into(), value: value.as_bytes().into() });
    writer.begin_anew(Box::new(live.into_iter()));
    writer.submit(3, vec![put("c", "1"), delete("a")]).unwrap();
    let mut newest = durable();
    while newest != (3, true) {
        assert!(newest.1, "{newest:?}");
        newest = durable();
    }
    assert!(writer.health().failure.is_none());
    let found: Map =
        store.open().1.into_iter().map(|entry| (entry.key.into(), entry.value.into())).collect();
    assert_eq!(found, entries([("b", "1"), ("c", "1")]));
}

#[test]
fn live_entries_that_are_handed_in_before_the_end_are_written() {
    let disk = SimDisk::default();
    let (journal, _) = load_sim(&disk);
    let (sender, answers) = channel();
    disk.fill();
    let writer = Writer::spawn(journal, move |answer| sender.send(answer).unwrap()).unwrap();
    writer.submit(1, vec![Change::put(*b"a", vec![1; 2 * RESERVE_BYTES as usize])]).unwrap();
    let Answer::Durable(durable) = answers.recv().unwrap() else { panic!("it has failed") };
    assert!(durable.result.is_err());
    disk.free_space();
    let live = Entry { key: (*b"a").into(), value: (*b"1").into() };
    writer.begin_anew(Box::new([live].into_iter()));
    drop(writer);
    assert_eq!(load_sim(&disk).1, entries([("a", "1")]));
}

#[test]
fn a_panic_on_the_writers_thread_refuses_what_follows_instead_of_hanging() {
    let store = MemoryStore::default();
    let (sender, gone) = channel::<()>();
    let writer = Writer::spawn(store.open().0, move |_| {
        let _held = &sender;
        panic!("a defect of the caller");
    })
    .unwrap();
    writer.submit(1, vec![put("a", "1")]).unwrap();
    assert!(gone.recv().is_err(), "the thread has ended and dropped what it held");
    let failure = writer.health().failure.unwrap();
    assert!(matches!(*failure.error, JournalError::ThreadEnded));
    assert!(matches!(writer.submit(2, vec![]), Err(SubmitError::Ended(_))));
}

#[test]
fn the_queue_counts_keys_and_values_and_takes_its_limit_to_the_byte() {
    let gate = gate();
    gate.writer.submit(1, vec![put("key", "value"), delete("ab")]).unwrap();
    gate.began.recv().unwrap();
    assert_eq!(gate.writer.health().queued_bytes, 3 + 5 + 2);
    let large = |bytes| Change::put(*b"k", vec![0; bytes - 1]);
    let rest = QUEUE_BYTES_MAX - 10 - 3 * VALUE_BYTES_MAX;
    gate.writer.submit(2, (0..3).map(|_| large(VALUE_BYTES_MAX)).collect()).unwrap();
    gate.writer.submit(3, vec![large(rest)]).unwrap();
    assert_eq!(gate.writer.health().queued_bytes, QUEUE_BYTES_MAX);
    assert!(matches!(gate.writer.submit(4, vec![delete("a")]), Err(SubmitError::Full(_))));
    gate.proceed.send(Ok(())).unwrap();
    gate.proceed.send(Ok(())).unwrap();
}

#[test]
fn after_lost_changes_nothing_is_durable_until_the_live_entries_are() {
    let disk = SimDisk::default();
    let (sender, answers) = channel();
    let journal = load_sim(&disk).0;
    let writer = Writer::spawn(journal, move |answer| sender.send(answer).unwrap()).unwrap();
    writer.lose();
    writer.submit(1, vec![put("a", "1")]).unwrap();
    let (mut wanted, mut refused) = (false, None);
    while !(wanted && refused.is_some()) {
        match answers.recv().unwrap() {
            Answer::LiveWanted => wanted = true,
            Answer::Durable(durable) => {
                refused = Some(durable.result.unwrap_err());
            }
        }
    }
    assert!(refused.unwrap().to_string().contains("too slow"));
    let live = Entry { key: (*b"a").into(), value: (*b"1").into() };
    writer.begin_anew(Box::new([live].into_iter()));
    let health = writer.close();
    assert!(health.failure.is_none(), "{health:?}");
    assert_eq!((health.failures, health.queued_bytes), (1, 0));
    assert_eq!(load_sim(&disk).1, entries([("a", "1")]));
}

#[test]
fn closing_says_how_the_journal_was_left() {
    let store = MemoryStore::default();
    let (sender, durable) = channel();
    let writer = Writer::spawn(store.open().0, forward(sender)).unwrap();
    writer.submit(1, vec![put("a", "1")]).unwrap();
    assert!(durable.recv().unwrap().result.is_ok());
    store.fail_after(0, Fault::CrashBefore);
    writer.submit(2, vec![put("b", "1")]).unwrap();
    let health = writer.close();
    assert_eq!((health.commits, health.failures), (1, 1));
    assert!(health.failure.is_some(), "what is missing can be logged");
}

/// A journal that has something to do at once, so many times.
struct Due {
    times: usize,
    called: Sender<()>,
}

impl Journal for Due {
    fn commit(&mut self, _batch: &[Change]) -> Result<(), JournalError> {
        Ok(())
    }

    fn tend(&mut self, now: Instant) -> Tended {
        // The receiver may have seen enough.
        let _ = self.called.send(());
        self.times = self.times.saturating_sub(1);
        let call_at = (self.times > 0).then_some(now);
        Tended { call_at, activity: Activity::None }
    }
}

#[test]
fn what_is_due_is_done_without_a_submission() {
    let (called, calls) = channel();
    let _writer = Writer::spawn(Due { times: 5, called }, |_| {}).unwrap();
    for call in 0..5 {
        let called = calls.recv_timeout(Duration::from_secs(10));
        assert!(called.is_ok(), "call {call} of what is due");
    }
}
