//! `[http]` and `[[user]]`: the page, the API, and who may use them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::fields::{Fields, Text};

/// Where the page is, where nothing is configured.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The HTTP side.
#[derive(Debug, Clone)]
pub(crate) struct HttpConfig {
    pub(crate) listen: SocketAddr,
    /// Who may use it; none: whoever is on this machine, as admin.
    pub(crate) users: Vec<PageUser>,
}

/// Who may use the page and the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageUser {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The argon2 hash of the token, in the PHC form.
    pub(crate) token_hash: String,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Look.
    View,
    /// And act on alerts.
    Officer,
    /// And change what is in force.
    Admin,
}

pub(crate) fn read(http: Option<Fields<'_, '_>>, tables: Vec<Fields<'_, '_>>) -> HttpConfig {
    let has_tables = !tables.is_empty();
    let users = users(tables);
    let Some(fields) = http else { return HttpConfig { listen: LISTEN, users } };
    let listen = fields.address("listen").unwrap_or(LISTEN);
    if let Some(at) = fields.place("listen").filter(|_| !listen.ip().is_loopback() && !has_tables) {
        fields.error(&at, format!("{listen} is beyond loopback; expected [[user]] tables, or 127.0.0.1"));
    }
    fields.finish();
    HttpConfig { listen, users }
}

fn users(tables: Vec<Fields<'_, '_>>) -> Vec<PageUser> {
    let mut names = BTreeSet::new();
    let read = tables.into_iter().filter_map(|fields| {
        let user = user(&fields, &mut names);
        fields.finish();
        user
    });
    read.collect()
}

fn user(fields: &Fields<'_, '_>, names: &mut BTreeSet<String>) -> Option<PageUser> {
    let name = fields.required("name").filter(|name| {
        let is_new = names.insert(name.value.clone());
        if !is_new {
            fields.error(&name.at, format!("a user `{}` is there already", name.value));
        }
        is_new
    });
    let role = fields.required("role").and_then(|text| role(fields, &text));
    let token_hash = fields.required("token_hash").filter(|text| is_hash(fields, text));
    Some(PageUser { name: name?.value, role: role?, token_hash: token_hash?.value })
}

fn role(fields: &Fields<'_, '_>, text: &Text) -> Option<Role> {
    match text.value.as_str() {
        "view" => Some(Role::View),
        "officer" => Some(Role::Officer),
        "admin" => Some(Role::Admin),
        other => {
            fields.error(&text.at, format!("`{other}` is no role; expected view, officer or admin"));
            None
        }
    }
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`
fn is_hash(fields: &Fields<'_, '_>, text: &Text) -> bool {
    let parts: Vec<&str> = text.value.split('$').collect();
    let holds = matches!(parts.as_slice(), ["", "argon2id" | "argon2i" | "argon2d", version, _, salt, hash]
        if version.starts_with("v=") && !salt.is_empty() && !hash.is_empty());
    if !holds {
        fields
            .error(&text.at, "`token_hash` is no argon2 hash; expected $argon2id$v=19$m=…,t=…,p=…$salt$hash");
    }
    holds
}
