//! Fixtures: a server in this process, the server's binary, requests, and
//! answers cut down to what must be equal wherever they come from.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::transport::{Channel, Endpoint};
use wiredesk::{
    model::Classifier,
    service::{
        Config, Listeners, Registry, ServeError,
        pb::{self, classifier_service_client::ClassifierServiceClient, model_service_client::ModelServiceClient},
    },
};

/// An article written for these tests.
pub const ARTICLE: &str = include_str!("../data/article.txt");
pub const TARGET: &str = "Syrian government";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn config() -> Config {
    Config { threads: 2, max_batch: 1_000, ..Config::default() }
}

/// A server in this process.
pub struct Server {
    pub address: SocketAddr,
    pub registry: Arc<Registry>,
    stop: Option<oneshot::Sender<()>>,
    done: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Server {
    /// One with the model of the binary.
    pub async fn start(config: Config) -> Self {
        let server = Self::start_empty(config).await;
        server.registry.install(Classifier::embedded().unwrap());
        server
    }

    /// One without a model.
    pub async fn start_empty(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(address, listener.into(), config)
    }

    /// One with the model of the binary that also answers JSON; and where.
    pub async fn start_with_http(config: Config) -> (Self, SocketAddr) {
        let listener = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (grpc, http) = (listener().await, listener().await);
        let (address, json) = (grpc.local_addr().unwrap(), http.local_addr().unwrap());
        let server = Self::on(address, Listeners { grpc: grpc.into(), http: Some(http.into()) }, config);
        server.registry.install(Classifier::embedded().unwrap());
        (server, json)
    }

    fn on(address: SocketAddr, listeners: Listeners, config: Config) -> Self {
        let registry = Arc::new(Registry::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _dropped = stopped.await;
        };
        let done = tokio::spawn(wiredesk::service::run(listeners, Arc::clone(&registry), config, shutdown));
        Self { address, registry, stop: Some(stop), done: Some(done) }
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// One call on a connection of its own.
    pub async fn client_try(&self) -> Result<(), tonic::Status> {
        let channel = Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await;
        let channel = channel.map_err(|e| tonic::Status::unavailable(e.to_string()))?;
        ClassifierServiceClient::new(channel).classify(request("")).await.map(drop)
    }

    pub async fn client(&self) -> ClassifierServiceClient<Channel> {
        ClassifierServiceClient::new(self.channel().await)
            .max_encoding_message_size(64 << 20)
            .max_decoding_message_size(64 << 20)
    }

    /// Begins to shut down.
    pub fn stop(&mut self) {
        self.stop.take();
    }

    /// Waits until it is down.
    pub async fn down(&mut self) -> Result<(), ServeError> {
        self.done.take().unwrap().await.unwrap()
    }
}

/// The real binary with no setting from outside.
pub fn wiredesk() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wiredesk"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WIREDESK_") {
            command.env_remove(name);
        }
    }
    command
}

/// `wiredesk serve` as a process of its own; killed when dropped.
pub struct Process {
    pub address: String,
    /// Where it was told to answer HTTP, if it was.
    pub admin: Option<String>,
    pub child: Child,
}

impl Process {
    pub fn start(args: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", args)
    }

    pub fn start_on(place: &str, args: &[&str]) -> Self {
        let mut child =
            wiredesk().args(["serve", "--listen", place]).args(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut line = || log.next().expect("the server ended").unwrap();
        let address = loop {
            if let Some((_, address)) = line().split_once("listening address=") {
                break address.to_owned();
            }
        };
        let mut admin = None;
        loop {
            let line = line();
            if let Some((_, address)) = line.split_once("listening admin=") {
                admin = Some(address.to_owned());
            } else if line.contains("serving name=") {
                break;
            }
        }
        // Read on, so that the server never waits for us.
        std::thread::spawn(move || log.for_each(drop));
        Self { address, admin, child }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

pub fn article(text: &str) -> pb::Article {
    pb::Article { id: "a-1".into(), text: text.into(), ..Default::default() }
}

pub fn target(name: &str) -> pb::Target {
    pb::Target { name: name.into(), ..Default::default() }
}

/// The article of the tests, with its target.
pub fn request(request_id: &str) -> pb::ClassifyRequest {
    pb::ClassifyRequest {
        article: Some(article(ARTICLE)),
        targets: vec![target(TARGET)],
        options: None,
        request_id: request_id.into(),
    }
}

/// What must be the same wherever an answer comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub topics: Vec<(String, f64)>,
    pub desk: String,
    pub countries: Vec<(String, f64)>,
    pub stances: Vec<(String, String, f64)>,
    pub language: String,
    pub digest: String,
}

impl From<pb::ClassifyResponse> for Summary {
    fn from(r: pb::ClassifyResponse) -> Self {
        let (topic, region) = (r.topic.unwrap_or_default(), r.region.unwrap_or_default());
        let stance = |s: pb::StanceResult| (s.target.clone(), word(s.label().as_str_name()), s.probability);
        Self {
            topics: topic.labels.into_iter().map(|l| (l.id.into_owned(), l.probability)).collect(),
            desk: region.primary_desk,
            countries: region.countries.into_iter().map(|c| (c.code, c.probability)).collect(),
            stances: r.stances.into_iter().map(stance).collect(),
            language: r.language.unwrap_or_default().code,
            digest: r.model.unwrap_or_default().digest,
        }
    }
}

impl From<&Value> for Summary {
    /// From the command line's JSON or from the proto's.
    fn from(v: &Value) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let number = |v: &Value| v["probability"].as_f64().unwrap_or_default();
        let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
        Self {
            topics: list(&v["topic"]["labels"]).iter().map(|l| (text(&l["id"]), number(l))).collect(),
            desk: text(&v["region"]["primaryDesk"]),
            countries: list(&v["region"]["countries"]).iter().map(|c| (text(&c["code"]), number(c))).collect(),
            stances: list(&v["stances"])
                .iter()
                .map(|s| (text(&s["target"]), word(s["label"].as_str().unwrap_or_default()), number(s)))
                .collect(),
            language: text(&v["language"]["code"]),
            digest: text(&v["model"]["digest"]),
        }
    }
}

/// `STANCE_LABEL_CRITICAL` and `critical` are one.
fn word(name: &str) -> String {
    name.strip_prefix("STANCE_LABEL_").unwrap_or(name).to_lowercase()
}

/// Waits for what must come within 20 seconds.
pub fn wait_for(mut done: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// The version of the default model of a server in another process.
pub fn version(address: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = ModelServiceClient::connect(format!("http://{address}")).await.unwrap();
        let listed = client.list_models(pb::ListModelsRequest {}).await.unwrap().into_inner();
        listed.models[0].version.clone()
    })
}

/// A program that the test script installs; `None` where it could not.
///
/// Its tests are then skipped, and say so even when output is captured. With
/// `WIREDESK_REQUIRE_CLIENTS` set they fail instead.
pub fn tool(name: &str) -> Option<PathBuf> {
    use std::io::Write as _;
    let dir = std::env::var_os("WIREDESK_TOOLS").map_or_else(|| root().join(".venv/bin"), PathBuf::from);
    let path = dir.join(name);
    if path.exists() {
        return Some(path);
    }
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let message = format!("SKIPPED {test}: {name} is not in {} (tests/run installs it)", dir.display());
    assert!(std::env::var_os("WIREDESK_REQUIRE_CLIENTS").is_none(), "{message}");
    let _closed = writeln!(std::io::stderr(), "\n{message}");
    None
}
