//! "did you mean": the known word nearest to one that nobody knows.

/// The candidate that a slip of the fingers would turn into `word`; `None` where none is near.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let near = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The ASCII sign that a Chinese input method puts a full-width one for.
pub fn half_width(sign: char) -> Option<char> {
    match sign {
        '“' | '”' => Some('"'),
        '‘' | '’' => Some('\''),
        '。' => Some('.'),
        '、' => Some(','),
        '！'..='～' => char::from_u32(u32::from(sign) - 0xfee0),
        _ => None,
    }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let width = b.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![vec![0; width]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = if i == 0 { j } else { i * usize::from(j == 0) };
        }
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let at = |i: usize, j: usize| {
                rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(usize::MAX / 2)
            };
            let replaced = usize::from(a.get(i - 1) != b.get(j - 1));
            let mut best = (at(i - 1, j) + 1).min(at(i, j - 1) + 1).min(at(i - 1, j - 1) + replaced);
            if i > 1 && j > 1 && a.get(i - 1) == b.get(j - 2) && a.get(i - 2) == b.get(j - 1) {
                best = best.min(at(i - 2, j - 2) + 1);
            }
            if let Some(cell) = rows.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = best;
            }
        }
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_signs_have_a_half() {
        let signs: String = "＝；，（）“”‘’：｛｝［］＜＞！&a中".chars().filter_map(half_width).collect();
        assert_eq!(signs, "=;,()\"\"'':{}[]<>!");
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let keys = ["limit", "input", "judge", "violation", "chime_db"];
        for (word, expected) in [
            ("limt", Some("limit")),
            ("violtion", Some("violation")),
            ("chime_bd", Some("chime_db")),
            ("jugde", Some("judge")),
            ("severity", None),
            ("x", None),
        ] {
            assert_eq!(did_you_mean(word, keys), expected, "{word}");
        }
    }
}
