//! The tree of a query: every node has its place in the text, so that rewriting is editing by span.

mod alias;
mod call;
mod clause;
pub mod expression;
mod group;
mod operand;
pub(crate) mod pipe;
mod pivot;
mod postfix;
pub mod relation;
pub mod select;
pub mod tree;
mod with;

pub use alias::Alias;
pub use call::Over;
pub use expression::{Argument, Call, Expr, ExprKind, PathStep, When};
pub use group::{Group, Grouping};
pub use pipe::{Pipe, PipeKind};
pub use pivot::{Pivot, Unpivot};
pub use relation::{Factor, FactorKind, From, Join, JoinRule, Streamed};
pub use select::{Item, OrderItem, Query, Select, SetBody};
pub use tree::Node;
pub use with::{Cte, With};
