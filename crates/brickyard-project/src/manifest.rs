//! `manifest.yaml`: what a template says it needs.

use std::path::{Path, PathBuf};

use crate::resources::ResourceSpec;
use crate::source::{ProjectError, Source};
use crate::yaml::{self, Node, Value};

/// Name of the file, beside `app.yaml`.
pub const NAME: &str = "manifest.yaml";

/// Resources and scopes a template asks for.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// The file.
    pub path: PathBuf,
    /// Name shown to people.
    pub name: Option<String>,
    /// `resource_specs`.
    pub resources: Vec<ResourceSpec>,
    /// `user_api_scopes`.
    pub user_api_scopes: Vec<String>,
}

impl Manifest {
    /// Reads `manifest.yaml` of a directory; `None` where there is none.
    pub fn load(dir: &Path) -> Result<Option<Self>, ProjectError> {
        Source::read_up_to(&dir.join(NAME), yaml::LARGEST)?.map(|source| Self::parse(&source)).transpose()
    }

    /// Reads the text of a manifest.
    pub fn parse(source: &Source) -> Result<Self, ProjectError> {
        let root = yaml::parse(source)?;
        if !matches!(root.value, Value::Mapping(_) | Value::Null) {
            return Err(source.error(root.span, "`manifest.yaml` must be a mapping", None));
        }
        Ok(Self {
            path: source.path.clone(),
            name: root.get("name").and_then(Node::text).map(ToOwned::to_owned),
            resources: root
                .get("resource_specs")
                .map(|specs| specs.items().iter().filter_map(ResourceSpec::read).collect())
                .unwrap_or_default(),
            user_api_scopes: texts(root.get("user_api_scopes")),
        })
    }
}

/// The scalars of a list.
pub(crate) fn texts(node: Option<&Node>) -> Vec<String> {
    node.map(|node| node.items().iter().filter_map(Node::text).map(ToOwned::to_owned).collect())
        .unwrap_or_default()
}
