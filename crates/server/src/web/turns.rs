//! Who may check a password next: one request at a time, with equal shares for all clients.
//!
//! In: who asks. Out: a [`Turn`], or none if too many wait. Clients take turns, each with its own
//! requests in their order, so that a client with many wrong passwords delays another one by one check
//! at most.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The queue.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    is_taken: bool,
    /// **Invariant:** none of them is empty.
    clients: BTreeMap<IpAddr, VecDeque<oneshot::Sender<Turn>>>,
    /// The clients above in the order of their turns.
    order: VecDeque<IpAddr>,
    waiting: usize,
}

/// The right to check a password, until this is dropped.
pub struct Turn(Option<Turns>);

impl Turns {
    /// Waits for the turn of this client; `None` if too many wait.
    pub async fn take(&self, client: IpAddr) -> Option<Turn> {
        let turn = {
            let mut queue = self.lock();
            if !queue.is_taken {
                queue.is_taken = true;
                return Some(Turn(Some(self.clone())));
            }
            if queue.clients.get(&client).is_some_and(|own| own.len() >= CLIENT_WAITING_MAX) {
                return None;
            }
            if queue.waiting >= WAITING_MAX {
                queue.turn_away();
            }
            queue.add(client)
        };
        // An error means that it was turned away.
        turn.await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&mut self, client: IpAddr) -> oneshot::Receiver<Turn> {
        let (sender, turn) = oneshot::channel();
        let own = self.clients.entry(client).or_default();
        if own.is_empty() {
            self.order.push_back(client);
        }
        own.push_back(sender);
        self.waiting += 1;
        turn
    }

    /// Turns away the last request of the client with the most.
    fn turn_away(&mut self) {
        let most = self.clients.iter().max_by_key(|(_, own)| own.len()).map(|(client, _)| *client);
        if let Some(client) = most
            && let Some(own) = self.clients.get_mut(&client)
        {
            own.pop_back();
            self.waiting -= 1;
            if own.is_empty() {
                self.clients.remove(&client);
                self.order.retain(|other| *other != client);
            }
        }
    }

    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let client = self.order.pop_front()?;
        let own = self.clients.get_mut(&client)?;
        let next = own.pop_front()?;
        self.waiting -= 1;
        if own.is_empty() {
            self.clients.remove(&client);
        } else {
            self.order.push_back(client);
        }
        Some(next)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        loop {
            let next = {
                let mut queue = turns.lock();
                match queue.next() {
                    Some(next) => next,
                    None => {
                        queue.is_taken = false;
                        return;
                    }
                }
            };
            match next.send(Turn(Some(turns.clone()))) {
                Ok(()) => return,
                // The request has gone away.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

/// Limit: requests of one client that wait.
const CLIENT_WAITING_MAX: usize = 64;
/// Limit: requests that wait.
const WAITING_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::sync::mpsc;

    use super::{CLIENT_WAITING_MAX, Turns};

    fn client(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    #[tokio::test]
    async fn clients_take_turns_whatever_each_of_them_asks_for() {
        let turns = Turns::default();
        let first = turns.take(client(0)).await.unwrap();
        let (sender, mut order) = mpsc::unbounded_channel();
        for asks in [1, 1, 1, 2, 3, 3] {
            let (turns, sender) = (turns.clone(), sender.clone());
            tokio::spawn(async move {
                let turn = turns.take(client(asks)).await.unwrap();
                sender.send(asks).unwrap();
                drop(turn);
            });
            tokio::task::yield_now().await;
        }
        drop((first, sender));
        let mut seen = Vec::new();
        while let Some(asks) = order.recv().await {
            seen.push(asks);
        }
        assert_eq!(seen, [1, 2, 3, 1, 3, 1]);
    }

    #[tokio::test]
    async fn too_many_are_turned_away_and_requests_that_go_away_take_no_turn() {
        let turns = Turns::default();
        let first = turns.take(client(1)).await.unwrap();
        let mut waiting: Vec<_> = (0..CLIENT_WAITING_MAX)
            .map(|_| {
                let turns = turns.clone();
                tokio::spawn(async move { turns.take(client(1)).await.is_some() })
            })
            .collect();
        while turns.lock().waiting < CLIENT_WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert!(turns.take(client(1)).await.is_none());
        let last = waiting.pop().unwrap();
        for gone in waiting {
            gone.abort();
            assert!(gone.await.is_err());
        }
        drop(first);
        assert!(last.await.unwrap());
        assert!(turns.take(client(1)).await.is_some());
    }

    #[tokio::test]
    async fn if_the_queue_is_full_the_client_with_the_most_makes_room() {
        let turns = Turns::default();
        let first = turns.take(client(0)).await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..super::WAITING_MAX {
            let (turns, asks) = (turns.clone(), client((number / CLIENT_WAITING_MAX) as u8));
            waiting.push(tokio::spawn(async move { turns.take(asks).await.is_some() }));
        }
        while turns.lock().waiting < super::WAITING_MAX {
            tokio::task::yield_now().await;
        }
        let other = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(client(200)).await.is_some() }
        });
        while !turns.lock().clients.contains_key(&client(200)) {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert!(other.await.unwrap());
        let mut served = 0;
        for task in waiting {
            served += usize::from(task.await.unwrap());
        }
        assert_eq!(served, super::WAITING_MAX - 1);
    }
}
