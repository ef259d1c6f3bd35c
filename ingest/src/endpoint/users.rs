//! The users file: who may connect, and for which devices each may publish.
//!
//! A line a user, `name:hash:globs`:
//!
//! ```text
//! # name : argon2 hash (PHC) : devices, separated by commas
//! site-12:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$…:dust-12,noise-12-*
//! gateway:-:*
//! ```
//!
//! Empty lines and lines that begin with `#` are skipped. A hash of `-` is a user without a password, who can only
//! come with a client certificate of that name. A glob is a device id in which `*` stands for any run of characters and
//! `?` for one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use citywarden_problems::{Level, Problems, Source};

use super::glob::DeviceGlob;

/// Hashes that take more memory than this, in KiB, are refused: each one being checked takes it.
const HASH_MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Hashes that take more passes than this are refused.
const HASH_PASSES_MAX: u32 = 16;

/// The users of a file, by name.
#[derive(Debug, Clone, Default)]
pub struct Users(HashMap<String, User>);

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The name, shared with whoever writes it down.
    pub(crate) name: Arc<str>,
    /// In the PHC form; `None`: no password will do.
    pub(crate) hash: Option<Arc<str>>,
    /// The devices it may publish for.
    pub(crate) devices: Arc<[DeviceGlob]>,
}

impl Users {
    /// Reads a users file to its end and reports every problem at its place. Lines with a problem name nobody.
    pub fn parse(source: &Source<'_>, problems: &Problems) -> Self {
        let mut users = Self::default();
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let reader = Reader { source, problems };
            let text = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
            let at = start + line.find(text).unwrap_or(0);
            if let Some(user) = reader.user(text, at) {
                users.add(user, at, &reader);
            }
            start += line.len();
        }
        users
    }
    fn add(&mut self, user: User, at: usize, reader: &Reader<'_, '_>) {
        match self.0.entry(user.name.to_string()) {
            Entry::Vacant(place) => drop(place.insert(user)),
            Entry::Occupied(_) => reader.error(
                &(at..at + user.name.len()),
                format!("user `{}` is there already, expected each name once", user.name),
            ),
        }
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn named(&self, name: &str) -> Option<&User> {
        self.0.get(name)
    }
    /// A hash that is as much work as the others, to be checked where there is no such user.
    pub(crate) fn any_hash(&self) -> Option<&Arc<str>> {
        self.0.values().find_map(|user| user.hash.as_ref())
    }
}

/// A mistake that is among the problems already.
struct Reported;

struct Reader<'r, 't> {
    source: &'r Source<'t>,
    problems: &'r Problems,
}

impl Reader<'_, '_> {
    fn error(&self, at: &Range<usize>, message: String) {
        self.problems.push(self.source.problem(Level::Error, at, message));
    }
    /// The user of a line that begins at this byte.
    fn user(&self, line: &str, at: usize) -> Option<User> {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            return None;
        }
        let Some((name, rest)) = line.split_once(':') else {
            self.error(&(at..at + line.len()), "no `:`, expected name:hash:globs".to_owned());
            return None;
        };
        let hash_at = at + name.len() + 1;
        let Some((hash, globs)) = rest.split_once(':') else {
            let message = format!("user `{name}` has no globs, expected name:hash:globs");
            self.error(&(hash_at..hash_at + rest.len()), message);
            return None;
        };
        // each part is looked at, so that every mistake of a line is reported at once
        let name = self.name(name, at);
        let hash = self.hash(hash, hash_at);
        let devices = self.globs(globs, hash_at + hash_length(rest) + 1);
        Some(User { name: name?, hash: hash.ok()?, devices: devices? })
    }
    fn name(&self, name: &str, at: usize) -> Option<Arc<str>> {
        if !name.is_empty() && name.trim() == name {
            return Some(name.into());
        }
        let what = if name.trim().is_empty() { "a user without a name" } else { "blanks around the name" };
        self.error(&(at..at + name.len()), format!("{what}, expected name:hash:globs"));
        None
    }
    fn hash(&self, text: &str, at: usize) -> Result<Option<Arc<str>>, Reported> {
        if text == "-" {
            return Ok(None);
        }
        match unfit_hash(text) {
            None => Ok(Some(text.into())),
            Some(what) => {
                let message =
                    format!("{what}, expected an argon2 hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash) or `-`");
                self.error(&(at..at + text.len()), message);
                Err(Reported)
            }
        }
    }
    fn globs(&self, text: &str, at: usize) -> Option<Arc<[DeviceGlob]>> {
        let (mut globs, mut all_fit, mut start) = (Vec::new(), true, at);
        for part in text.split(',') {
            let (trimmed, blanks) = (part.trim(), part.len() - part.trim_start().len());
            if let Some(glob) = DeviceGlob::parse(trimmed) {
                globs.push(glob);
            } else {
                let message = format!(
                    "`{trimmed}` is no device glob, expected device ids with `*` and `?`, separated by commas"
                );
                self.error(&(start + blanks..start + part.len()), message);
                all_fit = false;
            }
            start += part.len() + 1;
        }
        all_fit.then(|| globs.into())
    }
}

fn hash_length(rest: &str) -> usize {
    rest.find(':').unwrap_or(rest.len())
}

/// What is wrong with a hash.
fn unfit_hash(text: &str) -> Option<&'static str> {
    let Ok(hash) = PasswordHash::new(text) else { return Some("this is no password hash") };
    let algorithm = argon2::Algorithm::try_from(hash.algorithm.as_str());
    let params = argon2::Params::try_from(&hash);
    match (algorithm, params, &hash.hash) {
        (Err(_), ..) => Some("this hash is not of argon2"),
        (_, Err(_), _) => Some("the parameters of this hash are not argon2's"),
        (.., None) => Some("this hash has no digest"),
        (_, Ok(params), _) if params.m_cost() > HASH_MEMORY_KIB_MAX => {
            Some("this hash takes more than 256 MiB")
        }
        (_, Ok(params), _) if params.t_cost() > HASH_PASSES_MAX => {
            Some("this hash takes more than 16 passes")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";

    fn parsed(text: &str) -> (Users, Vec<String>) {
        let problems = Problems::new();
        let users = Users::parse(&Source::new("devices", text), &problems);
        (users, problems.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_line_names_a_user_and_its_devices() {
        let text = format!("\u{feff}# users\r\n\r\nsite 12:{HASH}:dust-12, noise-*\ngateway:-:*");
        let (users, problems) = parsed(&text);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(users.len(), 2);
        let site = users.named("site 12").unwrap();
        assert_eq!(site.hash.as_deref(), Some(HASH));
        assert!(site.devices.iter().any(|glob| glob.matches("noise-7")));
        assert_eq!(users.named("gateway").unwrap().hash, None);
    }

    #[test]
    fn every_problem_is_reported_at_its_place() {
        let table = [
            ("site", "1:1: no `:`, expected name:hash:globs"),
            ("site:-", "1:6: user `site` has no globs, expected name:hash:globs"),
            (":-:*", "1:1: a user without a name, expected name:hash:globs"),
            (" site:-:*", "1:1: blanks around the name, expected name:hash:globs"),
            (
                "site:secret:*",
                "1:6: this is no password hash, expected an argon2 hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash) or `-`",
            ),
            (
                "site:$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E:*",
                "1:6: this hash is not of argon2, expected an argon2 hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash) or `-`",
            ),
            (
                "site:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ:*",
                "1:6: this hash has no digest, expected an argon2 hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash) or `-`",
            ),
            (
                "车:-:a/b,,c",
                "1:5: `a/b` is no device glob, expected device ids with `*` and `?`, separated by commas\n\
                 1:9: `` is no device glob, expected device ids with `*` and `?`, separated by commas",
            ),
            ("a:-:*\nb:-:*\na:-:x", "3:1: user `a` is there already, expected each name once"),
        ];
        for (text, expected) in table {
            let (_, problems) = parsed(text);
            let expected: Vec<String> = expected.split('\n').map(|line| format!("devices:{line}")).collect();
            assert_eq!(problems, expected, "{text}");
        }
    }

    #[test]
    fn a_line_with_a_problem_does_not_hide_its_other_problems_or_the_other_lines() {
        let (users, problems) = parsed("a:x:b c\ngood:-:*\n");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(users.named("good").is_some() && users.named("a").is_none());
    }
}
