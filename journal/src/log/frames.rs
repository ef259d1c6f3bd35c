//! Walks over the frames of one segment file, in big reads.

use std::io;

use citywarden_model::Offset;

use super::format::{Frame, HEADER_LEN, Header, PRELUDE_LEN, Parsed, parse};
use crate::disk::DiskFile;

const CHUNK_LEN_MIN: usize = 64 << 10;
const CHUNK_LEN_MAX: usize = 1 << 20;

pub(crate) struct Frames {
    file: Box<dyn DiskFile>,
    header: Header,
    seed: u32,
    /// Of the next frame, in the file.
    position: usize,
    buffer: Vec<u8>,
    /// Of the next frame, in the buffer.
    start: usize,
    chunk: usize,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// A whole frame; its ranges count from `base` in [`Frames::buffer`].
    Frame {
        frame: Frame,
        position: usize,
        base: usize,
    },
    /// The buffer is used up, and filling it again was not allowed.
    Drained,
    /// Nothing is written from here on.
    Zeros,
    Bad(&'static str),
}

impl Frames {
    pub(crate) fn new(file: Box<dyn DiskFile>, header: Header) -> Self {
        let seed = header.seed();
        Self { file, header, seed, position: HEADER_LEN, buffer: Vec::new(), start: 0, chunk: CHUNK_LEN_MIN }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }
    pub(crate) fn position(&self) -> usize {
        self.position
    }
    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer
    }
    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Goes to the frame at `position` where that is the commit that begins with `first`; else it stays where it is.
    pub(crate) fn jump(&mut self, position: usize, first: Offset) -> io::Result<bool> {
        let here = self.position;
        self.go_to(position);
        let step = self.step(true);
        let found = match &step {
            Ok(Step::Frame { frame, base, .. }) => frame.content.begins_with(first).then_some(*base),
            _ => None,
        };
        match found {
            Some(base) => (self.position, self.start) = (position, base),
            None => self.go_to(here),
        }
        step.map(|_| found.is_some())
    }

    fn go_to(&mut self, position: usize) {
        let ahead = position.checked_sub(self.position).map(|more| self.start + more);
        self.position = position;
        if let Some(start) = ahead.filter(|start| *start < self.buffer.len()) {
            self.start = start;
            return;
        }
        self.buffer.clear();
        self.start = 0;
        self.chunk = CHUNK_LEN_MIN;
    }

    /// The next frame. With `refill` the buffer may be replaced, and what was given out before is gone.
    pub(crate) fn step(&mut self, refill: bool) -> io::Result<Step> {
        let left = (self.header.size as usize).saturating_sub(self.position);
        if left < PRELUDE_LEN {
            return Ok(Step::Zeros);
        }
        let mut fresh = false;
        loop {
            let bytes = self.buffer.get(self.start..).unwrap_or_default();
            let step = match parse(bytes, self.seed, left) {
                Parsed::Frame(frame) => return Ok(self.advance(frame)),
                Parsed::Short(_) if !refill => return Ok(Step::Drained),
                Parsed::Short(needed) if self.fill(needed)? < needed => {
                    Step::Bad("the file ends inside a frame")
                }
                Parsed::Short(_) => {
                    fresh = true;
                    continue;
                }
                Parsed::Zeros => Step::Zeros,
                Parsed::Bad(what) => Step::Bad(what),
            };
            // The buffer may be older than what was written here since.
            self.buffer.truncate(self.start);
            self.chunk = CHUNK_LEN_MIN;
            if fresh || !refill {
                return Ok(step);
            }
        }
    }

    /// The next frame, or the end; and whether the end is damage: something behind proves that more had been durable.
    pub(crate) fn settle(&mut self) -> io::Result<(Step, bool)> {
        let mut suspected = false;
        loop {
            let step = self.step(true)?;
            if matches!(step, Step::Frame { .. })
                || find_proof(&*self.file, &self.header, self.position)?.is_none()
            {
                return Ok((step, false));
            }
            // A writer may have gone on between the two looks at the file: what is read again now is final.
            if suspected {
                return Ok((step, true));
            }
            suspected = true;
        }
    }

    fn advance(&mut self, frame: Frame) -> Step {
        let (position, base) = (self.position, self.start);
        self.position += frame.len;
        self.start += frame.len;
        Step::Frame { frame, position, base }
    }

    fn fill(&mut self, needed: usize) -> io::Result<usize> {
        let left = (self.header.size as usize).saturating_sub(self.position);
        if !self.buffer.is_empty() {
            self.chunk = (self.chunk * 2).min(CHUNK_LEN_MAX);
        }
        self.buffer.resize(self.chunk.max(needed).min(left), 0);
        self.start = 0;
        let read = self.file.read_at(&mut self.buffer, self.position as u64)?;
        self.buffer.truncate(read);
        Ok(read)
    }
}

/// Looks behind a bad frame for a whole one that was written when the bad one was durable already: then the bad one is
/// no torn write but damage. Gives the position of that proof.
pub(crate) fn find_proof(file: &dyn DiskFile, header: &Header, bad: usize) -> io::Result<Option<usize>> {
    let bytes = written_behind(file, header, bad)?;
    let seed = header.seed();
    Ok((1..bytes.len()).find_map(|at| {
        let behind = bytes.get(at..)?;
        // Cheap first: of all the bytes behind, few begin like a frame.
        if behind.first() != Some(&super::format::FRAME_MAGIC[0]) {
            return None;
        }
        match parse(behind, seed, behind.len()) {
            Parsed::Frame(frame) if frame.synced as usize > bad => Some(bad + at),
            Parsed::Frame(_) | Parsed::Short(_) | Parsed::Zeros | Parsed::Bad(_) => None,
        }
    }))
}

/// What stands behind a position, up to the last byte that is not zero.
pub(crate) fn written_behind(file: &dyn DiskFile, header: &Header, from: usize) -> io::Result<Vec<u8>> {
    let size = header.size as usize;
    let (mut bytes, mut written) = (Vec::new(), 0);
    let mut chunk = vec![0; CHUNK_LEN_MAX.min(size.saturating_sub(from))];
    let mut at = from;
    while at < size {
        let read = file.read_at(&mut chunk, at as u64)?;
        if read == 0 {
            break;
        }
        // Nearly always all of it is zeros, and none of it needs keeping.
        let chunk = chunk.get(..read).unwrap_or_default();
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            bytes.resize(at - from, 0);
            bytes.extend_from_slice(chunk);
            written = at - from + last + 1;
        }
        at += read;
    }
    bytes.truncate(written);
    Ok(bytes)
}
