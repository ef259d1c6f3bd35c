//! Who is let in, and to what.

use citywarden_console::{Role, User, Users, bind};
use reqwest::{Method, StatusCode, header};

use crate::house::{House, TOKEN, alert, answer, user};

#[tokio::test]
async fn without_users_loopback_is_admin_and_other_names_get_nothing() {
    let house = House::open(Vec::new()).await;
    assert_eq!(house.get("/api/v1/alerts").await.0, StatusCode::OK);
    let rebound = house.request(Method::GET, "/api/v1/alerts").header(header::HOST, "evil.example");
    let (status, problem) = answer(rebound).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(problem["detail"], "without users only loopback names are answered to");
    let users = Users::new(Vec::new()).unwrap();
    let refused = bind("0.0.0.0:0".parse().unwrap(), &users).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "0.0.0.0:0 is not a loopback address; without users the console listens on loopback only"
    );
}

#[tokio::test]
async fn with_users_a_token_is_needed_and_the_role_decides() {
    let path = format!("/api/v1/alerts/{}/acknowledge", alert("site-1", 1).id);
    let house = House::open(vec![user("wang", Role::View)]).await;
    let (status, problem) = house.get("/api/v1/alerts").await;
    assert_eq!((status, &problem["status"]), (StatusCode::UNAUTHORIZED, &serde_json::json!(401)));
    let wrong = house.request(Method::GET, "/api/v1/alerts").bearer_auth("guess");
    assert_eq!(answer(wrong).await.0, StatusCode::UNAUTHORIZED);
    let browser = house.request(Method::GET, "/api/v1/alerts").basic_auth("anything", Some(TOKEN));
    assert_eq!(answer(browser).await.0, StatusCode::OK);
    let house = house.with_token(TOKEN);
    for _ in 0..2 {
        assert_eq!(house.get("/api/v1/alerts").await.0, StatusCode::OK);
    }
    let (status, problem) = house.post(&path, "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(problem["detail"], "user `wang` may look and not act; expected role officer or admin");

    let house = House::open(vec![user("li", Role::Officer)]).await.with_token(TOKEN);
    let (status, alert) = house.post(&path, r#"{"reason":"on the way"}"#).await;
    assert_eq!((status, alert["state"].as_str()), (StatusCode::OK, Some("acknowledged")));
    assert_eq!(
        (&alert["events"][1]["who"], &alert["events"][1]["why"]),
        (&"li".into(), &"on the way".into())
    );
}

#[tokio::test]
async fn a_session_says_who_asks_what_they_may_and_where_they_live() {
    let check = async |house: House, user: &str, role: &str| {
        let expected = serde_json::json!({ "user": user, "role": role, "timezone": "Asia/Shanghai" });
        assert_eq!(house.get("/api/v1/session").await, (StatusCode::OK, expected));
    };
    check(House::open(Vec::new()).await, "admin", "admin").await;
    for (name, role, word) in
        [("wang", Role::View, "view"), ("li", Role::Officer, "officer"), ("zhao", Role::Admin, "admin")]
    {
        let house = House::open(vec![user(name, role)]).await;
        assert_eq!(house.get("/api/v1/session").await.0, StatusCode::UNAUTHORIZED);
        check(house.with_token(TOKEN), name, word).await;
    }
}

#[tokio::test]
async fn another_sites_page_cannot_give_commands() {
    let house = House::open(Vec::new()).await;
    let path = format!("/api/v1/alerts/{}/close", alert("site-1", 1).id);
    let forged = house.request(Method::POST, &path).header(header::ORIGIN, "http://evil.example");
    assert_eq!(answer(forged).await.0, StatusCode::FORBIDDEN);
    let opaque = house.request(Method::POST, &path).header(header::ORIGIN, "null");
    assert_eq!(answer(opaque).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.get(&path.replace("/close", "")).await.1["state"], "open");
}

#[test]
fn users_that_cannot_be_are_refused() {
    let check =
        |users: Vec<User>, message: &str| assert_eq!(Users::new(users).unwrap_err().to_string(), message);
    let li = || user("li", Role::View);
    check(vec![li(), li()], "there are two users `li`");
    check(vec![User { name: " ".to_owned(), ..li() }], "a user has no name");
    check(
        vec![User { token_hash: "open-sesame".to_owned(), ..li() }],
        "the token hash of user `li` cannot be read, expected $argon2id$…",
    );
}

/// Who may what: every operation that is not for everybody, and the least role it takes. A route that joins the document
/// has to join here.
const NEEDED: [(&str, &str, Role); 20] = [
    ("get", "/api/openapi.json", Role::View),
    ("get", "/api/v1/alerts", Role::View),
    ("get", "/api/v1/alerts/{id}", Role::View),
    ("get", "/api/v1/alerts/{id}/evidence", Role::View),
    ("post", "/api/v1/alerts/{id}/acknowledge", Role::Officer),
    ("post", "/api/v1/alerts/{id}/close", Role::Officer),
    ("post", "/api/v1/alerts/{id}/note", Role::Officer),
    ("post", "/api/v1/alerts/{id}/reopen", Role::Officer),
    ("post", "/api/v1/alerts/{id}/resolve", Role::Officer),
    ("get", "/api/v1/assets", Role::View),
    ("get", "/api/v1/deadletters", Role::View),
    ("get", "/api/v1/devices", Role::View),
    ("get", "/api/v1/permits", Role::View),
    ("get", "/api/v1/readings", Role::View),
    ("get", "/api/v1/rules", Role::View),
    ("get", "/api/v1/session", Role::View),
    ("get", "/api/v1/silences", Role::View),
    ("get", "/api/v1/stream", Role::View),
    ("get", "/api/v1/verdicts", Role::View),
    ("get", "/metrics", Role::View),
];
const FOR_EVERYBODY: [(&str, &str); 4] =
    [("get", "/"), ("get", "/healthz"), ("get", "/page/{name}"), ("get", "/readyz")];

async fn status(house: &House, method: &str, path: &str) -> StatusCode {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let path = path.replace("{id}", alert("site-1", 1).id.as_str()).replace("{name}", "app.js");
    let path = if path == "/api/v1/readings" { format!("{path}?device=dust-1&quantity=pm10") } else { path };
    house.request(method, &path).send().await.unwrap().status()
}

#[tokio::test]
async fn each_route_of_the_document_is_refused_below_its_role() {
    let nobody = House::open(vec![user("li", Role::View)]).await;
    let guess = House::open(vec![user("li", Role::Admin)]).await.with_token("a-guess");
    let mut people = Vec::new();
    for role in [Role::View, Role::Officer, Role::Admin] {
        people.push((role, House::open(vec![user("li", role)]).await.with_token(TOKEN)));
    }
    let (_, document) = people[0].1.get("/api/openapi.json").await;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            tried += 1;
            if FOR_EVERYBODY.contains(&(method, path)) {
                assert_eq!(operation.get("security"), None, "{method} {path}");
                assert_eq!(status(&nobody, method, path).await, StatusCode::OK, "{method} {path}");
                continue;
            }
            let line = NEEDED.iter().find(|line| (line.0, line.1) == (method, path));
            let (_, _, needed) = line.unwrap_or_else(|| panic!("who may {method} {path}?"));
            assert_eq!(
                operation["security"],
                serde_json::json!([{"token": [needed.as_str()]}]),
                "{method} {path}"
            );
            assert_eq!(status(&nobody, method, path).await, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(status(&guess, method, path).await, StatusCode::UNAUTHORIZED, "{method} {path}");
            for (role, house) in &people {
                let said = status(house, method, path).await;
                if role < needed {
                    assert_eq!(said, StatusCode::FORBIDDEN, "{method} {path} as {role:?}");
                } else {
                    // let in; what it then says is a matter of the alert's state and of the body
                    let is_in = said != StatusCode::UNAUTHORIZED && said != StatusCode::FORBIDDEN;
                    assert!(is_in && !said.is_server_error(), "{method} {path} as {role:?}: {said}");
                }
            }
        }
    }
    assert_eq!(tried, NEEDED.len() + FOR_EVERYBODY.len(), "every line of the table is a route");
}

#[tokio::test]
async fn other_methods_and_other_paths_are_refused_like_the_routes_beside_them() {
    let nobody = House::open(vec![user("li", Role::View)]).await;
    for (method, path) in [
        ("DELETE", "/api/v1/alerts"),
        ("PUT", "/metrics"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/nothing"),
        ("HEAD", "/api/v1/alerts"),
    ] {
        assert_eq!(status(&nobody, method, path).await, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}
