/// Frameworks there are templates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Streamlit.
    Streamlit,
    /// Dash.
    Dash,
    /// Gradio.
    Gradio,
    /// Flask.
    Flask,
    /// `FastAPI`.
    FastApi,
    /// Reflex.
    Reflex,
}

/// Where an app's data comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// A SQL warehouse.
    Warehouse,
    /// A Lakebase database.
    Lakebase,
    /// The Databricks SDK.
    Sdk,
    /// A model serving endpoint.
    Serving,
    /// A function of Unity Catalog.
    Functions,
}

/// As whom the app asks for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// As itself.
    App,
    /// As the user, always.
    User,
    /// As the user where there is a token, else as itself.
    Both,
}

/// How the app is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deploy {
    /// From the command line.
    Cli,
    /// As a bundle.
    Bundle,
}

/// Declares the words of a choice: the word on the command line, the name for people, one line why.
macro_rules! words {
    ($choice:ident { $($variant:ident: $word:literal, $name:literal, $why:literal;)* }) => {
        impl $choice {
            /// Every value, the usual one first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the command line.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The name for people.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// When to choose it.
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why),* }
            }

            /// The value with a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}

words!(Template {
    Streamlit: "streamlit", "Streamlit", "prototypes, data science, internal tools: the quickest to write";
    Dash: "dash", "Dash", "production dashboards with many linked parts";
    Gradio: "gradio", "Gradio", "demos of models and chats";
    Flask: "flask", "Flask", "light web apps, webhooks, REST APIs";
    FastApi: "fastapi", "FastAPI", "APIs with types and OpenAPI pages";
    Reflex: "reflex", "Reflex", "whole web apps in Python alone; builds its front end at the first start";
});

words!(Data {
    Warehouse: "warehouse", "SQL warehouse", "analysis: large tables, aggregates, charts";
    Lakebase: "lakebase", "Lakebase", "transactions: forms, small fast reads and writes";
    Sdk: "sdk", "Databricks SDK", "jobs, warehouses, files: the workspace itself";
    Serving: "serving", "model serving", "questions to a model";
    Functions: "functions", "Unity Catalog functions", "logic kept in the catalog";
});

words!(Auth {
    App: "app", "app authorization", "everybody sees the same: the app asks as itself";
    User: "user", "user authorization", "everybody sees what they may see: the app asks as the user";
    Both: "both", "app and user authorization", "as the user where the workspace allows it, else as the app";
});

words!(Deploy {
    Cli: "cli", "command line", "one app, deployed by hand or by a script";
    Bundle: "bundle", "bundle", "the app and its resources in one file, with targets";
});
