//! A stranger on the cluster port that speaks the protocol: it joins under any names, answers pings
//! for all of them, and says whatever a test wants.
//!
//! The bytes are made by hand (docs/wire.md), since an attacker is not bound by what our encoders can
//! write.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use bellwether_e2e::cluster::free_peer_address;

/// Answers pings by datagram until it is dropped.
pub struct Forger {
    /// Where its members say that they are.
    pub address: SocketAddr,
    socket: Arc<UdpSocket>,
    victim: SocketAddr,
    label: String,
    ends: Arc<AtomicBool>,
    /// The port is taken, so that nothing else answers there.
    _streams: TcpListener,
}

/// What a forged silence says.
pub struct ForgedSilence<'a> {
    pub id: &'a str,
    /// Name and pattern of each `=~`.
    pub matchers: &'a [(&'a str, &'a str)],
    pub lasts: Duration,
}

impl Forger {
    pub fn start(ip: impl Into<IpAddr>, victim: SocketAddr, label: &str) -> Self {
        let address = free_peer_address(ip.into());
        let socket = Arc::new(UdpSocket::bind(address).expect("the port was free"));
        let streams = TcpListener::bind(address).expect("the port was free");
        let ends = Arc::new(AtomicBool::new(false));
        let timeout = Some(Duration::from_millis(50));
        socket.set_read_timeout(timeout).expect("a socket takes a timeout");
        let forger = Forger {
            address,
            socket: Arc::clone(&socket),
            victim,
            label: label.to_owned(),
            ends: Arc::clone(&ends),
            _streams: streams,
        };
        let label = label.to_owned();
        thread::spawn(move || answer_pings(&socket, &label, &ends));
        forger
    }

    /// Says that these members are here; `meta` is what they say of themselves.
    pub fn join(&self, names: &[String], meta: &[u8]) {
        for name in names {
            self.datagram(&alive(name, self.address, meta));
        }
    }

    /// A datagram with one message.
    pub fn datagram(&self, message: &[u8]) {
        let bytes = [label_header(&self.label), message.to_vec()].concat();
        self.socket.send_to(&bytes, self.victim).expect("loopback takes datagrams");
    }

    /// User data under a key, in a stream from this address.
    pub fn user_stream(&self, key: &str, data: &[u8]) {
        let body = part(key, data);
        let mut stream = TcpStream::connect(self.victim).expect("the cluster port listens");
        let mut bytes = label_header(&self.label);
        bytes.push(USER);
        let length = body.len() as u64;
        let header = map(&[("UserMsgLen", uint(length))]);
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&body);
        stream.write_all(&bytes).expect("the cluster port reads");
    }

    /// User data under a key, in a datagram from this address.
    pub fn user(&self, key: &str, data: &[u8]) {
        let mut message = vec![USER];
        message.extend_from_slice(&part(key, data));
        self.datagram(&message);
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

/// What a Bellwether node says of itself.
pub fn bellwether_meta() -> Vec<u8> {
    b"bellwether/1\0\x000000000000000abc\0".to_vec()
}

/// A status broadcast of a peer whose clock is ahead by so many seconds.
pub fn status(from: &str, ahead: i64, claims: &[u64]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let seconds = now.as_secs().saturating_add_signed(ahead);
    let claims: Vec<u8> = claims.iter().flat_map(|claim| claim.to_le_bytes()).collect();
    [field_uint(1, seconds), field(3, &claims), field(4, from.as_bytes())].concat()
}

/// A message of the silences' key.
pub fn silence_of_peer(forged: &ForgedSilence<'_>) -> Vec<u8> {
    let ForgedSilence { id, matchers, lasts } = forged;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let time = |at: Duration| field_uint(1, at.as_secs());
    let matcher = |(name, pattern): &(&str, &str)| {
        let matcher =
            [field_uint(1, 1), field(2, name.as_bytes()), field(3, pattern.as_bytes())].concat();
        field(2, &matcher)
    };
    let matchers: Vec<u8> = matchers.iter().flat_map(matcher).collect();
    let inner = [
        field(1, id.as_bytes()),
        matchers,
        field(3, &time(now - Duration::from_secs(10))),
        field(4, &time(now + *lasts)),
        field(5, &time(now)),
        field(8, b"stranger"),
        field(9, b"forged"),
    ];
    let expires_at = field(2, &time(now + *lasts + Duration::from_secs(3600)));
    let message = [field(1, &inner.concat()), expires_at].concat();
    [varint(message.len() as u64), message].concat()
}

fn part(key: &str, data: &[u8]) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, data)].concat()
}

fn alive(name: &str, at: SocketAddr, meta: &[u8]) -> Vec<u8> {
    let IpAddr::V4(ip) = at.ip() else { panic!("{at} is not of IPv4") };
    let mut message = vec![ALIVE];
    message.extend_from_slice(&map(&[
        ("Addr", bytes(&ip.octets())),
        ("Incarnation", uint(1)),
        ("Meta", bytes(meta)),
        ("Node", bytes(name.as_bytes())),
        ("Port", uint(u64::from(at.port()))),
        ("Vsn", bytes(&[1, 5, 2, 2, 5, 4])),
    ]));
    message
}

/// Acknowledges everything that has a sequence number.
fn answer_pings(socket: &UdpSocket, label: &str, ends: &AtomicBool) {
    let mut buffer = [0; 65_536];
    while !ends.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        for sequence in sequences(&buffer[..length]) {
            let mut ack = label_header(label);
            ack.push(ACK);
            ack.extend_from_slice(&map(&[("Payload", bytes(b"")), ("SeqNo", uint(sequence))]));
            // The victim may be gone.
            let _ = socket.send_to(&ack, from);
        }
    }
}

fn sequences(datagram: &[u8]) -> Vec<u64> {
    let name = b"\xa5SeqNo";
    let ends = datagram.windows(name.len()).enumerate().filter(|(_, window)| window == name);
    ends.filter_map(|(at, _)| read_uint(&datagram[at + name.len()..])).collect()
}

fn read_uint(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let length = match first {
        0..=0x7f => return Some(u64::from(*first)),
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        0xcf => 8,
        _ => return None,
    };
    Some(rest.get(..length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn label_header(label: &str) -> Vec<u8> {
    if label.is_empty() {
        return Vec::new();
    }
    let length = u8::try_from(label.len()).expect("labels are short");
    [&[LABEL, length], label.as_bytes()].concat()
}

/// A msgpack map.
fn map(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0x80 | u8::try_from(fields.len()).expect("few fields")];
    for (name, value) in fields {
        out.extend_from_slice(&bytes(name.as_bytes()));
        out.extend_from_slice(value);
    }
    out
}

/// A raw msgpack string, as the library of the Go program writes bytes and texts alike.
fn bytes(value: &[u8]) -> Vec<u8> {
    let header = match value.len() {
        length @ 0..32 => vec![0xa0 | length as u8],
        length => [&[0xda][..], &(length as u16).to_be_bytes()].concat(),
    };
    [header, value.to_vec()].concat()
}

fn uint(value: u64) -> Vec<u8> {
    [&[0xcf][..], &value.to_be_bytes()].concat()
}

/// A protobuf field of bytes, a text or a message.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(value.len() as u64), value.to_vec()].concat()
}

fn field_uint(number: u8, value: u64) -> Vec<u8> {
    [vec![number << 3], varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

const ACK: u8 = 2;
const ALIVE: u8 = 4;
const USER: u8 = 8;
const LABEL: u8 = 244;
