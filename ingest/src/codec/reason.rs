//! Reason codes of version 5, and what 3.1.1 says in their place.

/// A reason code (MQTT 5, section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(pub u8);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        impl Reason { $($(#[$doc])* pub const $name: Self = Self($code);)+ }
    };
}

reasons! {
    /// It is done.
    SUCCESS = 0x00;
    /// There was no such subscription.
    NO_SUBSCRIPTION_EXISTED = 0x11;
    /// 3.1.1's only word for a refused subscription.
    UNSPECIFIED_ERROR = 0x80;
    /// The bytes are no packet.
    MALFORMED_PACKET = 0x81;
    /// A packet that is not allowed here.
    PROTOCOL_ERROR = 0x82;
    /// Another protocol level than 4 or 5.
    UNSUPPORTED_PROTOCOL_VERSION = 0x84;
    /// The client id cannot be taken.
    CLIENT_IDENTIFIER_NOT_VALID = 0x85;
    /// Credentials that nobody has.
    BAD_USER_NAME_OR_PASSWORD = 0x86;
    /// Known, and not allowed to.
    NOT_AUTHORIZED = 0x87;
    /// The server cannot take messages now.
    SERVER_UNAVAILABLE = 0x88;
    /// Too many connections.
    SERVER_BUSY = 0x89;
    /// The server is stopping.
    SERVER_SHUTTING_DOWN = 0x8B;
    /// Extended authentication is not spoken.
    BAD_AUTHENTICATION_METHOD = 0x8C;
    /// Nothing was heard for one and a half times the keep-alive.
    KEEP_ALIVE_TIMEOUT = 0x8D;
    /// Another connection uses the client id now.
    SESSION_TAKEN_OVER = 0x8E;
    /// Subscriptions are not granted.
    TOPIC_FILTER_INVALID = 0x8F;
    /// A topic that is not taken.
    TOPIC_NAME_INVALID = 0x90;
    /// An alias beyond the maximum, or 0.
    TOPIC_ALIAS_INVALID = 0x94;
    /// Larger than the maximum packet size.
    PACKET_TOO_LARGE = 0x95;
    /// `QoS` 2.
    QOS_NOT_SUPPORTED = 0x9B;
    /// Shared subscriptions are not granted.
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E;
    /// Too many connections in a short time.
    CONNECTION_RATE_EXCEEDED = 0x9F;
    /// Subscription identifiers are not granted.
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1;
    /// Wildcard subscriptions are not granted.
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2;
}

impl Reason {
    /// The return code of a 3.1.1 CONNACK that says it best; `None` where 3.1.1 closes without a word.
    pub const fn connect_return_code(self) -> Option<u8> {
        match self {
            Self::SUCCESS => Some(0),
            Self::UNSUPPORTED_PROTOCOL_VERSION => Some(1),
            Self::CLIENT_IDENTIFIER_NOT_VALID => Some(2),
            Self::SERVER_UNAVAILABLE
            | Self::SERVER_BUSY
            | Self::SERVER_SHUTTING_DOWN
            | Self::CONNECTION_RATE_EXCEEDED => Some(3),
            Self::BAD_USER_NAME_OR_PASSWORD => Some(4),
            Self::NOT_AUTHORIZED => Some(5),
            _ => None,
        }
    }
}
