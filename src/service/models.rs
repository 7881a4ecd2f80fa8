//! `ModelService`: which models are here, what stands behind them, and how others take their place.

use super::{
    Registry, ReloadError, convert,
    pb::{self, model_service_server::ModelService},
    shadow::Comparison,
    status::Refusal,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service over the registry.
pub(super) struct Models(pub(super) Arc<Registry>);

impl Models {
    /// Loads on a thread that may block.
    async fn load<T: Send + 'static>(
        &self,
        load: impl FnOnce(&Registry) -> Result<T, ReloadError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let registry = Arc::clone(&self.0);
        let loaded = tokio::task::spawn_blocking(move || load(&registry)).await;
        loaded.map_err(|_panic| Refusal::Internal)?.map_err(|e| Refusal::NotPossible(e.to_string()))
    }
}

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(
        &self,
        _request: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let held = self.0.models();
        let models = held.iter().map(|m| convert::identity(m.identity())).collect();
        let labels = held.iter().flat_map(|m| m.labels.iter().map(move |label| (m.identity(), label)));
        let label = |(identity, label): (&crate::model::Identity, &crate::model::Label)| pb::ModelLabel {
            name: identity.name.clone(),
            label: label.name().to_owned(),
            version: identity.version.clone(),
        };
        let shadow = self.0.shadow.comparisons().into_iter().map(comparison).collect();
        Ok(Response::new(pb::ListModelsResponse { models, labels: labels.map(label).collect(), shadow }))
    }

    async fn get_model(&self, request: Request<pb::GetModelRequest>) -> Result<Response<pb::GetModelResponse>, Status> {
        let model = self.0.resolve(&request.get_ref().model)?;
        let card = convert::card(model.identity(), model.card());
        Ok(Response::new(pb::GetModelResponse { card: Some(card) }))
    }

    async fn reload_model(
        &self,
        _request: Request<pb::ReloadModelRequest>,
    ) -> Result<Response<pb::ReloadModelResponse>, Status> {
        let models = self.load(Registry::reload).await?;
        Ok(Response::new(pb::ReloadModelResponse { models: models.iter().map(convert::identity).collect() }))
    }

    async fn rollback_model(
        &self,
        request: Request<pb::RollbackModelRequest>,
    ) -> Result<Response<pb::RollbackModelResponse>, Status> {
        let pb::RollbackModelRequest { name, reason } = request.into_inner();
        let reason = Some(reason).filter(|r| !r.is_empty());
        let model = self.load(move |registry| registry.roll_back(&name, reason.as_deref())).await?;
        Ok(Response::new(pb::RollbackModelResponse { model: Some(convert::identity(&model)) }))
    }
}

fn comparison(counts: Comparison) -> pb::ShadowComparison {
    pb::ShadowComparison {
        stable: Some(convert::identity(&counts.stable)),
        candidate: Some(convert::identity(&counts.candidate)),
        compared: counts.compared,
        left_out: counts.left_out,
        topic_differs: counts.topic_differs,
        desk_differs: counts.desk_differs,
        stance_differs: counts.stance_differs,
    }
}
