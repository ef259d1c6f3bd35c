use std::collections::BTreeSet;

use super::*;

/// The paths a router has, as it says itself when it is looked at; without the two of its fallback.
fn paths_of(router: &Router<Console>) -> Vec<String> {
    let said = format!("{router:?}");
    let mut paths: Vec<_> = said.split('"').filter(|part| part.starts_with('/')).map(str::to_owned).collect();
    for of_fallback in ["/{*__private__axum_fallback}", "/"] {
        let place = paths.iter().position(|path| path == of_fallback).expect("every router has a fallback");
        paths.remove(place);
    }
    paths.sort_unstable();
    paths
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    for mut routes in [open(), guarded()] {
        let described: Vec<_> = routes.to_openapi().paths.paths.into_keys().collect();
        let (router, _) = routes.split_for_parts();
        assert_eq!(paths_of(&router), described);
        assert!(described.len() > 3, "{described:?}");
    }
    let all = document_of_all().paths.paths.len();
    assert_eq!(all, open().into_openapi().paths.paths.len() + guarded().into_openapi().paths.paths.len());
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let text = document_of_all().to_json().unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        }
    }
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is described");
    }
}
