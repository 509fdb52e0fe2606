use brickyard_project::check;
use brickyard_project::new::{Auth, Data, Deploy, Template};
use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents};

const MARKDOWN: &str = "text/markdown";
const RULES: &str = "brickyard://rules";
const ENVIRONMENT: &str = "brickyard://environment";
const CHOICES: &str = "brickyard://choices";
const PLATFORM: &str = "brickyard://platform";

/// Every page an agent can read, the rules one by one among them.
pub(super) fn all() -> Vec<Resource> {
    let page = |uri: &str, name: &str, about: &str| {
        Resource::new(uri, name).with_description(about).with_mime_type(MARKDOWN)
    };
    let mut pages = vec![
        page(
            RULES,
            "rules",
            "Every rule of check_app: what fails on the platform, why, and what to write instead",
        ),
        page(ENVIRONMENT, "environment", "Every variable brickyard reads and sets"),
        page(
            PLATFORM,
            "platform",
            "What the platform is to an app: start, frameworks, identities, resources, limits, states",
        ),
        page(CHOICES, "choices", "Frameworks, data, authorization and deployment of a new app, with reasons"),
    ];
    pages.extend(
        check::rules().iter().map(|rule| page(&format!("{RULES}/{}", rule.code), rule.code, rule.name)),
    );
    pages
}

/// The text of a page.
pub(super) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = match uri {
        RULES => check::reference(),
        ENVIRONMENT => crate::environment::reference(),
        CHOICES => choices(),
        PLATFORM => include_str!("platform.md").to_owned(),
        other => other
            .strip_prefix(RULES)
            .and_then(|rest| check::rule(rest.strip_prefix('/')?))
            .map(check::Rule::page)
            .ok_or_else(|| ErrorData::resource_not_found(format!("There is no resource `{uri}`"), None))?,
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(MARKDOWN)]))
}

fn choices() -> String {
    fn part<T: Copy>(
        title: &str,
        all: &[T],
        word: fn(T) -> &'static str,
        why: fn(T) -> &'static str,
    ) -> String {
        let rows: Vec<String> =
            all.iter().map(|value| format!("- `{}`: {}\n", word(*value), why(*value))).collect();
        format!("## {title}\n\n{}\n", rows.concat())
    }
    [
        "# A new app\n\n".to_owned(),
        part("Framework", Template::ALL, Template::word, Template::why),
        part("Data", Data::ALL, Data::word, Data::why),
        part("Authorization", Auth::ALL, Auth::word, Auth::why),
        part("Deployment", Deploy::ALL, Deploy::word, Deploy::why),
    ]
    .concat()
}
