use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, free_port};
use crate::command::program;

pub(crate) const SERVING: Row = Row {
    name: "serving",
    about: "chat completions and embeddings through a serving endpoint, against the model behind it",
    by_name: false,
    measure: serving,
};

pub(crate) const FILES: Row = Row {
    name: "files",
    about: "1 GB to and from a volume with the Files API, against nginx over TLS",
    by_name: true,
    measure: files,
};

pub(crate) const VECTORS: Row = Row {
    name: "vectors",
    about: "the nearest 10 of 100,000 vectors of 1,024 numbers, against faiss looking at all of them",
    by_name: true,
    measure: vectors,
};

pub(crate) const AUTHORIZE: Row = Row {
    name: "authorize",
    about: "one decision on an object, with 10,000 grants to 100 principals",
    by_name: false,
    measure: authorize,
};

const CLIENT: &str = include_str!("clients/resources.py");

/// The figures of one part of the client, in an app with these requirements and settings.
fn figures(
    rig: &Rig,
    arguments: &[&str],
    resources: &[&str],
    requirements: &str,
    settings: &str,
) -> Result<impl Fn(&str) -> Result<f64, String> + use<>, String> {
    let variables: Vec<String> = resources
        .iter()
        .map(|key| format!("- {{name: {}, valueFrom: {key}}}\n", key.to_uppercase().replace('-', "_")))
        .collect();
    let yaml = format!("command: [\"python\", \"app.py\"]\nenv:\n{}", variables.concat());
    let requirements = format!("databricks-sdk==0.156.0\n{requirements}\n");
    let files = [
        ("app.yaml", yaml.as_str()),
        ("requirements.txt", requirements.as_str()),
        ("brickyard.toml", settings),
    ];
    let app = rig.app(arguments[0], &files)?;
    let figures = rig.python(&app, CLIENT, arguments)?;
    Ok(move |name: &str| figures[name].as_f64().ok_or_else(|| format!("no figure `{name}`: {figures}")))
}

fn serving(rig: &Rig) -> Result<Vec<Measured>, String> {
    let port = free_port()?.to_string();
    let settings = format!(
        "[serving.model]\ntask = \"llm/v1/chat\"\nurl = \"http://127.0.0.1:{port}/v1\"\n\
         [serving.embeddings]\ntask = \"llm/v1/embeddings\"\nurl = \"http://127.0.0.1:{port}/v1\"\n\
         [resources.serving-endpoint]\nname = \"model\"\n[resources.embeddings-endpoint]\nname = \"embeddings\"\n"
    );
    let keys = ["serving-endpoint", "embeddings-endpoint"];
    let figure = figures(rig, &["serving", &port, "400"], &keys, "openai==1.109.1", &settings)?;
    let alone = |what: &str, name: &str| {
        let what = what.to_owned();
        Ok::<_, String>(Measured { what, unit: "ms", ours: figure(name)?, peer: None, aim: Aim::AtMost(1.0) })
    };
    Ok(vec![
        alone("chat completion, added p50 over the model itself", "chat")?,
        alone("first words of a streamed answer, added p50", "first")?,
        Measured {
            what: "embeddings, 8 at once, 32 texts each".to_owned(),
            unit: "texts/s",
            ours: figure("embeddings")?,
            peer: Some(("the model itself", figure("embeddings_direct")?)),
            aim: Aim::RatioAtLeast(0.8),
        },
    ])
}

fn files(rig: &Rig) -> Result<Vec<Measured>, String> {
    Rig::need("nginx", "nginx-light")?;
    let port = free_port()?.to_string();
    let settings = "[resources.volume]\npermission = \"WRITE_VOLUME\"\n";
    let figure = figures(rig, &["files", &port, "1024"], &["volume"], "", settings)?;
    let row = |what: &str, ours: &str, theirs: &str| {
        Ok::<_, String>(Measured {
            what: what.to_owned(),
            unit: "MB/s",
            ours: figure(ours)?,
            peer: Some(("nginx", figure(theirs)?)),
            aim: Aim::RatioAtLeast(0.8),
        })
    };
    Ok(vec![
        row("upload of 1 GB to a volume", "up_ours", "up_theirs")?,
        row("download of 1 GB from a volume", "down_ours", "down_theirs")?,
    ])
}

fn vectors(rig: &Rig) -> Result<Vec<Measured>, String> {
    let settings = "[vector-indexes.\"main.default.vectors\"]\nvector-column = \"v\"\ndimension = 1024\n\
        schema = { id = \"int\", v = \"array<float>\" }\n\
        [[grants]]\nto = \"app\"\nprivileges = [\"MODIFY\"]\non = \"TABLE main.default.vectors\"\n";
    let arguments = ["vectors", "100000", "1024"];
    let figure = figures(rig, &arguments, &["vector-search-index"], "faiss-cpu\nnumpy", settings)?;
    Ok(vec![
        Measured {
            what: "nearest 10 of 100,000 × 1,024 through the SDK, p50".to_owned(),
            unit: "ms",
            ours: figure("ours")?,
            peer: Some(("faiss, in process", figure("theirs")?)),
            aim: Aim::AtMost(10.0),
        },
        Measured {
            what: "recall of the nearest 10".to_owned(),
            unit: "",
            ours: figure("recall")?,
            peer: Some(("faiss", 1.0)),
            aim: Aim::RatioAtLeast(0.95),
        },
    ])
}

fn authorize(_: &Rig) -> Result<Vec<Measured>, String> {
    // Beside the binary's package, so that its dependencies have the features they were built with before.
    let packages = ["-p", "brickyard", "-p", "brickyard-workspace"];
    let arguments = [&["bench", "--quiet"], &packages[..], &["--bench", "authorize"]].concat();
    let text = Rig::output(program("cargo").args(arguments))?;
    let figures: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|error| format!("the program printed no JSON: {error}: {text}"))?;
    let ours = figures["object"].as_f64().ok_or_else(|| format!("no figure `object`: {figures}"))?;
    let what = "one decision with 10,000 grants, the principal looked up".to_owned();
    Ok(vec![Measured { what, unit: "µs", ours, peer: None, aim: Aim::AtMost(5.0) }])
}
