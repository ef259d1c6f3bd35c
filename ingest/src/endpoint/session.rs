//! What a connected client has said so far, and what follows from its next packets: no sockets, no clock.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::sync::Arc;

use citywarden_journal::{AppendError, Message};
use citywarden_model::{DeadLetterReason, Digest, Hasher, Offset};

use super::rights::Rights;
use super::shared::Shared;
use crate::codec::{
    Awaiting, Connect, DecodeError, Decoded, Delivery, Disconnect, Packet, PacketId, Publish, Reason,
    Subscribe, Unsubscribe, Version, decode, write_pingresp, write_puback, write_suback, write_unsuback,
};

/// Answers that the client has not taken, in bytes; beyond them nothing more of it is taken in.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Puts a message into the journal's inbox.
pub(crate) type Append<'a> = dyn FnMut(&Message<'_>) -> Result<Offset, AppendError> + 'a;

/// A client's side of the protocol on one connection. That there is a session, which may outlive it, is known to
/// `sessions`.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) version: Version,
    shared: Arc<Shared>,
    /// What its messages are journalled under.
    identity: Arc<str>,
    rights: Rights,
    /// Topics by alias, from 1.
    aliases: Vec<Option<Box<str>>>,
    /// Journalled and not acknowledged, in the order received, which is the order of their offsets.
    in_flight: VecDeque<(PacketId, Offset)>,
    last_topic: LastTopic,
    expiry: Expiry,
}

/// How long the client wants its session to be kept, in seconds.
#[derive(Debug)]
struct Expiry {
    at_connect: u32,
    at_disconnect: Option<u32>,
}

/// A device sends to the same topic again and again: what was found out about it once holds.
#[derive(Debug, Default)]
struct LastTopic {
    topic: String,
    permitted: bool,
}

/// Why no more is taken in just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// There is no whole packet left.
    NeedsMore,
    /// The journal's inbox has no room.
    InboxFull,
    /// Too much is unacknowledged, or unanswered.
    Unanswered,
    /// The connection is over.
    Over(End),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has left: nothing is to be said.
    Left,
    /// It is told why, where its version has words for it.
    Told(Reason),
    /// The journal takes nothing more, ever.
    JournalStopped,
}

/// A packet that was not taken in.
enum Refusal {
    Halt(Halt),
    Bad(DecodeError),
}

impl From<Halt> for Refusal {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// Messages taken in by one call, counted once at its end.
#[derive(Default)]
struct Tally {
    qos0: u64,
    qos1: u64,
}

impl Session {
    pub(crate) fn new(
        connect: &Connect<'_>,
        shared: Arc<Shared>,
        identity: Arc<str>,
        rights: Rights,
    ) -> Self {
        let at_connect = connect.properties.session_expiry_s;
        Self {
            version: connect.version,
            shared,
            identity,
            rights,
            aliases: Vec::new(),
            in_flight: VecDeque::new(),
            last_topic: LastTopic::default(),
            expiry: Expiry { at_connect, at_disconnect: None },
        }
    }

    /// Takes in packets from the front of `bytes`, writes answers to `out` and messages through `append`. Returns the
    /// bytes that are done with, and why it stopped.
    pub(crate) fn take_in(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        append: &mut Append<'_>,
    ) -> (usize, Halt) {
        let limit = usize::try_from(self.shared.config.limits.packet_bytes_max).unwrap_or(usize::MAX);
        let awaiting = Awaiting::Packets(self.version);
        let mut tally = Tally::default();
        let mut done = 0;
        let halt = loop {
            if out.len() >= ANSWER_BYTES_MAX {
                break Halt::Unanswered;
            }
            let taken = match decode(awaiting, bytes.get(done..).unwrap_or_default(), limit) {
                Ok(Decoded::Complete(packet, length)) => {
                    self.take_packet(&packet, out, &mut tally, append).map(|()| length)
                }
                Ok(Decoded::Incomplete) => Err(Halt::NeedsMore.into()),
                Err(error) => Err(Refusal::Bad(error)),
            };
            match taken {
                Ok(length) => done += length,
                Err(Refusal::Halt(halt)) => break halt,
                Err(Refusal::Bad(error)) => break Halt::Over(self.refuse(error)),
            }
        };
        self.shared.counters.received_qos0.add(tally.qos0);
        self.shared.counters.received_qos1.add(tally.qos1);
        (done, halt)
    }

    fn take_packet(
        &mut self,
        packet: &Packet<'_>,
        out: &mut Vec<u8>,
        tally: &mut Tally,
        append: &mut Append<'_>,
    ) -> Result<(), Refusal> {
        match packet {
            Packet::Publish(publish) => self.take_publish(publish, tally, append),
            Packet::PingReq => {
                write_pingresp(out);
                Ok(())
            }
            Packet::Subscribe(subscribe) => {
                self.refuse_subscribe(subscribe, out);
                Ok(())
            }
            Packet::Unsubscribe(unsubscribe) => {
                self.refuse_unsubscribe(unsubscribe, out);
                Ok(())
            }
            Packet::Disconnect(disconnect) => Err(self.take_disconnect(disconnect)),
            Packet::Auth(_) => {
                Err(Refusal::Bad(DecodeError::Protocol("an AUTH, though no method was agreed")))
            }
            Packet::Connect(_) => Err(Refusal::Bad(DecodeError::Protocol("a second CONNECT"))),
        }
    }

    fn take_disconnect(&mut self, disconnect: &Disconnect) -> Refusal {
        self.expiry.at_disconnect = disconnect.session_expiry_s;
        if self.expiry.at_connect == 0 && self.expiry.at_disconnect.is_some_and(|seconds| seconds > 0) {
            return Refusal::Bad(DecodeError::Protocol("a session that ends now, to be kept")); // MQTT-3.14.2-2
        }
        Halt::Over(End::Left).into()
    }

    /// Seconds that its session is to be kept, where the client said so at the end.
    pub(crate) const fn expiry_at_disconnect_s(&self) -> Option<u32> {
        self.expiry.at_disconnect
    }

    fn take_publish(
        &mut self,
        publish: &Publish<'_>,
        tally: &mut Tally,
        append: &mut Append<'_>,
    ) -> Result<(), Refusal> {
        let packet_id = match publish.delivery {
            Delivery::AtMostOnce => None,
            Delivery::AtLeastOnce(packet_id) => Some(packet_id),
            Delivery::ExactlyOnce(_) => return Err(Refusal::Bad(DecodeError::QosNotSupported)),
        };
        if packet_id.is_some()
            && self.in_flight.len() >= usize::from(self.shared.config.limits.receive_maximum)
        {
            return Err(Halt::Unanswered.into());
        }
        self.note_alias(publish)?;
        let offset = self.journal(publish, packet_id.is_some(), append)?;
        match packet_id {
            None => tally.qos0 += 1,
            Some(packet_id) => {
                tally.qos1 += 1;
                self.in_flight.push_back((packet_id, offset));
            }
        }
        Ok(())
    }

    fn note_alias(&mut self, publish: &Publish<'_>) -> Result<(), Refusal> {
        let Some(alias) = publish.alias else { return Ok(()) };
        if alias.get() > self.shared.config.limits.topic_alias_maximum {
            return Err(Refusal::Bad(DecodeError::TopicAlias));
        }
        let place = place_of(alias);
        if publish.topic.is_empty() {
            let known = self.aliases.get(place).is_some_and(Option::is_some);
            return if known {
                Ok(())
            } else {
                Err(Refusal::Bad(DecodeError::Protocol("an alias that is not known")))
            };
        }
        if self.aliases.len() <= place {
            self.aliases.resize(place + 1, None);
        }
        if let Some(topic) = self.aliases.get_mut(place)
            && topic.as_deref() != Some(publish.topic)
        {
            *topic = Some(publish.topic.into());
        }
        Ok(())
    }

    fn journal(
        &mut self,
        publish: &Publish<'_>,
        at_least_once: bool,
        append: &mut Append<'_>,
    ) -> Result<Offset, Refusal> {
        let Self { aliases, shared, last_topic, rights, identity, .. } = self;
        let alias = publish.alias.filter(|_| publish.topic.is_empty());
        let topic = alias.and_then(|alias| aliases.get(place_of(alias))?.as_deref()).unwrap_or(publish.topic);
        let refused = if last_topic.is_permitted(topic, rights, shared) {
            None
        } else {
            Some(DeadLetterReason::NotPermitted)
        };
        let mut message = Message {
            source: shared.config.source.as_str(),
            topic,
            identity,
            qos: u8::from(at_least_once),
            retained: publish.retain,
            duplicate: publish.duplicate,
            refused,
            payload: publish.payload,
            full: None,
        };
        if publish.payload.len() > shared.config.limits.payload_bytes_max {
            cut(&mut message, shared.config.limits.cut_payload_bytes);
        }
        let mut appended = append(&message);
        if matches!(appended, Err(AppendError::TooLarge { .. })) && message.full.is_none() {
            cut(&mut message, shared.config.limits.cut_payload_bytes);
            appended = append(&message);
        }
        let offset = appended.map_err(halt_of)?;
        shared.counters.count_refused(message.refused);
        Ok(offset)
    }

    fn refuse_subscribe(&self, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) {
        let reasons: Vec<Reason> = subscribe
            .filters
            .iter()
            .map(|filter| match filter {
                _ if subscribe.has_identifier => Reason::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
                filter if filter.starts_with("$share/") => Reason::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
                filter if filter.contains(['#', '+']) => Reason::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
                _ => Reason::TOPIC_FILTER_INVALID,
            })
            .collect();
        self.shared.counters.subscriptions_refused.add(reasons.len() as u64);
        write_suback(out, self.version, subscribe.packet_id, &reasons);
    }

    fn refuse_unsubscribe(&self, unsubscribe: &Unsubscribe<'_>, out: &mut Vec<u8>) {
        let reasons = vec![Reason::NO_SUBSCRIPTION_EXISTED; unsubscribe.filters.len()];
        write_unsuback(out, self.version, unsubscribe.packet_id, &reasons);
    }

    fn refuse(&self, error: DecodeError) -> End {
        tracing::debug!(identity = %self.identity, %error, "closing the connection");
        self.shared.counters.count_bad_packet(error);
        End::Told(error.reason())
    }

    /// The offset that the oldest unacknowledged message waits for.
    pub(crate) fn awaited(&self) -> Option<Offset> {
        self.in_flight.front().map(|(_, offset)| *offset)
    }

    /// Writes the acknowledgements of what lies before `committed`, in the order of the messages.
    pub(crate) fn acknowledge(&mut self, committed: Offset, out: &mut Vec<u8>) {
        let before = self.in_flight.len();
        while let Some((packet_id, _)) = self.in_flight.pop_front_if(|(_, offset)| *offset < committed) {
            write_puback(out, packet_id);
        }
        self.shared.counters.acknowledged.add((before - self.in_flight.len()) as u64);
    }

    /// Answers PINGREQs among packets that cannot be taken in yet, from byte `from` on, so that a client whose messages
    /// wait does not take the server for dead. Takes the answered ones out and
    /// returns where the first packet begins that is not whole.
    pub(crate) fn answer_pings(
        &self,
        buffer: &mut super::read_buffer::ReadBuffer,
        from: usize,
        out: &mut Vec<u8>,
    ) -> usize {
        let limit = usize::try_from(self.shared.config.limits.packet_bytes_max).unwrap_or(usize::MAX);
        let mut at = from;
        loop {
            let bytes = buffer.filled().get(at..).unwrap_or_default();
            match decode(Awaiting::Packets(self.version), bytes, limit) {
                Ok(Decoded::Complete(Packet::PingReq, length)) => {
                    if out.len() >= ANSWER_BYTES_MAX {
                        return at;
                    }
                    write_pingresp(out);
                    buffer.cut_out(at, length);
                }
                Ok(Decoded::Complete(_, length)) => at += length,
                Ok(Decoded::Incomplete) | Err(_) => return at,
            }
        }
    }
}

impl LastTopic {
    fn is_permitted(&mut self, topic: &str, rights: &Rights, shared: &Shared) -> bool {
        if !rights.are_bounded() {
            return true;
        }
        if self.topic != topic {
            self.permitted = rights.permit(&shared.config.topics, topic);
            topic.clone_into(&mut self.topic);
        }
        self.permitted
    }
}

fn place_of(alias: NonZeroU16) -> usize {
    usize::from(alias.get()) - 1
}

/// Keeps the beginning of a payload, its length and its digest.
fn cut(message: &mut Message<'_>, bytes: usize) {
    message.full = Some((message.payload.len() as u64, digest(message.payload)));
    message.payload = message.payload.get(..bytes).unwrap_or(message.payload);
    message.refused = message.refused.or(Some(DeadLetterReason::TooLarge));
}

fn digest(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

fn halt_of(error: AppendError) -> Halt {
    match error {
        AppendError::Full | AppendError::DiskFull => Halt::InboxFull,
        AppendError::Stopped => Halt::Over(End::JournalStopped),
        AppendError::TooLarge { .. } => Halt::Over(End::Told(Reason::PACKET_TOO_LARGE)),
    }
}
