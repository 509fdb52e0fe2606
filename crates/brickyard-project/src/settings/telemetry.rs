use serde::Deserialize;

/// `[telemetry]`: where traces, logs and metrics of an app with `telemetry_export_destinations` go.
///
/// The tables are not written here: without `endpoint` what the app exports goes nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TelemetrySettings {
    /// An OTLP collector of your own, such as `http://localhost:4317`; default: none, and what is exported is lost.
    pub endpoint: Option<String>,
    /// What the collector speaks: `grpc`, `http/protobuf` or `http/json`; default: `grpc`, as on the platform.
    pub protocol: Option<TelemetryProtocol>,
    /// Table for logs, as `catalog.schema.table`, for an app whose bundle names no destination.
    pub logs_table: Option<String>,
    /// Table for metrics, likewise.
    pub metrics_table: Option<String>,
    /// Table for traces, likewise.
    pub traces_table: Option<String>,
}

/// What an OTLP collector speaks, named as `OTEL_EXPORTER_OTLP_PROTOCOL` names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum TelemetryProtocol {
    /// gRPC, usually on port 4317.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP, usually on port 4318.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// JSON over HTTP, usually on port 4318.
    #[serde(rename = "http/json")]
    HttpJson,
}

impl TelemetryProtocol {
    /// The value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }
}

impl TelemetrySettings {
    /// The tables as the Apps API takes them; none where none is named.
    pub fn destinations(&self) -> Vec<serde_json::Value> {
        let tables = [
            ("logs_table", &self.logs_table),
            ("metrics_table", &self.metrics_table),
            ("traces_table", &self.traces_table),
        ];
        let tables: serde_json::Map<String, serde_json::Value> = tables
            .into_iter()
            .filter_map(|(name, table)| Some((name.to_owned(), table.clone()?.into())))
            .collect();
        if tables.is_empty() { Vec::new() } else { vec![serde_json::json!({ "unity_catalog": tables })] }
    }
}
