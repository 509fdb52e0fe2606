use crate::python::{Module, Value};

/// How many steps an alias or a variable is followed.
const STEPS: usize = 8;
/// How many assignments of one name are looked at.
const ASSIGNMENTS: usize = 16;

impl Module {
    /// A dotted name with its first word followed through imports, variables and functions of this module:
    /// `w.jobs.list` with `w = WorkspaceClient()` is `databricks.sdk.WorkspaceClient().jobs.list`.
    pub fn qualify(&self, raw: &str, scope: usize) -> String {
        self.qualify_at(raw, scope, STEPS)
    }

    fn qualify_at(&self, raw: &str, scope: usize, steps: usize) -> String {
        let end = raw.find(['.', '(', '[']).unwrap_or(raw.len());
        let (mut first, mut rest) = raw.split_at(end);
        if steps == 0 || raw.len() > 400 {
            return raw.to_owned();
        }
        // `self.x` is looked up as one name: attributes set in any method of the module.
        if first == "self" && rest.starts_with('.') {
            let end = rest[1..].find(['.', '(', '[']).map_or(raw.len(), |at| first.len() + 1 + at);
            (first, rest) = raw.split_at(end);
        }
        let mut key = (scope, first.to_owned());
        for here in self.scopes(scope) {
            key.0 = here;
            if let Some(full) = self.aliases.get(&key) {
                return format!("{full}{rest}");
            }
            if let Some(values) = self.names.get(&key)
                && let Some(name) = values.iter().rev().find_map(|value| self.name_of(value, here, steps - 1))
                && name != first
            {
                return format!("{name}{rest}");
            }
            if here != 0
                && let Some((_, annotation)) =
                    self.functions[here].parameters.iter().find(|(name, _)| name == first)
            {
                return match annotation {
                    Some(annotation) => {
                        let class = self.qualify_at(annotation, 0, steps - 1);
                        if class.contains('.') {
                            format!("{class}(){rest}")
                        } else {
                            format!("<parameter>{rest}")
                        }
                    }
                    None => format!("<parameter>{rest}"),
                };
            }
        }
        if let Some(rest) = rest.strip_prefix("()")
            && let Some(&function) = self.by_name.get(first)
            && let Some(name) = self.functions[function]
                .returns
                .iter()
                .find_map(|value| self.name_of(value, function, steps - 1))
        {
            return format!("{name}{rest}");
        }
        raw.to_owned()
    }

    fn name_of(&self, value: &Value, scope: usize, steps: usize) -> Option<String> {
        if steps == 0 {
            return None;
        }
        match value {
            Value::Name(name) => Some(self.qualify_at(name, scope, steps)),
            Value::Call(name, ..) => {
                let full = self.qualify_at(&format!("{name}()"), scope, steps);
                Some(full)
            }
            Value::Index(base, _) => Some(format!("{}[]", self.name_of(base, scope, steps - 1)?)),
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
        let Value::Name(name) = value else { return value.clone() };
        if steps == 0 {
            return value.clone();
        }
        for here in self.scopes(scope) {
            if let Some(values) = self.names.get(&(here, name.clone())) {
                // Several ways divide what is left, so that names that stand for each other end soon.
                let left = if values.len() > 1 { steps / 2 } else { steps - 1 };
                let mut followed: Vec<Value> = values
                    .iter()
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
        value.clone()
    }

    /// The variable a value is read from, with its default: `int(os.environ.get("PORT", 8000))` is
    /// `("PORT", Some(8000))`.
    pub fn variable(&self, value: &Value, scope: usize) -> Option<(String, Option<Value>)> {
        self.variable_at(value, scope, STEPS)
    }

    fn variable_at(&self, value: &Value, scope: usize, steps: usize) -> Option<(String, Option<Value>)> {
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
                texts.push(text.clone());
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
            other => leaf(&other),
        }
    }
}
