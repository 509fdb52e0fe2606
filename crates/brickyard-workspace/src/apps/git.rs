use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use brickyard_api::{GitRepository, GitSource};
use tokio::process::Command;

use super::source;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Providers the platform knows (platform §7).
pub(super) const PROVIDERS: [&str; 8] = [
    "gitHub",
    "gitHubEnterprise",
    "bitbucketCloud",
    "bitbucketServer",
    "azureDevOpsServices",
    "gitLab",
    "gitLabEnterpriseEdition",
    "awsCodeCommit",
];

/// How long fetching may take.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Refuses a repository that could not be cloned, or that would make git run something.
pub(super) fn check_repository(repository: &GitRepository) -> Result<(), ApiError> {
    if !PROVIDERS.contains(&repository.provider.as_str()) {
        return Err(ApiError::invalid(format!(
            "Git provider {} is not one of {}",
            repository.provider,
            PROVIDERS.join(", ")
        )));
    }
    let url = &repository.url;
    let known =
        ["https://", "http://", "ssh://", "file://", "git@"].iter().any(|start| url.starts_with(start));
    if known && !url.contains(char::is_whitespace) && !url.contains(char::is_control) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("Git url {url} is not valid")))
}

/// Refuses a source that is not exactly one of branch, tag and commit.
pub(super) fn check_source(source: &GitSource) -> Result<(), ApiError> {
    let given: Vec<&String> = [&source.branch, &source.tag, &source.commit].into_iter().flatten().collect();
    let [reference] = given.as_slice() else {
        return Err(ApiError::invalid("Exactly one of branch, tag and commit must be given in git_source"));
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+');
    if reference.is_empty()
        || reference.starts_with('-')
        || reference.contains("..")
        || !reference.bytes().all(plain)
    {
        return Err(ApiError::invalid(format!("Git reference {reference} is not valid")));
    }
    Ok(())
}

impl Workspace {
    /// Fetches one commit of a repository and copies the source in it; the commit's hash.
    pub(super) async fn fetch_git(
        &self,
        repository: &GitRepository,
        git_source: &GitSource,
        to: &Path,
    ) -> Result<String, String> {
        let clone = tempfile::tempdir_in(&self.config().state_directory)
            .map_err(|error| format!("Error: cannot make a folder for the repository: {error}"))?;
        let folder = clone.path();
        let reference = match (&git_source.branch, &git_source.tag, &git_source.commit) {
            (Some(branch), ..) => format!("refs/heads/{branch}"),
            (_, Some(tag), _) => format!("refs/tags/{tag}"),
            (.., Some(commit)) => commit.clone(),
            _ => return Err("Error: the git source names no branch, tag or commit".to_owned()),
        };
        let git = async |arguments: &[&str]| self.git(folder, arguments).await;
        git(&["init", "--quiet", "."]).await?;
        let fetched = git(&["fetch", "--quiet", "--depth", "1", "--", &repository.url, &reference]).await;
        if let Err(error) = fetched {
            // Not every server gives out single commits: then the whole history is asked.
            if git_source.commit.is_none() {
                return Err(error);
            }
            git(&["fetch", "--quiet", "--tags", "--", &repository.url, "+refs/heads/*:refs/remotes/all/*"])
                .await?;
            git(&["checkout", "--quiet", "--detach", &reference, "--"]).await?;
        } else {
            git(&["checkout", "--quiet", "--detach", "FETCH_HEAD", "--"]).await?;
        }
        let commit = git(&["rev-parse", "HEAD"]).await?.trim().to_owned();
        let path = git_source.source_code_path.clone().unwrap_or_default();
        let (from, to) = (folder.to_path_buf(), to.to_path_buf());
        let named = format!("{}/{path}", repository.url);
        tokio::task::spawn_blocking(move || {
            let from = source::inside(&from, &path)?;
            source::copy(&from, &to, &named)
        })
        .await
        .map_err(|error| error.to_string())??;
        Ok(commit)
    }

    /// The git of this machine, which knows the developer's own credentials; it never asks.
    async fn git(&self, folder: &Path, arguments: &[&str]) -> Result<String, String> {
        let mut words = self.config().provision.warden();
        let alone = words.is_empty();
        words.push("git".to_owned());
        let (program, first) = words.split_first().ok_or("Error: there is no git")?;
        let output = Command::new(program)
            .args(first)
            .args([
                "-c",
                "protocol.ext.allow=never",
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.symlinks=false",
            ])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A warden whose input ends stops git and whatever that started; one that is killed does not.
            .kill_on_drop(alone)
            .spawn()
            .map_err(|error| format!("Error: git could not be run: {error}"))?;
        let output = tokio::time::timeout(PATIENCE, wait(output))
            .await
            .map_err(|_| "Error: git did not finish within five minutes".to_owned())?
            .map_err(|error| format!("Error: git could not be run: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Err(format!("Error: cannot fetch the source code with git: {last}"))
    }
}

/// Standard input stays open meanwhile: while it is, a warden knows that we live.
async fn wait(mut child: tokio::process::Child) -> std::io::Result<std::process::Output> {
    let lifeline = child.stdin.take();
    let output = child.wait_with_output().await;
    drop(lifeline);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_git_would_take_for_an_option_or_a_program_is_let_through() {
        let url = |url: &str| {
            check_repository(&GitRepository {
                url: url.to_owned(),
                provider: "gitHub".to_owned(),
                ..GitRepository::default()
            })
        };
        assert!(url("https://example.test/a/b.git").is_ok() && url("git@example.test:a/b.git").is_ok());
        for bad in ["ext::sh -c x", "--upload-pack=x", "/etc", "https://a b", ""] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let branch =
            |name: &str| check_source(&GitSource { branch: Some(name.to_owned()), ..GitSource::default() });
        assert!(branch("feature/x-1").is_ok());
        for bad in ["", "-x", "a..b", "a b", "a:b"] {
            assert!(branch(bad).is_err(), "{bad}");
        }
        let two = GitSource { branch: Some("a".into()), tag: Some("b".into()), ..GitSource::default() };
        assert!(check_source(&two).is_err() && check_source(&GitSource::default()).is_err());
    }
}
