//! Walks over the frames of one segment file, in big reads.

use std::io;

use super::format::{Frame, HEADER_LEN, Header, PRELUDE_LEN, Parsed, parse};
use crate::disk::DiskFile;

const CHUNK_LEN_MIN: usize = 64 << 10;
const CHUNK_LEN_MAX: usize = 1 << 20;

pub(crate) struct Frames {
    file: Box<dyn DiskFile>,
    header: Header,
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
        Self { file, header, position: HEADER_LEN, buffer: Vec::new(), start: 0, chunk: CHUNK_LEN_MIN }
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

    /// The next frame. With `refill` the buffer may be replaced, and what was given out before is gone.
    pub(crate) fn step(&mut self, refill: bool) -> io::Result<Step> {
        let left = (self.header.size as usize).saturating_sub(self.position);
        if left < PRELUDE_LEN {
            return Ok(Step::Zeros);
        }
        let mut fresh = false;
        loop {
            let bytes = self.buffer.get(self.start..).unwrap_or_default();
            let step = match parse(bytes, self.header.seed(), left) {
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
    let size = header.size as usize;
    let mut bytes = vec![0; size.saturating_sub(bad)];
    let read = file.read_at(&mut bytes, bad as u64)?;
    bytes.truncate(read);
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(written);
    Ok((1..written).find_map(|at| {
        let behind = bytes.get(at..)?;
        // Cheap first: of all the bytes behind, few begin like a frame.
        if behind.first() != Some(&super::format::FRAME_MAGIC[0]) {
            return None;
        }
        match parse(behind, header.seed(), behind.len()) {
            Parsed::Frame(frame) if frame.synced as usize > bad => Some(bad + at),
            Parsed::Frame(_) | Parsed::Short(_) | Parsed::Zeros | Parsed::Bad(_) => None,
        }
    }))
}
