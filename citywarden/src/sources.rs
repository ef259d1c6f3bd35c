//! The sources of the running service: each its task and its counters.

use std::sync::Arc;
use std::time::Duration;

use citywarden_ingest::broker::{Broker, BrokerConfig, BrokerCounters};
use citywarden_ingest::endpoint::{Counters, Endpoint, EndpointConfig, SessionStore};
use citywarden_journal::{Disk, Inbox};
use citywarden_model::Clock;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::config::{Config, SourceConfig};
use crate::deadline::Deadline;
use crate::sessions::{SessionFile, store_of};

/// How long all sources together may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// All sources.
#[derive(Default)]
pub(crate) struct Sources {
    /// Those that devices connect to.
    pub(crate) endpoints: Vec<Listening>,
    /// Those that connect to a broker.
    pub(crate) brokers: Vec<Attached>,
    tasks: Vec<(String, JoinHandle<()>)>,
}

/// An endpoint that listens.
pub(crate) struct Listening {
    pub(crate) name: String,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) counters: Arc<Counters>,
}

/// A client of a broker.
pub(crate) struct Attached {
    pub(crate) name: String,
    pub(crate) counters: Arc<BrokerCounters>,
}

impl Sources {
    /// Starts every configured source; a broker need not be there yet.
    pub(crate) async fn start(
        config: &Config,
        inbox: &Inbox,
        disk: &Arc<dyn Disk>,
        clock: &Arc<dyn Clock>,
        shutdown: &watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let mut sources = Self::default();
        for source in &config.sources {
            match source {
                SourceConfig::Endpoint(endpoint) => {
                    let sessions = store_of(&endpoint.source, &config.data_dir, disk, clock);
                    sources.listen(endpoint.clone(), inbox, sessions, shutdown).await?;
                }
                SourceConfig::Broker(broker) => sources.attach(broker.clone(), config, inbox, shutdown),
            }
        }
        Ok(sources)
    }

    async fn listen(
        &mut self,
        config: EndpointConfig,
        inbox: &Inbox,
        sessions: SessionStore,
        shutdown: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let counters = Arc::new(Counters::default());
        let name = config.source.to_string();
        let endpoint = Endpoint::bind(config, inbox.clone(), Arc::clone(&counters), sessions).await?;
        let address = endpoint.local_addr();
        tracing::info!("{name} listening on {address}");
        self.run(&name, endpoint.run(told(shutdown)));
        self.endpoints.push(Listening { name, address, counters });
        Ok(())
    }

    fn attach(
        &mut self,
        config: BrokerConfig,
        whole: &Config,
        inbox: &Inbox,
        shutdown: &watch::Receiver<bool>,
    ) {
        let counters = Arc::new(BrokerCounters::default());
        let memory = Arc::new(SessionFile::of(&config, &whole.data_dir));
        let name = config.source.to_string();
        tracing::info!("{name} attaching to {}:{} as {}", config.host, config.port, config.client_id);
        let broker = Broker::new(config, inbox.clone(), Arc::clone(&counters), memory);
        self.run(&name, broker.run(told(shutdown)));
        self.brokers.push(Attached { name, counters });
    }

    fn run<E: std::fmt::Display>(
        &mut self,
        name: &str,
        source: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let ended = name.to_owned();
        let task = tokio::spawn(async move {
            if let Err(error) = source.await {
                tracing::error!("{ended} has stopped: {error}");
            }
        });
        self.tasks.push((name.to_owned(), task));
    }

    /// Waits for them: they have been told to stop.
    pub(crate) async fn stop(self, deadline: Deadline) {
        let mut stopping = JoinSet::new();
        for (name, task) in self.tasks {
            stopping.spawn(async move { deadline.wait(&name, STOP_TIMEOUT, task).await });
        }
        stopping.join_all().await;
    }
}

fn told(shutdown: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut shutdown = shutdown.clone();
    async move { drop(shutdown.wait_for(|stop| *stop).await) }
}
