//! The OpenAPI document: what stands beside each handler, gathered as the router is, and what holds for all of them.

use std::sync::OnceLock;

use axum::http::{Method, header};
use axum::response::IntoResponse;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Content, Info, License, OpenApi, Ref, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::access::needed;
use crate::problem::{Details, PROBLEM};

/// What a token is called in the document.
const TOKEN: &str = "token";
const ABOUT: &str = "Alerts of a county's city-management measures, what they rest on, and what stands around them. Every \
                     answer that is not a success is a problem as in RFC 9457.";
const HOW_TO_SHOW_A_TOKEN: &str = "The token of a `[[user]]` of the configuration. Roles: `view` looks, `officer` handles \
                                   alerts, `admin` does everything. Without users the console answers on loopback alone, \
                                   to everybody, as admin.";
const TAGS: [(&str, &str); 4] = [
    ("alerts", "What was found, and what people do about it"),
    ("county", "What is watched, by whom, by which rules"),
    ("readings", "What was measured, and what could not be read"),
    ("service", "The service itself, and its page"),
];

/// The document's frame; routes are added to it.
pub(super) fn frame() -> OpenApi {
    let license = License::builder().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let mut info = Info::new("CityWarden", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(license);
    let mut components = Components::new();
    components.schemas.insert(Details::name().into_owned(), Details::schema());
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(HOW_TO_SHOW_A_TOKEN)).build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApi::builder().info(info).components(Some(components)).tags(Some(tags)).build()
}

/// Says of each route what the guard before it asks for, and answers.
pub(super) fn guard(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            let role = needed(&method).as_str();
            operation.security = Some(vec![SecurityRequirement::new(TOKEN, [role])]);
            let mut refuse = |status: &str, why: &str| {
                let known = &mut operation.responses.responses;
                known.entry(status.to_owned()).or_insert_with(|| problem(why).into());
            };
            refuse("401", "No token, or nobody's.");
            refuse(
                "403",
                &format!("The user's role is below {role}, or the request comes from another site's page."),
            );
            refuse("400", "A parameter or the body is not what is expected.");
            refuse("503", "The part that knows the answer has stopped or is away.");
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let get = item.get.as_mut().map(|operation| (Method::GET, operation));
    let post = item.post.as_mut().map(|operation| (Method::POST, operation));
    get.into_iter().chain(post)
}

fn problem(why: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name(Details::name())));
    ResponseBuilder::new().description(why).content(PROBLEM, content).build()
}

/// This document, in OpenAPI 3.1.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "service", operation_id = "document",
    responses((status = 200, description = "The document.", body = serde_json::Value))
)]
pub(super) async fn document() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    // a document that cannot be written would be a defect of the build; a test reads it
    let text = TEXT.get_or_init(|| super::document_of_all().to_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}
