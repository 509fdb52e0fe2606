//! Bundles: a `databricks.yml` for an app that has none, and deployments through the official command line.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use brickyard_project::Project;
use brickyard_project::bundle::{Bundle, init};

use super::session::load_target;
use super::target::{self, Target, TargetArgs};
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

/// The official command line.
const PROGRAM: &str = "databricks";

/// Variables that say where it goes and who signs in.
const LOGIN: [&str; 8] = [
    "DATABRICKS_HOST",
    "DATABRICKS_TOKEN",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_USERNAME",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_AUTH_TYPE",
    "DATABRICKS_CONFIG_PROFILE",
];

/// Writes a `databricks.yml` beside the app.
pub(crate) fn write(directory: &Path) -> Result<PathBuf, Failure> {
    let project = load_target(directory, None)?;
    if let Some(there) = Bundle::find(&project.dir) {
        return Err(Failure::user(format!("`{}` is there already", there.display())).hint("edit that one"));
    }
    let path = project.dir.join("databricks.yml");
    let failed = |error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error);
    let mut fresh = tempfile::NamedTempFile::new_in(&project.dir).map_err(failed)?;
    std::io::Write::write_all(&mut fresh, init::text(&project).as_bytes()).map_err(failed)?;
    fresh.persist_noclobber(&path).map_err(|error| failed(error.error))?;
    Ok(path)
}

/// How the official command line ended, and where a browser of this machine finds the app then.
pub(crate) struct Handed {
    pub(crate) exit: Exit,
    /// Name and address, in the local workspace: the address that the command line tells is one of the workspace's own net.
    pub(crate) runs: Option<(String, String)>,
}

/// Runs `bundle deploy` and `bundle run` of the official command line; its output is the user's.
pub(crate) async fn deploy(
    settings: &Settings,
    directory: &Path,
    bundle_target: Option<&str>,
    args: &TargetArgs,
) -> Result<Handed, Failure> {
    let project = load_target(directory, bundle_target)?;
    let (folder, key) = place(&project)?;
    let program = settings
        .environment
        .search_path()
        .into_iter()
        .map(|folder| folder.join(PROGRAM))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::user("The official command line `databricks` is not on the `PATH`")
                .hint("install it, or deploy without `--bundle`: `databricks.yml` is read all the same")
        })?;
    target::check(settings, args)?;
    let (mut login, mut local) = (Vec::new(), None);
    if args.name() == "local" {
        let target = Target::connect(settings, args).await?;
        let token = target.client.bearer().await?;
        login.push(("DATABRICKS_HOST".to_owned(), target.client.base().to_owned()));
        login.push(("DATABRICKS_TOKEN".to_owned(), token));
        local = Some(target);
    } else if args.name() == "DEFAULT" {
        // Whatever the variables and the file say.
        let said = LOGIN
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), settings.environment.text(name)?.to_owned())));
        login.extend(said);
    } else {
        login.push(("DATABRICKS_CONFIG_PROFILE".to_owned(), args.name().to_owned()));
    }
    for words in [&["bundle", "deploy"][..], &["bundle", "run", &key]] {
        let mut command = tokio::process::Command::new(&program);
        // Variables of this shell win over a profile there: they must not lead to another workspace.
        for variable in LOGIN {
            command.env_remove(variable);
        }
        command.args(words).current_dir(&folder).envs(login.iter().cloned()).stdin(Stdio::inherit());
        if let Some(target) = bundle_target {
            command.args(["--target", target]);
        }
        let status = command.status().await.map_err(|error| {
            Failure::machine(format!("Cannot run `{}`", program.display())).because(error)
        })?;
        if !status.success() {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            return Ok(Handed { exit: Exit::Child(code), runs: None });
        }
    }
    let runs = match local {
        None => None,
        Some(target) => {
            let app = target.client.app(&project.name).await?;
            app.and_then(|app| Some((app.name.clone(), target.app_url(&app)?)))
        }
    };
    Ok(Handed { exit: Exit::Success, runs })
}

/// Folder of the bundle's main file, and the app's key in it.
fn place(project: &Project) -> Result<(PathBuf, String), Failure> {
    let (Some(bundle), Some(key)) = (&project.bundle, &project.bundle_key) else {
        return Err(Failure::user("The app belongs to no bundle").hint("`brickyard bundle init` writes one"));
    };
    let folder = bundle.path.parent().unwrap_or(Path::new(".")).to_path_buf();
    Ok((folder, key.clone()))
}
