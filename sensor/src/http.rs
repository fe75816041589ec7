//! The published snapshot over HTTP, read only. Binds to a loopback address unless configured otherwise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tracing::error;

use crate::export::metrics;
use crate::live::snapshot::Snapshot;

/// A snapshot older than this means that the hub hangs.
const STALE_AFTER: Duration = Duration::from_secs(30);

type Published = State<Arc<ArcSwap<Snapshot>>>;

pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let advice = || format!("cannot listen on `{address}`; change `http.listen`, or set it to \"\" for no HTTP");
    TcpListener::bind(address).await.with_context(advice)
}

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, published: Arc<ArcSwap<Snapshot>>) {
    let routes = Router::new()
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(health))
        .route("/v1/flowmap", get(async |State(published): Published| Json(published.load().map.clone())))
        .route("/v1/assets", get(async |State(published): Published| Json(published.load().map.assets.clone())))
        .route("/v1/coverage", get(coverage))
        .route("/v1/conversations", get(async |State(published): Published| Json(published.load().map.conversations.clone())))
        .route("/v1/status", get(async |State(published): Published| Json(published.load().status.clone())))
        .route("/v1/alerts", get(async |State(published): Published| Json(published.load().alerts.clone())))
        .with_state(published);
    if let Err(cause) = axum::serve(listener, routes).await {
        error!(%cause, "HTTP ended");
    }
}

async fn metrics_text(State(published): Published) -> Response {
    match metrics::render(&published.load()) {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(cause) => (StatusCode::INTERNAL_SERVER_ERROR, cause.to_string()).into_response(),
    }
}

async fn health(State(published): Published) -> Response {
    let age = published.load().published_at.elapsed();
    if age < STALE_AFTER {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("the hub has published nothing for {} s\n", age.as_secs())).into_response()
    }
}

async fn coverage(State(published): Published) -> Response {
    Json(crate::view::coverage::report(&published.load().map)).into_response()
}
