//! `ModelService`: which models are here and what stands behind them.

use super::{
    Registry, convert,
    pb::{self, model_service_server::ModelService},
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service over the registry.
pub(super) struct Models(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(
        &self,
        _request: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let models = self.0.models().iter().map(|m| convert::identity(m.identity())).collect();
        Ok(Response::new(pb::ListModelsResponse { models }))
    }

    async fn get_model(&self, request: Request<pb::GetModelRequest>) -> Result<Response<pb::GetModelResponse>, Status> {
        let model = self.0.resolve(&request.get_ref().model)?;
        let card = convert::card(model.identity(), model.card());
        Ok(Response::new(pb::GetModelResponse { card: Some(card) }))
    }
}
