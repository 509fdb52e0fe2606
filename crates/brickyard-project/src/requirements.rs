//! `requirements.txt`: what an app asks pip for.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::source::{ProjectError, Source, Span};

mod marker;

/// Name of the file, beside `app.yaml`.
pub const NAME: &str = "requirements.txt";
/// Most files reached through `-r`.
const MOST_FILES: usize = 32;

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Normalised name: lower case, `-` between words (PEP 503).
    pub name: String,
    /// Version specifiers without spaces, such as `>=1.2,<2`; empty where any version will do.
    pub specifiers: String,
    /// Whether it names a URL or path.
    pub direct: bool,
    /// Whether it names extras, which may bring any package.
    pub extras: bool,
    /// Environment marker, if any.
    pub marker: Option<String>,
    /// Index into the files read.
    pub file: usize,
    /// Bytes of the requirement in its file, without comment.
    pub span: Span,
}

impl Requirement {
    /// Whether a version is given at all.
    pub fn is_pinned(&self) -> bool {
        self.direct || !self.specifiers.is_empty()
    }

    /// The lowest version the specifiers name: of `==`, `===`, `~=`, `>=` or `>`.
    pub fn lower_bound(&self) -> Option<Vec<u64>> {
        self.specifiers
            .split(',')
            .filter_map(|part| {
                ["===", "==", "~=", ">=", ">"].iter().find_map(|operator| part.strip_prefix(operator))
            })
            .map(version)
            .max()
    }

    /// Whether `needed` or a later version is what pip installs over `installed`: it takes the newest the specifiers
    /// allow, and keeps what is installed where that will do.
    pub fn installs(&self, needed: &str, installed: &str) -> bool {
        let (needed, installed) = (version(needed), version(installed));
        if self.direct || installed >= needed {
            return true;
        }
        let exact = self.specifiers.split(',').find_map(|part| part.strip_prefix("=="));
        if let Some(exact) = exact.map(|text| text.trim_start_matches('=')) {
            return version(exact) >= needed;
        }
        let ends = self.specifiers.split(',').filter_map(|part| match part.strip_prefix("~=") {
            Some(text) => Some(compatible(text)),
            None => part.strip_prefix('<').map(|text| version(text.trim_start_matches('='))),
        });
        self.lower_bound().is_some_and(|lowest| lowest > installed)
            && ends.min().is_none_or(|end| end > needed)
    }
}

/// The version after `~=` ends below: `~=1.4.2` is content with everything below `1.5`.
fn compatible(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = text.split('.').map_while(|part| part.parse().ok()).collect();
    numbers.pop();
    if let Some(last) = numbers.last_mut() {
        *last += 1;
    }
    numbers
}

/// The numbers at the start of a version, without zeros at their end: `1.0` is `1` (PEP 440).
pub fn version(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = text
        .split('.')
        .map_while(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect();
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// Lower case with single `-` (PEP 503).
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push(character.to_ascii_lowercase());
        }
    }
    out
}

/// A requirements file and those it names with `-r`.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// The files, the main one first.
    pub files: Vec<Source>,
    /// The requirements in order, without those whose marker keeps them off the platform.
    pub items: Vec<Requirement>,
    /// `-r` lines whose file could not be read: file index, span, path.
    pub missing: Vec<(usize, Span, PathBuf)>,
    /// Whether the app's own project is installed: `.` or `-e .`.
    pub installs_project: bool,
}

impl Requirements {
    /// Reads `requirements.txt` of a directory; `None` where there is none.
    pub fn load(dir: &Path) -> Result<Option<Self>, ProjectError> {
        let Some(main) = Source::read_up_to(&dir.join(NAME), 1 << 20)? else { return Ok(None) };
        Ok(Some(Self::parse(main)))
    }

    /// Reads a requirements text and the files it names.
    pub fn parse(main: Source) -> Self {
        let mut seen: HashSet<PathBuf> = HashSet::from([main.path.clone()]);
        let mut all = Self { files: vec![main], ..Self::default() };
        let mut next = 0;
        while next < all.files.len() {
            let source = all.files[next].clone();
            for line in logical_lines(&source) {
                all.line(&source, next, line, &mut seen);
            }
            next += 1;
        }
        all
    }

    /// The requirement with a normalised name.
    pub fn get(&self, name: &str) -> Option<&Requirement> {
        self.items.iter().find(|item| item.name == name)
    }

    fn line(&mut self, source: &Source, file: usize, span: Span, seen: &mut HashSet<PathBuf>) {
        let text = source.slice(span);
        if let Some(rest) = text.strip_prefix("-r").or_else(|| text.strip_prefix("--requirement")) {
            let name = rest.trim_start_matches(['=', ' ', '\t']).trim();
            let path = source.path.parent().unwrap_or(Path::new("")).join(name);
            if seen.len() >= MOST_FILES || !seen.insert(path.clone()) {
                return;
            }
            match Source::read_up_to(&path, 1 << 20) {
                Ok(Some(more)) => self.files.push(more),
                _ => self.missing.push((file, span, path)),
            }
            return;
        }
        let place = text.strip_prefix("-e").or_else(|| text.strip_prefix("--editable")).unwrap_or(text);
        let place = place.trim_start_matches(['=', ' ', '\t']).split('[').next().unwrap_or_default();
        self.installs_project |= matches!(place.trim(), "." | "./");
        if let Some(item) = parse_line(text, file, span)
            && item.marker.as_deref().is_none_or(marker::holds)
        {
            self.items.push(item);
        }
    }
}

/// Spans of lines without comments; a line that ends in `\` is only its first part, which is where names stand.
fn logical_lines(source: &Source) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut continued = false;
    for index in 0..source.line_count().min(20_000) {
        let line = source.line_span(index);
        let text = source.slice(line);
        let was = std::mem::replace(&mut continued, text.trim_end().ends_with('\\'));
        if was {
            continue;
        }
        let text = text.trim_start_matches('\u{feff}');
        let text = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default() };
        let text = text.split("\t#").next().unwrap_or_default().trim_end().trim_end_matches('\\').trim_end();
        let start = line.start + source.slice(line).find(text).unwrap_or_default();
        let trimmed = text.trim_start();
        let start = start + (text.len() - trimmed.len());
        if !trimmed.is_empty() {
            spans.push(Span::new(start, start + trimmed.len()));
        }
    }
    spans
}

/// A requirement of PEP 508, loosely; `None` for options and things without a name.
pub fn parse_line(text: &str, file: usize, span: Span) -> Option<Requirement> {
    if let Some(name) = wheel(text) {
        return Some(Requirement {
            name: normalise(name),
            specifiers: String::new(),
            direct: true,
            extras: false,
            marker: None,
            file,
            span,
        });
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with('-') || name.starts_with('.') || rest.starts_with(['/', ':', '\\'])
    {
        return None;
    }
    let rest = rest.trim_start();
    let extras = rest.starts_with('[');
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest).trim_start(),
        None => rest,
    };
    let (rest, marker) = match rest.split_once(';') {
        Some((rest, marker)) => (rest, Some(marker.trim().to_owned())),
        None => (rest, None),
    };
    let direct = rest.starts_with('@');
    let rest = rest.split(" --").next().unwrap_or_default();
    let specifiers: String = if direct {
        String::new()
    } else {
        rest.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect()
    };
    if !specifiers.is_empty() && !specifiers.starts_with(['=', '>', '<', '~', '!']) {
        return None;
    }
    Some(Requirement { name: normalise(name), specifiers, direct, extras, marker, file, span })
}

/// The package of a wheel that is named by its file or address: `./rapidfuzz-3.13.0-cp311-cp311-linux_x86_64.whl`.
fn wheel(text: &str) -> Option<&str> {
    let place = text.split([' ', ';', '#']).next()?;
    let file = place.strip_suffix(".whl")?.rsplit(['/', '\\']).next()?;
    (file.split('-').count() >= 5).then(|| file.split('-').next())?
}

/// The name in one requirement, such as an item of `dependencies` in `pyproject.toml`.
pub fn name_of(requirement: &str) -> String {
    let parsed = parse_line(requirement.trim(), 0, Span::default());
    parsed.map_or_else(|| normalise(requirement.trim()), |item| item.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        let text = "# c\nFlask==3.0.3  # web\nuvicorn[standard] >= 0.30 , <1\n-e .\n--index-url https://x\nmy_Pkg.x @ file:///x\nnumpy; python_version < '3'\n./local\nhttps://x/y.whl\n./a_B-1.0-py3-none-any.whl\nplotly ==5.24.1 \\\n  --hash=sha256:aa\n\nsqlalchemy\n";
        let all = Requirements::parse(Source::new("requirements.txt", text));
        let names: Vec<&str> = all.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["flask", "uvicorn", "my-pkg-x", "a-b", "plotly", "sqlalchemy"]);
        assert_eq!(all.items[1].specifiers, ">=0.30,<1");
        assert_eq!(all.items[1].lower_bound(), Some(vec![0, 30]));
        assert!(all.items[2].direct);
        assert!(!all.items[5].is_pinned());
        assert_eq!(all.files[0].slice(all.items[0].span), "Flask==3.0.3");
    }

    #[test]
    fn pip_takes_the_newest_that_is_allowed_and_keeps_what_will_do() {
        let installs =
            |text: &str| parse_line(text, 0, Span::default()).unwrap().installs("0.81.0", "0.33.0");
        for text in [
            "a>=0.81",
            "a>=0.81,<1.0",
            "a==0.81",
            "a>0.40",
            "a>=0.40,<1",
            "a~=0.85",
            "a~=0.85.0",
            "a @ file:///a",
        ] {
            assert!(installs(text), "{text}");
        }
        for text in
            ["a", "a>=0.30", "a<1", "a==0.80.9", "a>=0.40,<0.81", "a~=0.40.0", "a!=0.33.1", "a>=0.20,<1"]
        {
            assert!(!installs(text), "{text}");
        }
    }

    #[test]
    fn files_that_name_each_other_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("requirements.txt"), "-r more.txt\n-r none.txt\na\n").unwrap();
        std::fs::write(dir.path().join("more.txt"), "-r requirements.txt\nb\n").unwrap();
        let all = Requirements::load(dir.path()).unwrap().unwrap();
        assert_eq!(all.items.len(), 2);
        assert_eq!(all.missing.len(), 1);
    }
}
