//! Signatures as in Standard Webhooks: `v1,base64(HMAC-SHA256(id.timestamp.body))` under a secret `whsec_…`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Standard Webhooks asks for 24 to 64 bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secret of one receiver. Never shown.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// A text that is no secret; the text is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not `whsec_` and base64.
    #[error("a webhook's secret is `whsec_` and base64")]
    Malformed,
    /// Too short or too long.
    #[error("a webhook's secret has {0} bytes, expected 24 to 64")]
    Length(usize),
}

impl Secret {
    /// Reads `whsec_…`; white space around it, such as a file's last newline, is ignored.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let base64 = text.trim().strip_prefix("whsec_").ok_or(SecretError::Malformed)?;
        let bytes = STANDARD.decode(base64).map_err(|_| SecretError::Malformed)?;
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SecretError::Length(bytes.len()))
        }
    }
    /// The value of `webhook-signature`.
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_repeating_it() {
        for (text, error) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Malformed),
            ("whsec_***", SecretError::Malformed),
            ("whsec_c2hvcnQ=", SecretError::Length(5)),
        ] {
            assert_eq!(Secret::parse(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(format!("{:?}", Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), "Ok(Secret(…))");
    }
}
