use ruff_python_ast::name::Name;

use crate::python::{Module, Part, Value};

/// How many steps an alias or a variable is followed.
const STEPS: usize = 8;
/// How many assignments of one name are looked at.
const ASSIGNMENTS: usize = 16;

/// Where the first word of a dotted name ends.
fn first_word(raw: &str) -> usize {
    raw.bytes().position(|byte| matches!(byte, b'.' | b'(' | b'[')).unwrap_or(raw.len())
}

fn joined(name: &Name, rest: &str) -> Name {
    if rest.is_empty() { name.clone() } else { Name::concat(&[name.as_str(), rest]) }
}

impl Module {
    /// A dotted name with its first word followed through imports, variables and functions of this module:
    /// `w.jobs.list` with `w = WorkspaceClient()` is `databricks.sdk.WorkspaceClient().jobs.list`.
    pub fn qualify(&self, raw: &str, scope: usize) -> Name {
        self.resolve(raw, scope, STEPS).unwrap_or_else(|| Name::new(raw))
    }

    /// The same for a name that is at hand already; one that stands for itself is shared.
    pub(super) fn qualify_name(&self, raw: &Name, scope: usize) -> Name {
        self.resolve(raw, scope, STEPS).unwrap_or_else(|| raw.clone())
    }

    /// `None` where the name stands for itself.
    fn resolve(&self, raw: &str, scope: usize, steps: usize) -> Option<Name> {
        let end = first_word(raw);
        let (mut first, mut rest) = raw.split_at(end);
        if steps == 0 || raw.len() > 400 {
            return None;
        }
        // `self.x` is looked up as one name: attributes set in any method of the module.
        if first == "self" && rest.starts_with('.') {
            let end = first.len() + 1 + first_word(&rest[1..]);
            (first, rest) = raw.split_at(end);
        }
        let known = self.names.get(first);
        for here in self.scopes(scope) {
            if let Some(known) = known {
                if let Some(full) = known.alias(here) {
                    return Some(match (known.gives.as_ref(), rest.strip_prefix("()")) {
                        (Some(gives), Some(rest)) => joined(gives, rest),
                        _ => joined(full, rest),
                    });
                }
                // What is put into `self.x` stands in a method, whose parameters it may name.
                let assigns = known.assigns(here).rev().map(|index| &self.assigns[index]);
                if let Some(name) = assigns
                    .into_iter()
                    .find_map(|assign| self.name_of(&assign.value, assign.scope, steps - 1))
                    && name != first
                {
                    return Some(joined(&name, rest));
                }
            }
            if here != 0
                && let Some((_, annotation)) =
                    self.functions[here].parameters.iter().find(|(name, _)| name == first)
            {
                let class = annotation.as_ref().map(|annotation| {
                    self.resolve(annotation, 0, steps - 1).unwrap_or_else(|| annotation.clone())
                });
                return Some(match class.filter(|class| class.contains('.')) {
                    Some(class) => Name::concat(&[class.as_str(), "()", rest]),
                    None => Name::concat(&["<parameter>", rest]),
                });
            }
        }
        let function = known?.function?;
        let rest = rest.strip_prefix("()")?;
        let mut returns = self.functions[function].returns.iter();
        let name = returns.find_map(|value| self.name_of(value, function, steps - 1))?;
        Some(joined(&name, rest))
    }

    fn name_of(&self, value: &Value, scope: usize, steps: usize) -> Option<Name> {
        if steps == 0 {
            return None;
        }
        match value {
            Value::Name(name) => Some(self.resolve(name, scope, steps).unwrap_or_else(|| name.clone())),
            Value::Call(name, ..) => {
                let call = Name::concat(&[name.as_str(), "()"]);
                Some(self.resolve(&call, scope, steps).unwrap_or(call))
            }
            Value::Index(base, _) => {
                let base = self.name_of(base, scope, steps - 1)?;
                Some(Name::concat(&[base.as_str(), "[]"]))
            }
            Value::Either(values) => values.iter().find_map(|value| self.name_of(value, scope, steps - 1)),
            _ => None,
        }
    }

    /// The value with names followed to what they were assigned in this module; several assignments give
    /// [`Value::Either`].
    pub fn follow(&self, value: &Value, scope: usize) -> Value {
        self.follow_at(value, scope, STEPS)
    }

    fn follow_at(&self, value: &Value, scope: usize, steps: usize) -> Value {
        if steps == 0 {
            return value.clone();
        }
        // `OPTIONS["port"]` of a dictionary of the module.
        if let Value::Index(base, key) = value
            && let (Value::Name(_), Value::Text(key)) = (base.as_ref(), key.as_ref())
            && let Value::Dict(items) = self.follow_at(base, scope, steps - 1)
            && let Some((_, item)) = items.iter().find(|(name, _)| name == key)
        {
            return self.follow_at(item, scope, steps - 1);
        }
        let Value::Name(name) = value else { return value.clone() };
        let known = self.names.get(name);
        for here in self.scopes(scope) {
            let count = known.map_or(0, |known| known.assigns(here).count());
            if let Some(known) = known.filter(|_| count > 0) {
                // Several ways divide what is left, so that names that stand for each other end soon.
                let left = if count > 1 { steps / 2 } else { steps - 1 };
                let mut followed: Vec<Value> = known
                    .assigns(here)
                    .map(|index| &self.assigns[index].value)
                    .filter(|next| *next != value)
                    .take(ASSIGNMENTS)
                    .map(|next| self.follow_at(next, here, left))
                    .collect();
                return match followed.len() {
                    0 => value.clone(),
                    1 => followed.remove(0),
                    _ => Value::Either(followed),
                };
            }
            if here != 0 && self.functions[here].parameters.iter().any(|(parameter, _)| parameter == name) {
                return value.clone();
            }
        }
        if let Some(borrowed) = known.and_then(|known| known.borrowed.as_ref()) {
            return borrowed.clone();
        }
        self.attribute(name, scope, steps - 1).unwrap_or_else(|| value.clone())
    }

    /// The value of `settings.port` where `settings = Settings()` and the class of this module says what `port` is.
    fn attribute(&self, name: &Name, scope: usize, steps: usize) -> Option<Value> {
        let (object, attribute) = name.rsplit_once('.')?;
        if steps == 0 || object == "self" || object.contains('(') {
            return None;
        }
        let Value::Call(class, ..) = self.follow_at(&Value::Name(object.into()), scope, steps) else {
            return None;
        };
        // pydantic fills settings from the environment: `port` is `PORT`.
        let (_, bases) = self.classes.iter().find(|(known, _)| *known == class)?;
        if bases.iter().any(|base| base.ends_with("BaseSettings")) {
            return None;
        }
        let own = Name::concat(&[class.as_str(), ".", attribute]);
        let set = Name::concat(&["self.", attribute]);
        let known = [own, set].into_iter().find(|name| self.names.get(name).is_some())?;
        Some(self.follow_at(&Value::Name(known), 0, steps))
    }

    /// The text of an f-string all of whose values are texts or numbers of this module.
    fn plain(&self, parts: &[Part], scope: usize, steps: usize) -> Option<Name> {
        let left = steps.checked_sub(1)?;
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Value(value) => match self.follow_at(value, scope, left) {
                    Value::Text(piece) => text.push_str(&piece),
                    Value::Int(number) => text.push_str(&number.to_string()),
                    Value::Format(inner) => text.push_str(&self.plain(&inner, scope, left)?),
                    _ => return None,
                },
            }
        }
        Some(Name::new(text))
    }

    /// The path a value names, below the folder of the file where it begins there: `static/dist` of
    /// `Path(__file__).parent / "static" / "dist"`.
    pub fn path(&self, value: &Value, scope: usize) -> Option<String> {
        self.path_at(value, scope, STEPS).map(|path| path.trim_start_matches("./").to_owned())
    }

    fn path_at(&self, value: &Value, scope: usize, steps: usize) -> Option<String> {
        let left = steps.checked_sub(1)?;
        match self.follow_at(value, scope, steps) {
            Value::Text(text) => Some(text.to_string()),
            Value::Format(parts) => {
                let mut path = String::new();
                for part in &parts {
                    match part {
                        Part::Text(text) if path.is_empty() => path.push_str(text.trim_start_matches('/')),
                        Part::Text(text) => path.push_str(text),
                        Part::Value(value) => path.push_str(&self.path_at(value, scope, left)?),
                    }
                }
                // A path that begins with `/` and not with this file's folder is absolute.
                let absolute = matches!(parts.first(), Some(Part::Text(text)) if text.starts_with('/'));
                Some(if absolute { format!("/{path}") } else { path })
            }
            Value::Name(name) if is_here(&name) => Some(String::new()),
            Value::Call(name, args, _) => {
                let here = |value: &Value| matches!(value, Value::Name(name) if name == "__file__");
                let word = name.rsplit('.').next().unwrap_or_default();
                match args.first() {
                    Some(first) if here(first) => Some(String::new()),
                    Some(first)
                        if matches!(
                            word,
                            "str" | "Path" | "abspath" | "dirname" | "realpath" | "PurePath"
                        ) =>
                    {
                        self.path_at(first, scope, left)
                    }
                    // `Path(__file__).resolve()`, `os.getcwd()`.
                    None if is_here(&name) || matches!(word, "getcwd" | "cwd") => Some(String::new()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The variable a value is read from, with its default: `int(os.environ.get("PORT", 8000))` is
    /// `("PORT", Some(8000))`.
    pub fn variable(&self, value: &Value, scope: usize) -> Option<(Name, Option<Value>)> {
        self.variable_at(value, scope, STEPS)
    }

    fn variable_at(&self, value: &Value, scope: usize, steps: usize) -> Option<(Name, Option<Value>)> {
        let left = steps.checked_sub(1)?;
        match self.follow_at(value, scope, steps) {
            Value::Call(name, args, keywords) => {
                let full = self.qualify(&name, scope);
                match full.as_str() {
                    "os.environ.get" | "os.getenv" | "environ.get" | "getenv" | "os.environ.setdefault" => {
                        let Some(Value::Text(variable)) = args.first() else { return None };
                        let default = args.get(1).or_else(|| {
                            keywords.iter().find(|(key, _)| key == "default").map(|(_, value)| value)
                        });
                        Some((variable.clone(), default.cloned()))
                    }
                    "int" | "str" | "bool" | "float" => self.variable_at(args.first()?, scope, left),
                    _ => None,
                }
            }
            Value::Index(base, key) => {
                let Value::Name(base) = base.as_ref() else { return None };
                let Value::Text(key) = key.as_ref() else { return None };
                (self.qualify(base, scope) == "os.environ").then(|| (key.clone(), None))
            }
            Value::Either(values) => {
                let left = steps / 2;
                let found = values.iter().find_map(|value| self.variable_at(value, scope, left))?;
                let default = found.1.or_else(|| {
                    values.last().filter(|last| matches!(last, Value::Int(_) | Value::Text(_))).cloned()
                });
                Some((found.0, default))
            }
            _ => None,
        }
    }

    /// The numbers a value can be when no variable decides it.
    pub fn numbers(&self, value: &Value, scope: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        self.leaves(value, scope, STEPS, "int", &mut |leaf| match leaf {
            Value::Int(number) => numbers.push(*number),
            Value::Text(text) => numbers.extend(text.trim().parse::<i64>()),
            _ => {}
        });
        numbers
    }

    /// The texts a value can be.
    pub fn texts(&self, value: &Value, scope: usize) -> Vec<String> {
        let mut texts = Vec::new();
        self.leaves(value, scope, STEPS, "str", &mut |leaf| {
            if let Value::Text(text) = leaf {
                texts.push(text.to_string());
            }
        });
        texts
    }

    /// Everything a value can be, through names, alternatives and one conversion. Names that stand for themselves, as in
    /// `port = int(port)`, end it.
    fn leaves(
        &self,
        value: &Value,
        scope: usize,
        steps: usize,
        through: &str,
        leaf: &mut impl FnMut(&Value),
    ) {
        if steps == 0 {
            return;
        }
        match self.follow_at(value, scope, steps) {
            Value::Call(name, args, _) if name == through && args.len() == 1 => {
                self.leaves(&args[0], scope, steps - 1, through, leaf);
            }
            Value::Either(values) => {
                for value in values.iter().take(ASSIGNMENTS) {
                    self.leaves(value, scope, steps / 2, through, leaf);
                }
            }
            Value::Format(parts) => match self.plain(&parts, scope, steps) {
                Some(text) => leaf(&Value::Text(text)),
                None => leaf(&Value::Format(parts)),
            },
            other => leaf(&other),
        }
    }
}

/// Whether a chain leads from a `Path(…)` to the folder of a file: `Path().resolve().parent`.
fn is_here(name: &str) -> bool {
    let chain = name.split_once("Path()").filter(|(before, _)| before.is_empty() || before.ends_with('.'));
    chain.is_some_and(|(_, rest)| {
        rest.split('.').all(|word| {
            matches!(word, "" | "resolve()" | "absolute()" | "parent" | "parents[]" | "resolve" | "absolute")
        })
    })
}
