//! The page: a few files within the binary, the same for everybody. What they show they ask the API for, with the
//! reader's token; nothing is loaded from elsewhere, nothing that stands in the page itself is run.

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::problem::{Details, Problem};

/// What the page may do: load its own files, ask its own server.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
);

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// One file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($name:literal, $kind:expr) => {
        File { name: $name, kind: $kind, text: include_str!(concat!("../page/", $name)) }
    };
}

const FILES: [File; 11] = [
    file!("index.html", HTML),
    file!("style.css", STYLE),
    file!("icon.svg", IMAGE),
    file!("app.js", SCRIPT),
    file!("alert.js", SCRIPT),
    file!("alerts.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("chart.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("lists.js", SCRIPT),
    file!("words.js", SCRIPT),
];

/// The page for enforcement.
#[utoipa::path(
    get, path = "/", tag = "service", operation_id = "readPage",
    responses((status = 200, description = "It.", body = String, content_type = "text/html"))
)]
pub(crate) async fn index() -> Result<Response, Problem> {
    file("index.html")
}

/// A file of the page.
#[utoipa::path(
    get, path = "/page/{name}", tag = "service", operation_id = "readPageFile", params(("name" = String, Path)),
    responses(
        (status = 200, description = "It.", content(
            (String = "text/html"), (String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml")
        )),
        (status = 400, description = "The name is no text.", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is none of that name.", body = Details, content_type = "application/problem+json")
    )
)]
pub(crate) async fn part(Path(name): Path<String>) -> Result<Response, Problem> {
    file(&name)
}

fn file(name: &str) -> Result<Response, Problem> {
    let found = FILES.iter().find(|file| file.name == name);
    let file = found.ok_or_else(|| Problem::unknown(format!("the page has no file {name}")))?;
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_TYPE, HeaderValue::from_static(file.kind)),
    ];
    Ok((headers, file.text).into_response())
}

#[cfg(test)]
mod tests;
