//! Checks user names and passwords.
//!
//! In: the credentials of a request, and the users' hashes. Out: yes or no. To check a hash costs
//! tens of milliseconds by design, so results are cached, and only one hash is checked at a time:
//! many wrong passwords use one processor at most. An unknown name takes as long as a known one, so
//! that the time does not reveal which names exist.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_model::Secret;
use sha2::{Digest, Sha256};

/// Cached results for names and passwords.
#[derive(Default)]
pub struct Passwords {
    known: Mutex<VecDeque<(Key, bool)>>,
    turn: tokio::sync::Mutex<()>,
}

/// Digest of name, hash and password: the password itself is not kept.
type Key = [u8; 32];

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
    /// Whether this user has this password.
    pub async fn verify(&self, credentials: Credentials, users: &BTreeMap<String, Secret>) -> bool {
        let user = std::str::from_utf8(&credentials.name).ok().and_then(|name| users.get(name));
        let hash = user.map_or(UNKNOWN_USER_HASH, Secret::reveal).to_owned();
        let key = key(&credentials, &hash);
        if let Some(known) = self.known(&key) {
            return known;
        }
        let _turn = self.turn.lock().await;
        // The request before this one may have checked the same password.
        if let Some(known) = self.known(&key) {
            return known;
        }
        let checked =
            tokio::task::spawn_blocking(move || bcrypt::verify(&credentials.password, &hash)).await;
        let fits = user.is_some() && matches!(checked, Ok(Ok(true)));
        self.remember(key, fits);
        fits
    }

    fn known(&self, key: &Key) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| known == key).map(|(_, fits)| *fits)
    }

    fn remember(&self, key: Key, fits: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.pop_front();
        }
        known.push_back((key, fits));
    }
}

fn key(credentials: &Credentials, hash: &str) -> Key {
    let mut digest = Sha256::new();
    for part in [&credentials.name, hash.as_bytes(), &credentials.password] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

const SCHEME: &[u8] = b"Basic ";
/// The hash of a random password, for users that do not exist; its cost is the usual one.
const UNKNOWN_USER_HASH: &str = "$2b$10$Zk1vN7rWq3uYtB5xCeGhJObjhPjCuwahTGOzC//uX53rb2l2LQpVq";
/// Limit: cached results.
const KNOWN_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::http::{HeaderMap, HeaderValue};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bellwether_model::Secret;

    use super::{Credentials, KNOWN_MAX, Passwords, UNKNOWN_USER_HASH};

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

    #[tokio::test]
    async fn a_password_is_valid_for_its_own_user_only_and_changes_at_once() {
        let hash = |password: &str| Secret::new(bcrypt::hash(password, 4).unwrap());
        let mut users: BTreeMap<_, _> =
            [("alice".to_owned(), hash("one")), ("bob".to_owned(), hash("two"))].into();
        let passwords = Passwords::default();
        for _ in 0..2 {
            // The second round is cached.
            assert!(passwords.verify(basic("alice:one").unwrap(), &users).await);
            assert!(passwords.verify(basic("bob:two").unwrap(), &users).await);
            assert!(!passwords.verify(basic("alice:two").unwrap(), &users).await);
            assert!(!passwords.verify(basic("alice:").unwrap(), &users).await);
            assert!(!passwords.verify(basic("eve:one").unwrap(), &users).await);
        }
        users.insert("alice".to_owned(), hash("three"));
        assert!(!passwords.verify(basic("alice:one").unwrap(), &users).await);
        assert!(passwords.verify(basic("alice:three").unwrap(), &users).await);
    }

    #[tokio::test]
    async fn what_is_remembered_is_limited() {
        let hash = Secret::new(bcrypt::hash("one", 4).unwrap());
        let users = [("alice".to_owned(), hash)].into();
        let passwords = Passwords::default();
        for number in 0..KNOWN_MAX + 5 {
            let credentials = basic(&format!("alice:{number}")).unwrap();
            assert!(!passwords.verify(credentials, &users).await);
        }
        assert_eq!(passwords.known.lock().unwrap().len(), KNOWN_MAX);
    }

    #[test]
    fn the_hash_of_unknown_users_is_valid() {
        assert!(!bcrypt::verify("guess", UNKNOWN_USER_HASH).unwrap());
    }
}
