use crate::new::fill::fill;
use crate::new::{Auth, Data, Deploy, Request, Template};

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!("files/", $path))
    };
}

/// Every file of a new app: its path with `/`, and its text.
pub fn files(request: &Request) -> Vec<(String, String)> {
    let flags = flags(request);
    let names = names(request);
    let mut files: Vec<(String, String)> = Vec::new();
    for (path, text) in sources(request) {
        files.push((path.to_owned(), fill(text, &flags, &names)));
    }
    files
}

fn sources(request: &Request) -> Vec<(&'static str, &'static str)> {
    let has = |data: Data| request.data.contains(&data);
    let mut list = match request.template {
        Template::Streamlit => {
            vec![
                ("app.py", file!("streamlit/app.py")),
                (".streamlit/config.toml", file!("streamlit/config.toml")),
            ]
        }
        Template::Dash => vec![
            ("app.py", file!("dash/app.py")),
            ("assets/style.css", file!("dash/style.css")),
            ("assets/theme.js", file!("dash/theme.js")),
        ],
        Template::Gradio => vec![("app.py", file!("gradio/app.py"))],
        Template::Flask => vec![("app.py", file!("flask/app.py"))],
        Template::FastApi => vec![("app.py", file!("fastapi/app.py"))],
        Template::Reflex => vec![
            ("app/__init__.py", "\"\"\"The pages.\"\"\"\n"),
            ("app/app.py", file!("reflex/app.py")),
            ("rxconfig.py", file!("reflex/rxconfig.py")),
        ],
    };
    if matches!(request.template, Template::Flask | Template::FastApi) {
        list.extend([
            ("static/index.html", file!("web/index.html")),
            ("static/style.css", file!("web/style.css")),
            ("static/app.js", file!("web/app.js")),
        ]);
    }
    list.extend([
        ("requirements-dev.txt", file!("common/requirements-dev.txt")),
        ("backend.py", file!("common/backend.py")),
        ("models.py", file!("common/models.py")),
        ("requirements.txt", file!("common/requirements.txt")),
        ("app.yaml", file!("common/app.yaml")),
        ("brickyard.toml", file!("common/brickyard.toml")),
        (".gitignore", file!("common/gitignore")),
        ("README.md", file!("common/README.md")),
        ("tests/conftest.py", file!("common/conftest.py")),
        ("tests/test_app.py", file!("common/test_app.py")),
    ]);
    if request.mock {
        list.push(("backend_mock.py", file!("common/backend_mock.py")));
    }
    if request.deploy == Deploy::Bundle {
        list.push(("databricks.yml", file!("common/databricks.yml")));
    }
    if has(Data::Functions) {
        list.push(("seed/functions.sql", file!("common/seed_functions.sql")));
    }
    if has(Data::Serving) {
        list.push(("seed/chat.py", file!("common/seed_chat.py")));
    }
    if has(Data::Lakebase) {
        list.push(("seed/notes.sql", file!("common/seed_notes.sql")));
    }
    list
}

fn flags(request: &Request) -> Vec<&'static str> {
    let mut flags = vec![request.template.word(), request.auth.word(), request.deploy.word()];
    flags.extend(request.data.iter().map(|data| data.word()));
    if request.mock {
        flags.push("mock");
    }
    flags
}

fn names(request: &Request) -> Vec<(&'static str, String)> {
    let has = |data: Data| request.data.contains(&data);
    let models = |always: &'static [&'static str], sdk: &'static [&'static str]| {
        let list: [(bool, &'static [&'static str]); 4] = [
            (true, always),
            (has(Data::Warehouse), &["HourCount", "Summary", "Trip"]),
            (has(Data::Lakebase), &["Note"]),
            (has(Data::Sdk), sdk),
        ];
        pick(&list).join(", ")
    };
    let scopes = pick(&[
        (true, &["iam.current-user:read"]),
        (has(Data::Warehouse) || has(Data::Functions), &["sql"]),
        (has(Data::Sdk), &["sql.warehouses"]),
        (has(Data::Serving), &["serving.serving-endpoints"]),
    ]);
    let quoted =
        |mark: char| scopes.iter().map(|scope| format!("{mark}{scope}{mark}")).collect::<Vec<_>>().join(", ");
    let dash = if has(Data::Lakebase) || has(Data::Serving) {
        "Input, Output, State, dcc, html"
    } else {
        "Input, Output, dcc, html"
    };
    let words: Vec<&str> = request.data.iter().map(|data| data.name()).collect();
    vec![
        ("name", request.name.clone()),
        ("key", request.name.replace('-', "_")),
        ("title", title(&request.name)),
        ("framework", request.template.name().to_owned()),
        ("entry", if request.template == Template::Reflex { "app/app.py" } else { "app.py" }.to_owned()),
        ("models", models(&["User"], &["Overview", "Warehouse"])),
        ("api_models", models(&["User"], &["Overview"])),
        ("mock_models", models(&[], &["Overview", "Warehouse"])),
        ("dash_imports", dash.to_owned()),
        ("fastapi_imports", "Depends, FastAPI, Header, Request".to_owned()),
        ("scopes", quoted('"')),
        ("scopes_words", quoted('`')),
        ("data_words", words.join(", ")),
        (
            "auth_words",
            match request.auth {
                Auth::App => "It asks for data as itself, so everybody sees the same.",
                Auth::User => "It asks for data as the user, so everybody sees what they may see.",
                Auth::Both => "It asks for data as the user where the workspace allows it, else as itself.",
            }
            .to_owned(),
        ),
    ]
}

/// The words that are on, sorted.
fn pick(list: &[(bool, &'static [&'static str])]) -> Vec<&'static str> {
    let mut words: Vec<&str> =
        list.iter().filter(|(on, _)| *on).flat_map(|(_, words)| words.iter().copied()).collect();
    words.sort_unstable();
    words
}

/// `my-app` as `My app`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
