//! Who asks, and whether they may.
//!
//! * With users: a token, as `Authorization: Bearer`, or as the password of `Basic` (which a browser asks for by itself).
//! * Without: whoever reaches loopback is `admin`; but only under a loopback name, so that a page somewhere else that has
//!   its own name point here (DNS rebinding) gets nothing.
//! * A command from a browser must come from this very origin: another site can make a browser send a request, not this
//!   `Origin`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Console;
use crate::problem::Problem;
use crate::users::{Person, Role};

/// The name under which commands are recorded where there are no users.
const ALONE: &str = "admin";

/// Lets through whoever may, with who they are.
pub(crate) async fn guard(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let person = identify(&console, request.headers()).await?;
    let needed = needed(request.method());
    if needed > Role::View {
        check_origin(request.headers())?;
    }
    if person.role < needed {
        let detail = format!("user `{}` may look and not act; expected role officer or admin", person.name);
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    request.extensions_mut().insert(person);
    Ok(next.run(request).await)
}

async fn identify(console: &Console, headers: &HeaderMap) -> Result<Person, Problem> {
    if console.users.is_empty() {
        return if is_loopback_name(host(headers)) {
            Ok(Person { name: ALONE.to_owned(), role: Role::Admin })
        } else {
            Err(Problem::new(StatusCode::FORBIDDEN, "without users only loopback names are answered to"))
        };
    }
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "expected the token of a user");
    let token = token(headers).ok_or_else(refused)?;
    console.users.person(&token).await.ok_or_else(refused)
}

/// Whoever looks only looks; everything else is a command.
pub(crate) fn needed(method: &Method) -> Role {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Role::View,
        _ => Role::Officer,
    }
}

fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let asked = origin.split_once("://").map_or("", |(_, authority)| authority);
    if asked.is_empty() || asked != host(headers) {
        let detail = "a command must come from this console's own page, or from no page";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(())
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, token)| token.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "10.0.0.1:80",
        ] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
