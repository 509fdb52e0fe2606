//! What the names of a module stand for: imports, assignments and functions, found by one look.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use ruff_python_ast::name::Name;

use crate::python::Value;

/// Every name a module binds.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<Name, Known, BuildHasherDefault<Fnv>>,
}

/// What one name stands for, in every function of the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Imports: function and full name.
    aliases: Vec<(usize, Name)>,
    /// Assignments: function and index in the module's list.
    assigns: Vec<(usize, usize)>,
    /// The first function of the name.
    pub(super) function: Option<usize>,
    /// What a call of it gives, where another module of the app says so.
    pub(super) gives: Option<Name>,
    /// The value it has in the module of the app it is imported from.
    pub(super) borrowed: Option<Value>,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    pub(super) fn import(&mut self, name: Name, scope: usize, full: Name) {
        self.known.entry(name).or_default().aliases.push((scope, full));
    }

    pub(super) fn assign(&mut self, name: Name, scope: usize, index: usize) {
        self.known.entry(name).or_default().assigns.push((scope, index));
    }

    /// Imports outside every function: name and full name.
    pub(super) fn imports(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.known.iter().flat_map(|(name, known)| {
            known.aliases.iter().filter(|(scope, _)| *scope == 0).map(move |(_, full)| (name, full))
        })
    }

    /// Says what an imported name really is.
    pub(super) fn stands_for(&mut self, name: &Name, full: Option<Name>, value: Option<Value>) {
        let Some(known) = self.known.get_mut(name) else { return };
        if let (Some(full), Some((_, alias))) =
            (full, known.aliases.iter_mut().find(|(scope, _)| *scope == 0))
        {
            *alias = full;
        }
        known.borrowed = value;
    }

    /// Says what a call of an imported name gives.
    pub(super) fn gives(&mut self, name: &Name, object: Name) {
        if let Some(known) = self.known.get_mut(name) {
            known.gives = Some(object);
        }
    }

    pub(super) fn function(&mut self, name: Name, index: usize) {
        self.known.entry(name).or_default().function.get_or_insert(index);
    }
}

impl Known {
    /// Whether an import or an assignment outside every function binds the name.
    pub(super) fn is_of_module(&self) -> bool {
        let all = self.aliases.iter().map(|(scope, _)| *scope);
        all.chain(self.assigns.iter().map(|(scope, _)| *scope)).any(|scope| scope == 0)
    }

    /// The full name of what was imported last in a function.
    pub(super) fn alias(&self, scope: usize) -> Option<&Name> {
        self.aliases.iter().rev().find(|(here, _)| *here == scope).map(|(_, full)| full)
    }

    /// The assignments in a function, in the order written.
    pub(super) fn assigns(&self, scope: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.assigns.iter().filter(move |(here, _)| *here == scope).map(|(_, index)| *index)
    }
}

/// FNV-1a: names are short and come from the developer's own files.
#[derive(Debug)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
