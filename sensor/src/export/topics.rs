//! MQTT topics: `cordon/<sensor>/{status,kpi,coverage,asset/<id>,alert/<severity>/<kind>}`.

use sensor_model::{Alert, AssetId};

#[must_use]
pub fn status(sensor: &str) -> String {
    format!("cordon/{sensor}/status")
}

#[must_use]
pub fn kpi(sensor: &str) -> String {
    format!("cordon/{sensor}/kpi")
}

#[must_use]
pub fn coverage(sensor: &str) -> String {
    format!("cordon/{sensor}/coverage")
}

#[must_use]
pub fn asset(sensor: &str, id: &AssetId) -> String {
    format!("cordon/{sensor}/asset/{}", id.as_str())
}

#[must_use]
pub fn alert(alert: &Alert) -> String {
    format!("cordon/{}/alert/{}/{}", alert.sensor, alert.severity.as_str(), alert.kind.as_str())
}
