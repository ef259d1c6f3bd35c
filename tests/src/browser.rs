//! A real browser: headless Chromium, driven through chromedriver by the W3C `WebDriver` protocol.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Said, http};

const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the page may take until something is as it should be.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// A browser window; both end when it is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Starts chromedriver on a free port, and a browser.
    pub async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // a group of its own, so that at the end nothing of the browser is left
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed: ./test installs it");
        let said = Said::follow(driver.stdout.take().expect("stdout is piped"));
        let port: u16 = said.wait_for("its port", START_TIMEOUT, |line| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session") };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=zh-CN"
            ]},
        }}});
        let started = browser.command(Method::POST, "", capabilities).await;
        browser.session += "/";
        browser.session += started["sessionId"].as_str().expect("a session");
        browser
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        let mut request = http().request(method.clone(), format!("{}{path}", self.session));
        if method == Method::POST {
            request = request.json(&body);
        }
        let answer: Value =
            request.send().await.expect("chromedriver answers").json().await.expect("it is JSON");
        let wrong = &answer["value"]["error"];
        assert!(wrong.is_null(), "{method} {path} {body}: {}", answer["value"]);
        answer["value"].clone()
    }

    async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        self.command(Method::POST, "/goog/cdp/execute", body).await
    }

    /// Makes the page this large, whatever the window.
    pub async fn size(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) {
        self.command(Method::POST, "/url", json!({ "url": address })).await;
    }

    /// What this body of a function gives; `arguments` holds what is handed to it.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.command(Method::POST, "/execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// Waits until an expression holds in the page.
    pub async fn wait_until(&self, expression: &str) {
        let mut spent = Duration::ZERO;
        while self.run(&format!("return Boolean({expression})"), json!([])).await != json!(true) {
            if spent >= PATIENCE {
                let text = self.run("return document.body.innerText", json!([])).await;
                panic!("not within {PATIENCE:?}: {expression}\nthe page says: {text}");
            }
            tokio::time::sleep(POLL).await;
            spent += POLL;
        }
    }

    /// Waits until an element is shown, and gives its text.
    pub async fn text(&self, selector: &str) -> String {
        self.wait_until(&format!("document.querySelector({selector:?})?.checkVisibility()")).await;
        let text = self.run("return document.querySelector(arguments[0]).innerText", json!([selector])).await;
        text.as_str().expect("a text").to_owned()
    }

    async fn element(&self, selector: &str) -> String {
        self.wait_until(&format!("document.querySelector({selector:?})?.checkVisibility()")).await;
        let found =
            self.command(Method::POST, "/element", json!({"using": "css selector", "value": selector})).await;
        let id = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        format!("/element/{}", id.expect("an element"))
    }

    /// Clicks an element as a person does.
    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.command(Method::POST, &format!("{element}/click"), json!({})).await;
    }

    /// Types into an element as a person does.
    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.command(Method::POST, &format!("{element}/value"), json!({ "text": text })).await;
    }

    /// What the console has of errors and of violations of the page's policy since it was last asked.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command(Method::POST, "/se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let is_bad = |entry: &Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        entries.iter().filter(|entry| is_bad(entry)).map(Value::to_string).collect()
    }

    /// Writes what is seen into the folder of the tests' pictures, and gives the file.
    pub async fn picture(&self, name: &str) -> PathBuf {
        use data_encoding::BASE64;
        let dir = pictures();
        std::fs::create_dir_all(&dir).expect("the folder can be made");
        let shot = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        let image = BASE64.decode(shot["data"].as_str().expect("a picture").as_bytes()).expect("base64");
        let file = dir.join(format!("{name}.png"));
        std::fs::write(&file, image).expect("the folder can be written");
        file
    }
}

/// `target/page`.
fn pictures() -> PathBuf {
    let here = std::env::current_exe().expect("a test knows where it is");
    here.ancestors().nth(3).expect("target/<profile>/deps").join("page")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // chromedriver ends its browsers when it is told to end; what helps them may outlive it
        let kill = |signal: &str, whom: &str| {
            Command::new("kill").args([signal, "--", whom]).stderr(Stdio::null()).status()
        };
        let driver = self.driver.id().to_string();
        if !kill("-TERM", &driver).is_ok_and(|told| told.success()) {
            self.driver.kill().ok();
        }
        self.driver.wait().ok();
        // there may be nobody left to kill, which is said and is fine
        drop(kill("-KILL", &format!("-{driver}")));
    }
}
