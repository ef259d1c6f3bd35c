//! The largest gap between nozzles along a line: a fact of the register and of what works, not a measured value.

use citywarden_model::Attributes;

use super::fixed;

/// A line with things along it, in millionths of a metre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where the things are, ascending.
    chainages: Vec<i64>,
    length: i64,
    is_closed: bool,
    /// Stretches that are left out of a gap, ascending, not overlapping.
    gates: Vec<(i64, i64)>,
}

/// The attribute with the stretches that are left out.
const GATES: &str = "gate_spans_m";

impl Line {
    /// Reads the line from an asset's attributes; the error says what is missing.
    pub(crate) fn read(
        attributes: &Attributes,
        chainages: &str,
        length: &str,
        closed: &str,
    ) -> Result<Self, String> {
        let text = attributes.text(chainages).ok_or_else(|| format!("no attribute {chainages}"))?;
        let places: Option<Vec<i64>> =
            text.split(';').map(|part| part.trim().parse().ok().and_then(fixed::from_number)).collect();
        let chainages = places
            .filter(|places| places.is_sorted())
            .ok_or_else(|| format!("attribute {chainages} is no rising list such as 0;5;10"))?;
        let length = attributes
            .number(length)
            .and_then(fixed::from_number)
            .filter(|length| *length > 0)
            .ok_or_else(|| format!("no attribute {length} with a length in metres"))?;
        let is_closed = attributes.flag(closed).unwrap_or(false);
        let gates = match attributes.text(GATES) {
            Some(text) => {
                gates(text).ok_or_else(|| format!("attribute {GATES} is no list such as 12-18;40-46"))?
            }
            None => Vec::new(),
        };
        Ok(Self { chainages, length, is_closed, gates })
    }

    /// The largest gap between those that work, metres: round the seam where the line is closed, to its ends where it
    /// is not. `None`: all of them. The error says why it cannot be told.
    pub(crate) fn largest_gap(&self, works: Option<&[bool]>) -> Result<f64, String> {
        if let Some(works) = works.filter(|works| works.len() != self.chainages.len()) {
            return Err(format!("{} nozzles report, {} are registered", works.len(), self.chainages.len()));
        }
        let is_working = |place: usize| works.is_none_or(|works| works.get(place).copied().unwrap_or(false));
        let all = self.chainages.iter().enumerate();
        let working: Vec<i64> = all.filter(|(place, _)| is_working(*place)).map(|(_, at)| *at).collect();
        Ok(fixed::to_number(self.gap_between(&working)))
    }

    fn gap_between(&self, working: &[i64]) -> i64 {
        let (Some(first), Some(last)) = (working.first(), working.last()) else {
            return self.free(0, self.length);
        };
        let neighbours = working.iter().zip(working.iter().skip(1));
        let inner = neighbours.map(|(one, next)| self.free(*one, *next)).max().unwrap_or(0);
        let (before, after) = (self.free(0, *first), self.free(*last, self.length));
        let outer = if self.is_closed { before + after } else { before.max(after) };
        inner.max(outer)
    }

    /// The length between two places, gates left out.
    fn free(&self, from: i64, to: i64) -> i64 {
        let gates = self.gates.iter().map(|(begins, ends)| (to.min(*ends) - from.max(*begins)).max(0));
        (to - from).max(0) - gates.sum::<i64>()
    }
}

fn gates(text: &str) -> Option<Vec<(i64, i64)>> {
    let mut gates: Vec<(i64, i64)> = text.split(';').map(gate).collect::<Option<_>>()?;
    gates.sort_unstable();
    let apart = gates.iter().zip(gates.iter().skip(1)).all(|(one, next)| one.1 <= next.0);
    apart.then_some(gates)
}

fn gate(text: &str) -> Option<(i64, i64)> {
    let (from, to) = text.split_once('-')?;
    let number = |text: &str| text.trim().parse().ok().and_then(fixed::from_number);
    let (from, to) = (number(from)?, number(to)?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(attributes: &[(&str, &str)], works: Option<&[bool]>) -> Result<f64, String> {
        let attributes: Attributes =
            attributes.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Line::read(&attributes, "nozzle_chainage_m", "perimeter_m", "closed_loop")?.largest_gap(works)
    }

    const LOOP: [(&str, &str); 3] =
        [("nozzle_chainage_m", "0;5;10;15"), ("perimeter_m", "20"), ("closed_loop", "true")];

    #[test]
    fn a_closed_line_is_measured_across_its_seam() {
        assert_eq!(gap(&LOOP, None), Ok(5.0));
        assert_eq!(gap(&LOOP, Some(&[true, true, true, false])), Ok(10.0));
        assert_eq!(gap(&LOOP, Some(&[false, true, true, true])), Ok(10.0));
        assert_eq!(gap(&LOOP, Some(&[false; 4])), Ok(20.0));
    }

    #[test]
    fn an_open_line_is_measured_to_its_ends() {
        let open = [("nozzle_chainage_m", "4;9"), ("perimeter_m", "16"), ("closed_loop", "false")];
        assert_eq!(gap(&open, None), Ok(7.0));
    }

    #[test]
    fn gates_are_left_out_of_a_gap() {
        let mut with_gate = LOOP.to_vec();
        with_gate.push(("gate_spans_m", "6-9"));
        assert_eq!(gap(&with_gate, Some(&[true, true, true, true])), Ok(5.0));
        assert_eq!(gap(&with_gate, Some(&[true, false, true, true])), Ok(7.0));
    }

    #[test]
    fn what_is_missing_or_does_not_fit_is_said() {
        assert!(gap(&LOOP, Some(&[true; 3])).unwrap_err().contains("3 nozzles report, 4"));
        assert!(gap(&[], None).unwrap_err().contains("nozzle_chainage_m"));
        assert!(gap(&[("nozzle_chainage_m", "5;0"), ("perimeter_m", "9")], None).is_err());
    }
}
