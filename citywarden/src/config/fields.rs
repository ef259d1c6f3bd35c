//! Keys of a section, read as what they stand for.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use citywarden_model::Span;
use citywarden_problems::{Key, Problems, Section};

use super::host::Host;
use super::variables::expand;

/// What reading needs besides the text.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'d> {
    pub(crate) host: &'d dyn Host,
    /// Where relative paths start: the folder of the configuration.
    pub(crate) base: &'d Path,
    /// For the files that the configuration names.
    pub(crate) problems: &'d Problems,
}

/// A section of the configuration. Whatever is wrong with a key is reported at its place, and the key's default taken,
/// so that the rest is checked as well.
pub(crate) struct Fields<'d, 't> {
    pub(crate) section: Section<'d, 't>,
    pub(crate) setting: Setting<'d>,
}

/// A text with its variables filled in, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) at: Range<usize>,
}

/// A file that the configuration names.
#[derive(Debug, Clone)]
pub(crate) struct NamedFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
    pub(crate) at: Range<usize>,
}

impl<'d, 't> Fields<'d, 't> {
    pub(crate) fn error(&self, at: &Range<usize>, message: impl Into<String>) {
        self.section.error(at, message);
    }
    pub(crate) fn warning(&self, at: &Range<usize>, message: impl Into<String>) {
        self.section.warning(at, message);
    }
    /// Where this section stands.
    pub(crate) fn at(&self) -> Range<usize> {
        self.section.span()
    }
    /// Whether the key is there, and where its value stands.
    pub(crate) fn place(&self, name: &'static str) -> Option<Range<usize>> {
        self.section.take(name).map(|key| key.span())
    }
    /// The section of this name inside this one.
    pub(crate) fn inner(&self, name: &'static str) -> Option<Self> {
        self.section.section(name).map(|section| self.with(section))
    }
    /// The `[[name]]` tables inside this one.
    pub(crate) fn tables(&self, name: &'static str) -> Vec<Self> {
        self.section.sections(name).into_iter().map(|section| self.with(section)).collect()
    }
    fn with(&self, section: Section<'d, 't>) -> Self {
        Self { section, setting: self.setting }
    }
    pub(crate) fn finish(self) {
        self.section.finish();
    }

    /// A text; an error where it is empty.
    pub(crate) fn text(&self, name: &'static str) -> Option<Text> {
        self.section.text(name)?;
        let key = self.section.take(name)?;
        self.expanded(&key).filter(|text| {
            if text.value.trim().is_empty() {
                self.error(&text.at, format!("`{name}` is empty"));
            }
            !text.value.trim().is_empty()
        })
    }
    /// A text that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Option<Text> {
        if self.place(name).is_none() {
            self.error(&self.at(), format!("`{name}` is missing"));
        }
        self.text(name)
    }
    /// The text of a key, with its variables filled in.
    pub(crate) fn expanded(&self, key: &Key<'d, 't>) -> Option<Text> {
        let raw = key.as_text()?;
        let source = self.section.source();
        match expand(raw, |name| self.setting.host.variable(name)) {
            Ok(value) => Some(Text { value: Cow::into_owned(value), at: key.span() }),
            Err(mistake) => {
                // the variable's own place, unless escapes in the text hide it
                let within = source.text.get(key.span()).and_then(|written| written.find(&mistake.written));
                let start = key.span().start + within.unwrap_or(0);
                self.error(&(start..start), mistake.to_string());
                None
            }
        }
    }
    /// What a text stands for; `parse` says what is wrong with it.
    pub(crate) fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(name)?;
        parse(&text.value).map_err(|message| self.error(&text.at, message)).ok()
    }
    /// A duration such as `5s`, within these bounds.
    pub(crate) fn duration(&self, name: &'static str, default: Span, bounds: RangeInclusive<Span>) -> Span {
        let read = |text: &str| {
            let span = Span::parse(text).map_err(|error| error.to_string())?;
            let (least, most) = (bounds.start().duration(), bounds.end().duration());
            if bounds.contains(&span) {
                Ok(span)
            } else {
                Err(outside(name, text, &format!("{least:?}"), &format!("{most:?}")))
            }
        };
        self.parsed(name, read).unwrap_or(default)
    }
    /// A whole number within these bounds.
    pub(crate) fn count(&self, name: &'static str, default: usize, bounds: RangeInclusive<usize>) -> usize {
        let Some((written, at)) = self.section.count(name).zip(self.place(name)) else { return default };
        if let Ok(count) = usize::try_from(written)
            && bounds.contains(&count)
        {
            return count;
        }
        self.error(
            &at,
            outside(name, &written.to_string(), &bounds.start().to_string(), &bounds.end().to_string()),
        );
        default
    }
    /// A share between 0 and 1.
    pub(crate) fn share(&self, name: &'static str, default: f64) -> f64 {
        let Some((share, at)) = self.section.number(name).zip(self.place(name)) else { return default };
        if (0.0..=1.0).contains(&share) {
            return share;
        }
        self.error(&at, outside(name, &share.to_string(), "0.0", "1.0"));
        default
    }
    /// An address to listen on.
    pub(crate) fn address(&self, name: &'static str) -> Option<SocketAddr> {
        self.parsed(name, |text| {
            text.parse()
                .map_err(|_| format!("`{text}` is no address; expected IP and port such as 127.0.0.1:1883"))
        })
    }
    /// A path; a relative one starts at the configuration's folder.
    pub(crate) fn path(&self, name: &'static str) -> Option<PathBuf> {
        self.text(name).map(|text| self.setting.base.join(text.value))
    }
    /// The file that this key names.
    pub(crate) fn file(&self, name: &'static str) -> Option<NamedFile> {
        let text = self.text(name)?;
        let path = self.setting.base.join(&text.value);
        match self.setting.host.read(&path) {
            Ok(content) => Some(NamedFile { path, content, at: text.at }),
            Err(error) => {
                self.error(&text.at, format!("`{}` cannot be read: {error}", path.display()));
                None
            }
        }
    }
    /// The file that this key names, which nobody else should be able to read.
    pub(crate) fn secret_file(&self, name: &'static str) -> Option<NamedFile> {
        let file = self.file(name)?;
        let mode = self.setting.host.mode(&file.path).unwrap_or(0);
        if mode & 0o077 != 0 {
            let shown = file.path.display();
            self.warning(
                &file.at,
                format!("`{shown}` has mode {mode:03o}, others can read it; expected 600"),
            );
        }
        Some(file)
    }
    /// Refuses a key whose feature is not built yet.
    pub(crate) fn not_yet(&self, at: &Range<usize>, what: &str) {
        self.error(at, format!("not in this version: {what}"));
    }
}

fn outside(name: &str, written: &str, least: &str, most: &str) -> String {
    format!("`{name}` is {written}; expected {least} to {most}")
}
