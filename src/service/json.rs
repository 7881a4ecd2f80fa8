//! The calls as canonical proto3 JSON over HTTP, for those who have no gRPC.
//!
//! Each path is one call: the body is read as its request, its service answers,
//! and its response, or its status, is written. So an answer is the same to the
//! last digit.

use super::{
    access::Access,
    classifier::{Classifier, Core},
    incoming::Peer,
    models::Models,
    observed::Call,
    openapi,
    pb::{self, classifier_service_server::ClassifierService as _, model_service_server::ModelService as _},
    status::Refusal,
};
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use prost::Message;
use prost_reflect::{
    DescriptorError, DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    SerializeOptions,
};
use prost_types::FileDescriptorSet;
use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};
use tonic::{Code, Status};

/// Bodies over this size are read on a thread that may compute.
const SMALL_BODY: usize = 64 << 10;

const CLASSIFY: &str = "/wiredesk.v1.ClassifierService/Classify";
const CLASSIFY_BATCH: &str = "/wiredesk.v1.ClassifierService/ClassifyBatch";
const LIST_MODELS: &str = "/wiredesk.v1.ModelService/ListModels";
const GET_MODEL: &str = "/wiredesk.v1.ModelService/GetModel";
const RELOAD_MODEL: &str = "/wiredesk.v1.ModelService/ReloadModel";
const ROLLBACK_MODEL: &str = "/wiredesk.v1.ModelService/RollbackModel";

/// Each path with its HTTP method and the gRPC call behind it.
pub(super) const PATHS: [(&str, &str, &str); 6] = [
    ("/v1/classify", "post", CLASSIFY),
    ("/v1/classify:batch", "post", CLASSIFY_BATCH),
    ("/v1/models", "get", LIST_MODELS),
    ("/v1/models/{model}", "get", GET_MODEL),
    ("/v1/models:reload", "post", RELOAD_MODEL),
    ("/v1/models:rollback", "post", ROLLBACK_MODEL),
];

/// The description of a gRPC call by its path.
pub(super) fn method(descriptors: &DescriptorPool, rpc: &str) -> Option<MethodDescriptor> {
    let (service, name) = rpc.strip_prefix('/')?.split_once('/')?;
    descriptors.get_service_by_name(service)?.methods().find(|method| method.name() == name)
}

/// What every path needs.
pub(super) struct Mirror {
    classifier: Classifier,
    models: Models,
    access: Arc<Access>,
    descriptors: DescriptorPool,
    /// What describes these paths.
    document: String,
    max_body: usize,
    longest_call: Duration,
}

type Shared = State<Arc<Mirror>>;

impl Mirror {
    pub(super) fn new(
        core: &Arc<Core>,
        access: Arc<Access>,
        (max_body, longest_call): (usize, Duration),
    ) -> Result<Self, DescriptorError> {
        let mut descriptors = DescriptorPool::decode(pb::DESCRIPTORS)?;
        // The details of errors. Ours has google.rpc.Status already, by another file name.
        let mut details = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap_or_default();
        details.file.retain(|file| !file.name().ends_with("status.proto"));
        descriptors.add_file_descriptor_set(details)?;
        let document = format!("{:#}\n", openapi::document(&descriptors));
        let models = Models(Arc::clone(&core.registry));
        Ok(Self {
            classifier: Classifier(Arc::clone(core)),
            models,
            access,
            descriptors,
            document,
            max_body,
            longest_call,
        })
    }

    /// Reads a body as what a call takes.
    fn read<T: Message + Default>(&self, rpc: &str, body: &[u8]) -> Result<T, Status> {
        let descriptor = method(&self.descriptors, rpc).ok_or(Refusal::Internal)?.input();
        let name = descriptor.full_name().to_owned();
        let mut json = serde_json::Deserializer::from_slice(body);
        let wrong = |e: serde_json::Error| Status::from(Refusal::field("body", format!("not the JSON of {name}: {e}")));
        let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &DeserializeOptions::new());
        let message = message.map_err(wrong)?;
        json.end().map_err(wrong)?;
        T::decode(&message.encode_to_vec()[..]).map_err(|_| Refusal::Internal.into())
    }

    /// What a call gave, and its code.
    fn answer(&self, rpc: &str, result: Result<impl Message, Status>) -> (Response, Code) {
        let output = || method(&self.descriptors, rpc).map(|method| method.output());
        match result.and_then(|message| write(output(), &message)) {
            Ok(json) => (([(header::CONTENT_TYPE, "application/json")], json).into_response(), Code::Ok),
            Err(status) => (self.refuse(&status), status.code()),
        }
    }

    /// A status as google.rpc.Status, with its details, under the HTTP status that goes with it.
    fn refuse(&self, status: &Status) -> Response {
        let details = tonic_types::Status::decode(status.details()).map(|s| s.details).unwrap_or_default();
        let rpc = tonic_types::Status { code: status.code().into(), message: status.message().to_owned(), details };
        let json = write(self.descriptors.get_message_by_name("google.rpc.Status"), &rpc);
        let json = json.unwrap_or_else(|_| b"{\"code\":13}".to_vec());
        let mut response =
            (http_status(status.code()), [(header::CONTENT_TYPE, "application/json")], json).into_response();
        let add = match status.code() {
            Code::Unauthenticated => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Code::ResourceExhausted | Code::Unavailable => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = add {
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        response
    }
}

/// The JSON of a message.
fn write(descriptor: Option<MessageDescriptor>, message: &impl Message) -> Result<Vec<u8>, Status> {
    let descriptor = descriptor.ok_or(Refusal::Internal)?;
    let message = DynamicMessage::decode(descriptor, &message.encode_to_vec()[..]).map_err(|_| Refusal::Internal)?;
    let mut json = serde_json::Serializer::new(Vec::new());
    message.serialize_with_options(&mut json, &SerializeOptions::new()).map_err(|_| Refusal::Internal)?;
    Ok(json.into_inner())
}

/// The paths.
pub(super) fn routes(mirror: Mirror) -> Router {
    Router::new()
        .route("/v1/classify", post(classify))
        .route("/v1/classify:batch", post(classify_batch))
        .route("/v1/models", get(list_models))
        .route("/v1/models/{name}", get(get_model))
        .route("/v1/models:reload", post(reload))
        .route("/v1/models:rollback", post(roll_back))
        .route("/openapi.json", get(describe))
        .fallback(async |State(mirror): Shared| {
            mirror.refuse(&Status::not_found("no such path; GET /openapi.json tells which there are"))
        })
        .method_not_allowed_fallback(async |State(mirror): Shared| {
            let mut response = mirror.refuse(&Status::unimplemented("not with this method; see GET /openapi.json"));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
        })
        .with_state(Arc::new(mirror))
}

/// Makes a gRPC call: reads the body as its request, writes its response. It is counted and logged as that call.
async fn call<I, O, F>(
    mirror: Arc<Mirror>,
    rpc: &'static str,
    request: Request,
    make: impl FnOnce(Arc<Mirror>, tonic::Request<I>) -> F,
) -> Response
where
    I: Message + Default + 'static,
    O: Message + 'static,
    F: Future<Output = Result<tonic::Response<O>, Status>>,
{
    let seen = Call::begin(&mirror.classifier.0.registry, rpc, request.headers());
    let work = made(Arc::clone(&mirror), rpc, request, make);
    let result = tokio::time::timeout(mirror.longest_call, work).await;
    let result = result.unwrap_or_else(|_elapsed| Err(Refusal::Expired.into()));
    let writer = Arc::clone(&mirror);
    let written = tokio::task::spawn_blocking(move || writer.answer(rpc, result)).await;
    let (mut response, code) =
        written.unwrap_or_else(|_panic| (mirror.refuse(&Refusal::Internal.into()), Code::Internal));
    seen.replied(code, response.headers_mut());
    response
}

async fn made<I, O, F>(
    mirror: Arc<Mirror>,
    rpc: &'static str,
    request: Request,
    make: impl FnOnce(Arc<Mirror>, tonic::Request<I>) -> F,
) -> Result<O, Status>
where
    I: Message + Default + 'static,
    F: Future<Output = Result<tonic::Response<O>, Status>>,
{
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    mirror.access.check(rpc, request.headers(), Some(&peer))?;
    let body = read_body(&mirror, request).await?;
    let message = if body.len() > SMALL_BODY {
        let reader = Arc::clone(&mirror);
        let reading = tokio::task::spawn_blocking(move || reader.read::<I>(rpc, &body)).await;
        reading.map_err(|_panic| Status::from(Refusal::Internal))??
    } else {
        mirror.read::<I>(rpc, &body)?
    };
    Ok(make(mirror, tonic::Request::new(message)).await?.into_inner())
}

/// The body, unpacked, within the limit. Empty is an empty message.
async fn read_body(mirror: &Mirror, request: Request) -> Result<Bytes, Status> {
    let most = mirror.max_body;
    let packing = request.headers().get(header::CONTENT_ENCODING).map(|v| v.as_bytes().to_owned());
    let body = to_bytes(request.into_body(), most).await.map_err(|_| too_big(most))?;
    let unpacked = match packing.as_deref() {
        None | Some(b"identity") => body,
        Some(b"gzip") => unpack(most, move || read(flate2::read::MultiGzDecoder::new(&body[..]), most)).await?,
        Some(b"zstd") => unpack(most, move || read(zstd::stream::read::Decoder::new(&body[..])?, most)).await?,
        Some(_) => return Err(Status::unimplemented("content-encoding must be gzip or zstd")),
    };
    Ok(if unpacked.is_empty() { Bytes::from_static(b"{}") } else { unpacked })
}

/// At most `most` bytes and one more.
fn read(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Unpacks on a thread that may compute, up to the limit.
async fn unpack(most: usize, read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Result<Bytes, Status> {
    let read = tokio::task::spawn_blocking(read).await.map_err(|_panic| Status::from(Refusal::Internal))?;
    let bytes = read.map_err(|e| Refusal::field("body", format!("not packed as content-encoding says: {e}")))?;
    if bytes.len() > most { Err(too_big(most)) } else { Ok(bytes.into()) }
}

fn too_big(most: usize) -> Status {
    Status::out_of_range(format!("the body has more than {most} bytes (--max-message-bytes)"))
}

async fn describe(State(mirror): Shared) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], mirror.document.clone()).into_response()
}

async fn classify(State(mirror): Shared, request: Request) -> Response {
    call(mirror, CLASSIFY, request, |mirror, request| async move { mirror.classifier.classify(request).await }).await
}

async fn classify_batch(State(mirror): Shared, request: Request) -> Response {
    let make = |mirror: Arc<Mirror>, request| async move { mirror.classifier.classify_batch(request).await };
    call(mirror, CLASSIFY_BATCH, request, make).await
}

async fn list_models(State(mirror): Shared, request: Request) -> Response {
    call(mirror, LIST_MODELS, request, |mirror, request| async move { mirror.models.list_models(request).await }).await
}

async fn get_model(State(mirror): Shared, Path(model): Path<String>, request: Request) -> Response {
    let make = |mirror: Arc<Mirror>, _: tonic::Request<pb::GetModelRequest>| async move {
        mirror.models.get_model(tonic::Request::new(pb::GetModelRequest { model })).await
    };
    call(mirror, GET_MODEL, request, make).await
}

async fn reload(State(mirror): Shared, request: Request) -> Response {
    call(mirror, RELOAD_MODEL, request, |mirror, request| async move { mirror.models.reload_model(request).await })
        .await
}

async fn roll_back(State(mirror): Shared, request: Request) -> Response {
    let make = |mirror: Arc<Mirror>, request| async move { mirror.models.rollback_model(request).await };
    call(mirror, ROLLBACK_MODEL, request, make).await
}

/// As google.rpc.Code says, but for a body that is too big.
const fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::OutOfRange => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few kilobytes may become gigabytes: no more is unpacked than is needed to refuse it.
    #[test]
    fn unpacking_stops_at_the_limit() {
        let mut bomb = io::repeat(b' ').take(1 << 24);
        assert_eq!(read(&mut bomb, 10).unwrap().len(), 11);
        assert_eq!(bomb.limit(), (1 << 24) - 11, "read no further");
    }
}
