use std::str::FromStr;

/// Where to publish: `mqtt://[user:password@]host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A name or address; of IPv6 without its brackets.
    pub host: String,
    /// 1883 unless said otherwise.
    pub port: u16,
    /// User and password.
    pub credentials: Option<(String, String)>,
}

/// A text that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another scheme, or none.
    #[error("`{0}` is no MQTT address; expected mqtt://host:port")]
    Scheme(String),
    /// No host.
    #[error("`{0}` names no host; expected mqtt://host:port")]
    Host(String),
    /// No port number.
    #[error("`{0}` is no port; expected a number from 1 to 65535")]
    Port(String),
    /// A user without a password.
    #[error("`{0}` is no user and password; expected user:password before the @")]
    Credentials(String),
}

const DEFAULT_PORT: u16 = 1883;

impl FromStr for Target {
    type Err = TargetError;
    fn from_str(url: &str) -> Result<Self, TargetError> {
        let rest = url.strip_prefix("mqtt://").ok_or_else(|| TargetError::Scheme(url.to_owned()))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(credentials(user)?), place),
            None => (None, rest),
        };
        let (host, port) = split_port(place)?;
        if host.is_empty() {
            return Err(TargetError::Host(url.to_owned()));
        }
        Ok(Self { host: host.to_owned(), port, credentials })
    }
}

/// The message never holds what could be a password.
fn credentials(text: &str) -> Result<(String, String), TargetError> {
    text.split_once(':')
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
        .ok_or_else(|| TargetError::Credentials(text.to_owned()))
}

fn split_port(place: &str) -> Result<(&str, u16), TargetError> {
    let bracketed = place.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => place.rsplit_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let Some(port) = port else { return Ok((host, DEFAULT_PORT)) };
    let number = port.parse().ok().filter(|number| *number != 0);
    Ok((host, number.ok_or_else(|| TargetError::Port(port.to_owned()))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, host: &str, port: u16, credentials: Option<(&str, &str)>) {
        let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
        assert_eq!(url.parse(), Ok(Target { host: host.to_owned(), port, credentials }), "{url}");
    }

    #[test]
    fn a_target_is_a_host_a_port_and_perhaps_who_speaks() {
        check("mqtt://127.0.0.1:1884", "127.0.0.1", 1884, None);
        check("mqtt://broker", "broker", 1883, None);
        check("mqtt://[::1]:1884/", "::1", 1884, None);
        check("mqtt://[::1]", "::1", 1883, None);
        check("mqtt://u:p:w@d@broker:1", "broker", 1, Some(("u", "p:w@d")));
    }

    #[test]
    fn what_is_no_target_is_refused_by_name() {
        for (url, expected) in [
            ("broker:1883", "`broker:1883` is no MQTT address; expected mqtt://host:port"),
            ("mqtts://broker", "`mqtts://broker` is no MQTT address; expected mqtt://host:port"),
            ("mqtt://:1883", "`mqtt://:1883` names no host; expected mqtt://host:port"),
            ("mqtt://broker:0", "`0` is no port; expected a number from 1 to 65535"),
            ("mqtt://broker:x", "`x` is no port; expected a number from 1 to 65535"),
            ("mqtt://me@broker", "`me` is no user and password; expected user:password before the @"),
        ] {
            assert_eq!(
                url.parse::<Target>().map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{url}"
            );
        }
    }
}
