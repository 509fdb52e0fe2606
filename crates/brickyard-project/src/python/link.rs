//! What a module imports from another of the same app: clients made there, constants, functions that give a client.

use ruff_python_ast::name::Name;

use crate::python::{Module, Value};

/// What one imported name stands for.
#[derive(Debug)]
pub(crate) struct Link {
    /// The name in the importing module.
    name: Name,
    /// Its full name so far: `clients.w`.
    full: Name,
    /// What it is: `databricks.sdk.WorkspaceClient()`.
    object: Option<Name>,
    /// Its value, where it is a text or a number.
    value: Option<Value>,
}

impl Module {
    /// The names imported outside every function that come from a module `find` knows, with what they stand for there.
    pub(crate) fn links<'a>(&'a self, find: impl Fn(&str) -> Option<&'a Self>) -> Vec<Link> {
        let mut links = Vec::new();
        for (name, full) in self.names.imports() {
            let Some((module, member)) = full.rsplit_once('.') else { continue };
            if module.is_empty() {
                continue;
            }
            let Some(other) = find(module) else { continue };
            let value = match other.follow(&Value::Name(member.into()), 0) {
                value @ (Value::Text(_) | Value::Int(_)) => Some(value),
                _ => None,
            };
            let made = |raw: &str| {
                let object = other.qualify(raw, 0);
                let foreign = object.contains("()") && object.as_str() != raw && object.contains('.');
                foreign.then_some(object)
            };
            let call = Name::concat(&[member, "()"]);
            if let Some(object) = made(member) {
                links.push(Link {
                    name: name.clone(),
                    full: full.clone(),
                    object: Some(object),
                    value: None,
                });
            } else if value.is_some() {
                links.push(Link { name: name.clone(), full: full.clone(), object: None, value });
            } else if let Some(object) = made(&call) {
                let full = Name::concat(&[full.as_str(), "()"]);
                links.push(Link { name: name.clone(), full, object: Some(object), value: None });
            }
        }
        links
    }

    /// Puts what the names stand for into everything that was collected.
    pub(crate) fn link(&mut self, links: &[Link]) {
        for link in links {
            match &link.object {
                Some(object) if link.full.ends_with("()") => self.names.gives(&link.name, object.clone()),
                object => self.names.stands_for(&link.name, object.clone(), link.value.clone()),
            }
            let Some(object) = &link.object else { continue };
            let put = |name: &mut Name| {
                if let Some(rest) = name.strip_prefix(link.full.as_str())
                    && (rest.is_empty() || rest.starts_with(['.', '(', '[']))
                {
                    *name = Name::concat(&[object.as_str(), rest]);
                }
            };
            self.calls.iter_mut().for_each(|call| put(&mut call.name));
            self.subscripts.iter_mut().for_each(|subscript| put(&mut subscript.base));
            for function in &mut self.functions {
                function.decorators.iter_mut().for_each(|(name, _)| put(name));
                function.routes.iter_mut().for_each(|(name, ..)| put(name));
            }
        }
    }
}
