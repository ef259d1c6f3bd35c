//! `${NAME}` inside texts: environment variables. `$${` is `${` itself.

use std::borrow::Cow;

/// A variable that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct VariableError {
    what: String,
    /// The text from `${` on, to find its place by.
    pub(crate) written: String,
}

/// Fills in the variables of a text.
pub(crate) fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Cow<'_, str>, VariableError> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        expanded.push_str(before);
        let Some((name, after)) = from.get(2..).and_then(|inside| inside.split_once('}')) else {
            return Err(mistake(
                "`${` without `}`; write `$${` for the characters themselves".to_owned(),
                from,
            ));
        };
        let value = variable(name).ok_or_else(|| {
            mistake(format!("the environment has no variable `{name}`"), &format!("${{{name}}}"))
        })?;
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(Cow::Owned(expanded))
}

fn mistake(what: String, written: &str) -> VariableError {
    VariableError { what, written: written.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_double_dollars_kept() {
        let variable = |name: &str| (name == "HOST").then(|| "${X}".to_owned());
        for (text, expected) in [
            ("plain $x {y}", Ok("plain $x {y}")),
            ("https://${HOST}/a${HOST}", Ok("https://${X}/a${X}")),
            ("$${HOST} ${HOST}", Ok("${HOST} ${X}")),
            ("工 ${NONE}", Err("the environment has no variable `NONE`")),
            ("${HOST", Err("`${` without `}`; write `$${` for the characters themselves")),
            ("${}", Err("the environment has no variable ``")),
        ] {
            let expanded = expand(text, variable).map(Cow::into_owned).map_err(|mistake| mistake.to_string());
            assert_eq!(expanded, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }
}
