//! A real database for the tests: the one that `CITYWARDEN_TEST_DATABASE` names, or one of the script's.

#![expect(clippy::print_stdout, reason = "a test says which database it used")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_postgres::NoTls;

use crate::left_out::left_out;

/// A server; the script's is removed when dropped.
#[derive(Debug)]
pub struct Server {
    url: String,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    name: String,
    port: u16,
}

/// A new database on a server.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
}

static DATABASES: AtomicU64 = AtomicU64::new(0);

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("timescale.sh")
}

fn call(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(script()).args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// A server of the script's own, which can be stopped.
pub fn own_server(name: &str) -> Option<Server> {
    let name = format!("{name}-{}", std::process::id());
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    match call(&["start", &name, &port.to_string(), &std::process::id().to_string()]) {
        Ok(url) => {
            println!("database: {url}, started by tests/timescale.sh");
            Some(Server { url, own: Some(Own { name, port }) })
        }
        Err(error) => {
            left_out(&format!("no database: {error}"));
            None
        }
    }
}

/// A server; `None` is said, and fails in `./test`.
pub fn server(name: &str) -> Option<Server> {
    match std::env::var("CITYWARDEN_TEST_DATABASE") {
        Ok(url) => {
            println!("database: {url}, from CITYWARDEN_TEST_DATABASE");
            Some(Server { url, own: None })
        }
        Err(_) => own_server(name),
    }
}

impl Server {
    /// An empty database.
    pub fn database(&self) -> Database {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("citywarden_test_{}_{number}", std::process::id());
        execute(&self.url, &format!("DROP DATABASE IF EXISTS {name}"));
        execute(&self.url, &format!("CREATE DATABASE {name}"));
        let (base, _) = self.url.rsplit_once('/').expect("a URL with a database");
        Database { url: format!("{base}/{name}") }
    }
    /// Stops it as a crash would.
    pub fn halt(&self) {
        let own = self.own.as_ref().expect("only the script's own can be stopped");
        call(&["halt", &own.name]).expect("it stops");
    }
    /// Starts it again, with what it had.
    pub fn resume(&self) {
        let own = self.own.as_ref().expect("only the script's own can be stopped");
        call(&["resume", &own.name, &own.port.to_string()]).expect("it starts again");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            drop(call(&["remove", &own.name]));
        }
    }
}

impl Database {
    /// The first column of each row, as text.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        with_client(&self.url, async |client| {
            let rows = client.query(sql, &[]).await.expect("a good query");
            rows.iter().map(|row| row.get::<_, String>(0)).collect()
        })
    }
    /// Carries out statements.
    pub fn execute(&self, sql: &str) {
        execute(&self.url, sql);
    }
}

fn execute(url: &str, sql: &str) {
    with_client(url, async |client| client.batch_execute(sql).await.expect("a good statement"));
}

fn with_client<T>(url: &str, call: impl AsyncFnOnce(&tokio_postgres::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        call(&client).await
    })
}
