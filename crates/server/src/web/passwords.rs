//! Checks user names and passwords.
//!
//! In: the credentials of a request, where it comes from, and the users' hashes. Out: a [`Verdict`].
//! To check a hash costs tens of milliseconds by design, so results are cached, and only one hash is
//! checked at a time: many wrong passwords use one processor at most. Passwords that were right are
//! cached apart from those that were wrong, so that no number of wrong ones makes a user wait who has
//! been let in before; other users take turns with those who guess ([`Turns`]). An unknown name takes
//! as long as the user whose hash is the most expensive, so that the time does not reveal which names
//! exist.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_model::Secret;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::turns::Turns;

/// Cached results for names and passwords.
pub struct Passwords {
    known: Mutex<Known>,
    /// The key of the digests, which nobody else knows.
    secret: [u8; 32],
    turns: Turns,
}

#[derive(Default)]
struct Known {
    right: Results,
    wrong: Results,
}

/// The names and passwords that had one result.
#[derive(Default)]
struct Results {
    /// With the number of the use that was the last.
    last_uses: HashMap<Key, u64>,
    uses: u64,
}

/// Keyed digest of name, hash and password: the password itself is not kept.
type Key = [u8; 32];

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong,
    /// Too many checks are waiting.
    Busy,
}

/// The credentials of a request.
pub struct Credentials {
    name: Vec<u8>,
    password: Vec<u8>,
}

impl Credentials {
    /// From `Authorization: Basic …`; `None` if it is missing or malformed.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(AUTHORIZATION)?.as_bytes();
        let (scheme, encoded) = value.split_at_checked(SCHEME.len())?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let both = STANDARD.decode(encoded).ok()?;
        let colon = both.iter().position(|byte| *byte == b':')?;
        let (name, password) = both.split_at(colon);
        let password = password.get(1..).unwrap_or_default();
        Some(Credentials { name: name.to_vec(), password: password.to_vec() })
    }
}

impl Passwords {
    /// The secret must be random.
    pub fn new(secret: [u8; 32]) -> Self {
        Passwords { known: Mutex::default(), secret, turns: Turns::default() }
    }

    /// Whether this user has this password.
    pub async fn verify(
        &self,
        credentials: Credentials,
        users: &BTreeMap<String, Secret>,
        client: IpAddr,
    ) -> Verdict {
        let user = std::str::from_utf8(&credentials.name).ok().and_then(|name| users.get(name));
        let hash = match user {
            Some(hash) => hash.reveal().to_owned(),
            None => unknown_user_hash(users),
        };
        let key = self.key(&credentials, &hash);
        if let Some(known) = self.lock().verdict(&key) {
            return known;
        }
        let Some(_turn) = self.turns.take(client).await else { return Verdict::Busy };
        // The request before this one may have checked the same password.
        if let Some(known) = self.lock().verdict(&key) {
            return known;
        }
        let checked =
            tokio::task::spawn_blocking(move || bcrypt::verify(&credentials.password, &hash)).await;
        let is_right = user.is_some() && matches!(checked, Ok(Ok(true)));
        let mut known = self.lock();
        if is_right {
            known.right.add(key);
            Verdict::Right
        } else {
            known.wrong.add(key);
            Verdict::Wrong
        }
    }

    fn key(&self, credentials: &Credentials, hash: &str) -> Key {
        let mut digest = <Hmac<Sha256> as Mac>::new_from_slice(&self.secret)
            .expect("a key of any length is accepted");
        for part in [&credentials.name, hash.as_bytes(), &credentials.password] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into_bytes().into()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn verdict(&mut self, key: &Key) -> Option<Verdict> {
        if self.right.has(key) {
            return Some(Verdict::Right);
        }
        self.wrong.has(key).then_some(Verdict::Wrong)
    }
}

impl Results {
    /// Whether it is known; if so, it has been used.
    fn has(&mut self, key: &Key) -> bool {
        self.uses += 1;
        match self.last_uses.get_mut(key) {
            Some(last) => {
                *last = self.uses;
                true
            }
            None => false,
        }
    }

    fn add(&mut self, key: Key) {
        if self.last_uses.len() >= KNOWN_MAX
            && let Some(oldest) = self.last_uses.iter().min_by_key(|(_, last)| **last)
        {
            let oldest = *oldest.0;
            self.last_uses.remove(&oldest);
        }
        self.uses += 1;
        self.last_uses.insert(key, self.uses);
    }
}

/// A hash that no password has, and whose check takes as long as that of the most expensive hash.
fn unknown_user_hash(users: &BTreeMap<String, Secret>) -> String {
    let cost = |hash: &Secret| hash.reveal().get(4..6)?.parse::<u32>().ok();
    let most = users.values().filter_map(cost).max().unwrap_or(10);
    format!("$2b${most:02}${UNKNOWN_USER_HASH}")
}

const SCHEME: &[u8] = b"Basic ";
/// Salt and hash of a random password.
const UNKNOWN_USER_HASH: &str = "Zk1vN7rWq3uYtB5xCeGhJObjhPjCuwahTGOzC//uX53rb2l2LQpVq";
/// Limit: cached results, right and wrong ones each.
const KNOWN_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};

    use axum::http::{HeaderMap, HeaderValue};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bellwether_model::Secret;

    use super::{
        Credentials, KNOWN_MAX, Known, Passwords, UNKNOWN_USER_HASH, Verdict, unknown_user_hash,
    };

    fn header(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(value).unwrap());
        headers
    }

    fn basic(both: &str) -> Option<Credentials> {
        Credentials::of(&header(&format!("Basic {}", STANDARD.encode(both))))
    }

    #[test]
    fn credentials_are_read_as_they_are_sent() {
        let credentials = basic("alice:a:b").unwrap();
        assert_eq!((credentials.name, credentials.password), (b"alice".to_vec(), b"a:b".to_vec()));
        assert!(Credentials::of(&header("bASIC YTpi")).is_some());
        for nonsense in ["Basic", "Basic YTpi=", "Basic %%", "Bearer YTpi", "Basic  YTpi"] {
            assert!(Credentials::of(&header(nonsense)).is_none(), "{nonsense}");
        }
        assert!(basic("no colon").is_none());
        assert!(Credentials::of(&HeaderMap::new()).is_none());
    }

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    async fn verdict(
        passwords: &Passwords,
        users: &BTreeMap<String, Secret>,
        both: &str,
    ) -> Verdict {
        passwords.verify(basic(both).unwrap(), users, CLIENT).await
    }

    #[tokio::test]
    async fn a_password_is_valid_for_its_own_user_only_and_changes_at_once() {
        let hash = |password: &str| Secret::new(bcrypt::hash(password, 4).unwrap());
        let mut users: BTreeMap<_, _> =
            [("alice".to_owned(), hash("one")), ("bob".to_owned(), hash("two"))].into();
        let passwords = Passwords::new([7; 32]);
        for _ in 0..2 {
            // The second round is cached.
            assert_eq!(verdict(&passwords, &users, "alice:one").await, Verdict::Right);
            assert_eq!(verdict(&passwords, &users, "bob:two").await, Verdict::Right);
            for wrong in ["alice:two", "alice:", "eve:one"] {
                assert_eq!(verdict(&passwords, &users, wrong).await, Verdict::Wrong, "{wrong}");
            }
        }
        users.insert("alice".to_owned(), hash("three"));
        assert_eq!(verdict(&passwords, &users, "alice:one").await, Verdict::Wrong);
        assert_eq!(verdict(&passwords, &users, "alice:three").await, Verdict::Right);
    }

    #[test]
    fn what_is_remembered_is_limited_and_wrong_passwords_displace_no_right_ones() {
        let mut known = Known::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        known.right.add(key(1_000_000));
        for number in 0..KNOWN_MAX + 5 {
            known.wrong.add(key(number));
            assert_eq!(known.verdict(&key(0)), Some(Verdict::Wrong), "it is in use");
        }
        assert_eq!(known.wrong.last_uses.len(), KNOWN_MAX);
        assert_eq!(known.verdict(&key(1)), None, "the one that was used least recently");
        assert_eq!(known.verdict(&key(1_000_000)), Some(Verdict::Right));
    }

    #[test]
    fn an_unknown_user_costs_as_much_as_the_most_expensive_one() {
        let users = |costs: &[u32]| {
            let hash = |cost: &u32| format!("$2y${cost:02}${UNKNOWN_USER_HASH}");
            costs.iter().map(|cost| (cost.to_string(), Secret::new(hash(cost)))).collect()
        };
        assert!(unknown_user_hash(&users(&[4, 12, 9])).starts_with("$2b$12$"));
        let cheap = unknown_user_hash(&users(&[4]));
        assert!(!bcrypt::verify("guess", &cheap).unwrap(), "a valid hash");
    }
}
