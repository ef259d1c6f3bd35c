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
