use serde::Deserialize;

/// `[genie.ID]`: a Genie space and what answers in it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct GenieSettings {
    /// Name shown to people; default: the id.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Full names of the tables it knows.
    pub tables: Vec<String>,
    /// Questions with the SQL that answers them.
    pub questions: Vec<GenieQuestion>,
    /// What the model is told besides.
    pub instructions: Option<String>,
    /// Serving endpoint that writes SQL for every other question, such as one of `[serving.NAME]`.
    pub model: Option<String>,
}

/// `[[genie.ID.questions]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GenieQuestion {
    /// The question; case, spaces and marks at its end do not count.
    pub question: String,
    /// The query that answers it.
    pub sql: String,
}
