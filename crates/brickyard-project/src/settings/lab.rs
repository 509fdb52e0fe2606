use serde::Deserialize;

/// `[clock]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ClockSettings {
    /// Seconds by which the workspace's clock is ahead of the machine's; negative for behind.
    pub advance_seconds: i64,
}

/// `[[faults]]`: what goes wrong on purpose, from the start.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultSettings {
    /// How the path of the requests begins that it meets, such as `/api/2.0/sql`.
    pub path: String,
    /// HTTP method of those requests; default: every one.
    #[serde(default)]
    pub method: Option<String>,
    /// Status to answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// `error_code` of that answer.
    #[serde(default)]
    pub error_code: Option<String>,
    /// Seconds in `Retry-After` of that answer.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// Do what is asked first, then fail.
    #[serde(default)]
    pub after_effect: bool,
    /// Wait so many milliseconds first.
    #[serde(default)]
    pub delay_milliseconds: Option<u64>,
    /// Break the answer off so many milliseconds after it began.
    #[serde(default)]
    pub cut_after_milliseconds: Option<u64>,
    /// How many requests it meets; default: all.
    #[serde(default)]
    pub count: Option<u32>,
}
