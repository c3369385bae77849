//! The format: records with checksums around messages of Protocol Buffers, of which an event needs six fields.
//! The messages are written here, as crates that have them ask for a compiler of the protocol at build time.

/// A point of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub seconds: f64,
    /// Where it is on the axis.
    pub step: i64,
    /// The curve's name.
    pub tag: String,
    /// How high it is.
    pub value: f64,
}

/// What a file says of its format.
const VERSION: &str = "brain.Event:2";

// Fields of `Event`, of its `Summary` and that one's `Value`, and of its `SessionLog`.
const WALL_TIME: u8 = 1;
const STEP: u8 = 2;
const FILE_VERSION: u8 = 3;
const SUMMARY: u8 = 5;
const SESSION_LOG: u8 = 7;
const SUMMARY_VALUE: u8 = 1;
const TAG: u8 = 1;
const SIMPLE_VALUE: u8 = 2;
const STATUS: u8 = 1;
/// The status of a session that begins.
const START: u64 = 1;

/// The bytes of a file of these events.
pub fn event_file(events: &[Event]) -> Vec<u8> {
    let begins = events.first().map_or(0.0, |event| event.seconds);
    [head(begins), event_records(events)].concat()
}

/// The bytes that a file begins with.
pub(super) fn head(seconds: f64) -> Vec<u8> {
    let version = [
        double(WALL_TIME, seconds),
        bytes(FILE_VERSION, VERSION.as_bytes()),
    ];
    record(&version.concat())
}

/// The bytes with which a file goes on with these events.
pub(super) fn event_records(events: &[Event]) -> Vec<u8> {
    let records = events.iter().map(|event| record(&message(event)));
    records.flatten().collect()
}

/// The bytes that say that all events from a step on follow again: who has read some already, forgets them.
pub(super) fn restart(seconds: f64, step: i64) -> Vec<u8> {
    let status = [key(STATUS, Wire::Varint), varint(START)].concat();
    let parts = [
        double(WALL_TIME, seconds),
        step_field(step),
        bytes(SESSION_LOG, &status),
    ];
    record(&parts.concat())
}

fn step_field(step: i64) -> Vec<u8> {
    [key(STEP, Wire::Varint), varint(step as u64)].concat()
}

fn message(event: &Event) -> Vec<u8> {
    let value = [
        bytes(TAG, event.tag.as_bytes()),
        float(SIMPLE_VALUE, event.value as f32),
    ];
    let summary = bytes(SUMMARY_VALUE, &value.concat());
    [
        double(WALL_TIME, event.seconds),
        step_field(event.step),
        bytes(SUMMARY, &summary),
    ]
    .concat()
}

/// Its length, the checksum of that, the message, and its checksum.
fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_checksum(&length).to_le_bytes());
    record.extend(message);
    record.extend(masked_checksum(message).to_le_bytes());
    record
}

/// CRC-32C, turned and moved, so that a checksum of data that hold checksums is a good one too.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// How a field is written.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Double = 1,
    Bytes = 2,
    Float = 5,
}

fn key(field: u8, wire: Wire) -> Vec<u8> {
    vec![field << 3 | wire as u8]
}

fn double(field: u8, value: f64) -> Vec<u8> {
    [key(field, Wire::Double), value.to_le_bytes().to_vec()].concat()
}

fn float(field: u8, value: f32) -> Vec<u8> {
    [key(field, Wire::Float), value.to_le_bytes().to_vec()].concat()
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let length = varint(content.len() as u64);
    [key(field, Wire::Bytes), length, content.to_vec()].concat()
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
