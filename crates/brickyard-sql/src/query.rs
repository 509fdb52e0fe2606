//! The tree of a query: every node has its place in the text, so that rewriting is editing by span.

mod alias;
mod call;
mod clause;
pub mod expression;
mod operand;
pub(crate) mod pipe;
mod pivot;
mod postfix;
pub mod relation;
pub mod select;
pub mod tree;

pub use alias::Alias;
pub use expression::{Argument, Call, Expr, ExprKind, Over, PathStep, When};
pub use pipe::{Pipe, PipeKind};
pub use pivot::{Pivot, Unpivot};
pub use relation::{Factor, FactorKind, From, Join, JoinRule, Streamed};
pub use select::{Cte, Group, Grouping, Item, OrderItem, Query, Select, SetBody, With};
pub use tree::Node;
