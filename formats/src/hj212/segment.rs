//! The data segment: what stands before `CP=&&`, and the items in it.

use super::frame::Packet;
use crate::DecodeError;

/// A data segment, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// Where it begins in the payload.
    pub(crate) at: usize,
    header: &'a [u8],
    body: &'a [u8],
    body_at: usize,
}

/// One `name=value` of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Where it begins in the payload.
    pub(crate) at: usize,
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

const BEGIN: &[u8] = b"CP=";
const MARK: &[u8] = b"&&";

impl<'a> Segment<'a> {
    pub(crate) fn of(packet: &Packet<'a>) -> Result<Self, DecodeError> {
        let Packet { at, segment, .. } = *packet;
        if let Some(place) = segment.iter().position(u8::is_ascii_control) {
            return Err(DecodeError::malformed(at + place, "a control character in the packet".to_owned()));
        }
        let missing = || DecodeError::malformed(at, "no CP=&&…&& in the packet".to_owned());
        let mark = segment.windows(MARK.len()).position(|pair| pair == MARK).ok_or_else(missing)?;
        let (head, rest) = segment.split_at(mark);
        let cut = head.len().checked_sub(BEGIN.len()).ok_or_else(missing)?;
        let (header, begin) = head.split_at(cut);
        if !begin.eq_ignore_ascii_case(BEGIN) {
            return Err(missing());
        }
        let body = rest.get(MARK.len()..).unwrap_or_default();
        let body = body.trim_ascii_end().strip_suffix(MARK).ok_or_else(missing)?;
        Ok(Self { at, header, body, body_at: at + mark + MARK.len() })
    }

    /// A member before `CP`, in whatever case; `None` where it is absent or empty.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        let items = items(self.header, self.at).filter_map(Result::ok);
        let named = |item: &Item<'a>| item.name.eq_ignore_ascii_case(name.as_bytes());
        let value = items.into_iter().find(named)?.value;
        std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
    }

    /// The items within `CP`: separated by `;`, `,`, or both, since the field mixes them.
    pub(crate) fn items(&self) -> impl Iterator<Item = Result<Item<'a>, DecodeError>> {
        items(self.body, self.body_at)
    }
}

fn items(text: &[u8], at: usize) -> impl Iterator<Item = Result<Item<'_>, DecodeError>> {
    let mut next = at;
    let parts = text.split(|byte| matches!(byte, b';' | b',')).map(move |part| {
        let begins = next;
        next += part.len() + 1;
        (begins, part.trim_ascii())
    });
    parts.filter(|(_, part)| !part.is_empty()).map(|(at, part)| {
        let mut halves = part.splitn(2, |byte| *byte == b'=');
        match (halves.next(), halves.next()) {
            (Some(name), Some(value)) => Ok(Item { at, name: name.trim_ascii(), value: value.trim_ascii() }),
            _ => Err(DecodeError::malformed(
                at,
                format!("`{}`, expected name=value", String::from_utf8_lossy(part)),
            )),
        }
    })
}
