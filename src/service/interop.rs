//! The Open Inference Protocol v2, for clients of KServe and Triton: texts in
//! as BYTES, answers out as tensors with one element an article.

use super::{
    Registry, batch,
    classifier::Core,
    layers::deadline_of,
    pb::{self, classify_batch_result::Result as Item},
    status::Refusal,
};
use inference::{
    InferTensorContents, ModelInferRequest, ModelInferResponse, ModelMetadataRequest, ModelMetadataResponse,
    ModelReadyRequest, ModelReadyResponse, ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest,
    ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
    grpc_inference_service_server::GrpcInferenceService, model_infer_request::InferInputTensor,
    model_infer_response::InferOutputTensor, model_metadata_response::TensorMetadata,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The generated messages and server of `proto/inference`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub(super) mod inference {
    tonic::include_proto!("inference");
}

const INPUTS: [&str; 4] = ["text", "title", "language", "target"];
/// Name, and whether it is a number.
const OUTPUTS: [(&str, bool); 8] = [
    ("topic", false),
    ("topic_name", false),
    ("topic_probability", true),
    ("desk", false),
    ("countries", false),
    ("stance", false),
    ("stance_probability", true),
    ("language", false),
];

/// The service over the core.
pub(super) struct Inference(pub(super) Arc<Core>);

/// The name by which a registry knows a model and its version.
fn selector(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
}

fn tensor(name: &str, number: bool) -> TensorMetadata {
    let datatype = if number { "FP64" } else { "BYTES" };
    TensorMetadata { name: name.to_owned(), datatype: datatype.to_owned(), shape: vec![-1] }
}

#[tonic::async_trait]
impl GrpcInferenceService for Inference {
    async fn server_live(&self, _: Request<ServerLiveRequest>) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(&self, _: Request<ServerReadyRequest>) -> Result<Response<ServerReadyResponse>, Status> {
        let ready = !self.0.draining.is_cancelled() && self.0.registry.resolve("").is_ok();
        Ok(Response::new(ServerReadyResponse { ready }))
    }

    async fn model_ready(&self, request: Request<ModelReadyRequest>) -> Result<Response<ModelReadyResponse>, Status> {
        let ModelReadyRequest { name, version } = request.into_inner();
        let ready = self.0.registry.resolve(&selector(&name, &version)).is_ok();
        Ok(Response::new(ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        let (name, version) = (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Ok(Response::new(ServerMetadataResponse { name, version, extensions: Vec::new() }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let ModelMetadataRequest { name, version } = request.into_inner();
        let registry: &Registry = &self.0.registry;
        let identity = registry.resolve(&selector(&name, &version))?.identity().clone();
        let held = registry.models();
        let versions = held.iter().map(|m| m.identity()).filter(|i| i.name == identity.name).map(|i| i.version.clone());
        Ok(Response::new(ModelMetadataResponse {
            versions: versions.collect(),
            name: identity.name,
            platform: "wiredesk".to_owned(),
            inputs: INPUTS.map(|name| tensor(name, false)).to_vec(),
            outputs: OUTPUTS.map(|(name, number)| tensor(name, number)).to_vec(),
        }))
    }

    async fn model_infer(&self, request: Request<ModelInferRequest>) -> Result<Response<ModelInferResponse>, Status> {
        let deadline = deadline_of(request.extensions());
        let mut request = request.into_inner();
        let model = self.0.registry.resolve(&selector(&request.model_name, &request.model_version))?;
        let wanted = wanted(&request)?;
        let raw = !request.raw_input_contents.is_empty();
        let requests = articles(&mut request)?;
        let answers = batch::classify(&self.0, pb::ClassifyBatchRequest { requests }, deadline).await?;
        let mut responses = Vec::with_capacity(answers.results.len());
        for (i, answer) in answers.results.into_iter().enumerate() {
            match answer.result {
                Some(Item::Response(response)) => responses.push(response),
                // The protocol has no place for the error of one element.
                Some(Item::Error(error)) => {
                    return Err(Status::new(error.code.into(), format!("element {i}: {}", error.message)));
                }
                None => return Err(Refusal::Internal.into()),
            }
        }
        let identity = model.identity();
        let mut reply = ModelInferResponse {
            model_name: identity.name.clone(),
            model_version: identity.version.clone(),
            id: request.id,
            ..Default::default()
        };
        for (name, number) in wanted {
            let contents = contents(name, &responses);
            let datatype = if number { "FP64" } else { "BYTES" };
            let mut output = InferOutputTensor {
                name: name.to_owned(),
                datatype: datatype.to_owned(),
                shape: vec![i64::try_from(responses.len()).unwrap_or(i64::MAX)],
                ..Default::default()
            };
            if raw {
                reply.raw_output_contents.push(pack(&contents));
            } else {
                output.contents = Some(contents);
            }
            reply.outputs.push(output);
        }
        Ok(Response::new(reply))
    }
}

/// The outputs that are asked for.
fn wanted(request: &ModelInferRequest) -> Result<Vec<(&'static str, bool)>, Refusal> {
    if request.outputs.is_empty() {
        return Ok(OUTPUTS.to_vec());
    }
    let find = |(i, output): (usize, &inference::model_infer_request::InferRequestedOutputTensor)| {
        let known = OUTPUTS.into_iter().find(|(name, _)| *name == output.name);
        let names = OUTPUTS.map(|(name, _)| name).join(", ");
        known.ok_or_else(|| Refusal::field(format!("outputs[{i}].name"), format!("no such output; there are: {names}")))
    };
    request.outputs.iter().enumerate().map(find).collect()
}

/// The inputs as requests of our own.
fn articles(request: &mut ModelInferRequest) -> Result<Vec<pb::ClassifyRequest>, Refusal> {
    let raws = &request.raw_input_contents;
    if !raws.is_empty() && raws.len() != request.inputs.len() {
        let problem = format!("{} for {} inputs: give one for each, or none", raws.len(), request.inputs.len());
        return Err(Refusal::field("raw_input_contents", problem));
    }
    let model = selector(&request.model_name, &request.model_version);
    let mut requests: Option<Vec<pb::ClassifyRequest>> = None;
    for (i, input) in request.inputs.iter().enumerate() {
        let texts = texts(input, raws.get(i)).map_err(|problem| Refusal::field(format!("inputs[{i}]"), problem))?;
        let requests = requests.get_or_insert_with(|| {
            let options = pb::ClassifyOptions { model: model.clone(), ..Default::default() };
            let article = Some(pb::Article::default());
            vec![pb::ClassifyRequest { article, options: Some(options), ..Default::default() }; texts.len()]
        });
        if requests.len() != texts.len() {
            let problem = format!("{} elements, where the first input has {}", texts.len(), requests.len());
            return Err(Refusal::field(format!("inputs[{i}]"), problem));
        }
        for (request, text) in requests.iter_mut().zip(texts) {
            let Some(article) = &mut request.article else { continue };
            match input.name.as_str() {
                "text" => article.text = text,
                "title" => article.title = text,
                "language" => article.language = text,
                "target" if text.is_empty() => {}
                "target" => request.targets.push(pb::Target { name: text, ..Default::default() }),
                _ => {
                    let problem = format!("no such input; there are: {}", INPUTS.join(", "));
                    return Err(Refusal::field(format!("inputs[{i}].name"), problem));
                }
            }
        }
    }
    requests.ok_or_else(|| Refusal::field("inputs", "empty: give at least text, as BYTES"))
}

/// The elements of a tensor of texts.
fn texts(input: &InferInputTensor, raw: Option<&Vec<u8>>) -> Result<Vec<String>, String> {
    if input.datatype != "BYTES" {
        return Err(format!("{}: the datatype must be BYTES", input.name));
    }
    let elements: Vec<&[u8]> = match raw {
        Some(raw) => unpack(raw).ok_or("raw contents must be elements with their length before each, four bytes")?,
        None => input.contents.iter().flat_map(|c| &c.bytes_contents).map(Vec::as_slice).collect(),
    };
    let shape = input.shape.iter().try_fold(1_i64, |all, &n| all.checked_mul(n));
    if shape.and_then(|n| usize::try_from(n).ok()) != Some(elements.len()) {
        return Err(format!("{}: {} elements do not fit the shape {:?}", input.name, elements.len(), input.shape));
    }
    let text = |(i, bytes): (usize, &[u8])| {
        String::from_utf8(bytes.to_vec()).map_err(|_| format!("{}: element {i} is not UTF-8", input.name))
    };
    elements.into_iter().enumerate().map(text).collect()
}

/// Elements, each after its length.
fn unpack(mut raw: &[u8]) -> Option<Vec<&[u8]>> {
    let mut elements = Vec::new();
    while let Some((length, rest)) = raw.split_first_chunk::<4>() {
        let (element, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        elements.push(element);
        raw = rest;
    }
    raw.is_empty().then_some(elements)
}

fn pack(contents: &InferTensorContents) -> Vec<u8> {
    let mut raw: Vec<u8> = contents.fp64_contents.iter().flat_map(|x| x.to_le_bytes()).collect();
    for element in &contents.bytes_contents {
        raw.extend(u32::try_from(element.len()).unwrap_or(u32::MAX).to_le_bytes());
        raw.extend(element);
    }
    raw
}

/// One output of all answers. What a model does not answer is empty, or NaN.
fn contents(name: &str, responses: &[pb::ClassifyResponse]) -> InferTensorContents {
    let mut contents = InferTensorContents::default();
    for response in responses {
        let topic = response.topic.as_ref().and_then(|t| t.labels.first());
        let (region, stance) = (response.region.as_ref(), response.stances.first());
        let text = match name {
            "topic" => topic.map(|t| t.id.to_string()),
            "topic_name" => topic.map(|t| t.name.to_string()),
            "desk" => region.map(|r| r.primary_desk.clone()),
            "countries" => region.map(|r| {
                let about = r.countries.iter().filter(|c| c.probability >= 0.5).map(|c| c.code.as_str());
                about.collect::<Vec<_>>().join(",")
            }),
            "stance" => stance.map(|s| s.label().as_str_name().to_owned()),
            "language" => response.language.as_ref().map(|l| l.code.clone()),
            _ => {
                let number = if name == "topic_probability" {
                    topic.map(|t| t.probability)
                } else {
                    stance.map(|s| s.probability)
                };
                contents.fp64_contents.push(number.unwrap_or(f64::NAN));
                continue;
            }
        };
        contents.bytes_contents.push(text.unwrap_or_default().into_bytes());
    }
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_elements_come_back_and_damage_is_seen() {
        let elements = [b"".to_vec(), b"abc".to_vec()];
        let contents = InferTensorContents { bytes_contents: elements.to_vec(), ..Default::default() };
        let raw = pack(&contents);
        assert_eq!(unpack(&raw).unwrap(), elements);
        assert_eq!(unpack(&[]).unwrap(), Vec::<&[u8]>::new());
        for cut in [1, 3, 5, raw.len() - 1] {
            assert!(unpack(&raw[..cut]).is_none(), "{cut}");
        }
        assert!(unpack(&[255, 255, 255, 255, 1]).is_none());
    }
}
