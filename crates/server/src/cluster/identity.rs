//! The name of this node in the cluster.
//!
//! In: the storage directory. Out: a name that stays the same across restarts, so that a restart leaves
//! no failed member behind in the peers' member lists. It is a ULID, like the names that Go nodes
//! generate at every start.
//!
//! Two directories with the same name (a copied disk) are reported by the cluster as a name conflict.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_journal::create_private_file;

/// The name in the file, or a new one, which is written there.
///
/// A directory that cannot be written gives a name that lasts until the next start.
pub fn name(storage: &Path) -> io::Result<String> {
    let path = storage.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if is_name(text.trim()) => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut chance = [0; 10];
    io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut chance)?;
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let name = ulid(millis as u64, chance);
    let unfinished = storage.join(format!("{FILE}.unfinished"));
    let written = create_private_file(&unfinished)
        .and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
    if let Err(err) = written.and_then(|()| fs::rename(&unfinished, &path)) {
        tracing::warn!(component = "cluster", %err, "The generated peer name could not be saved; a restart generates another one");
    }
    Ok(name)
}

/// 26 characters: 48 bits of time, 80 bits of chance; see <https://github.com/ulid/spec>.
fn ulid(millis: u64, chance: [u8; 10]) -> String {
    let low = chance.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let bits = u128::from(millis) << 80 | low;
    (0..26).rev().map(|at| char::from(ALPHABET[(bits >> (5 * at)) as usize & 31])).collect()
}

fn is_name(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

const FILE: &str = "peer-name";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::{is_name, name, ulid};

    #[test]
    fn a_name_stays_the_same_after_a_restart() {
        let storage = tempfile::tempdir().unwrap();
        let first = name(storage.path()).unwrap();
        assert!(is_name(&first), "{first}");
        assert_eq!(name(storage.path()).unwrap(), first);
        std::fs::write(storage.path().join("peer-name"), "not a name").unwrap();
        assert_ne!(name(storage.path()).unwrap(), first);
    }

    #[test]
    fn names_have_the_specified_format() {
        // The time of the example in the specification.
        assert!(ulid(1_469_918_176_385, [0; 10]).starts_with("01ARYZ6S41"));
        assert_eq!(ulid((1 << 48) - 1, [0xff; 10]), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }
}
