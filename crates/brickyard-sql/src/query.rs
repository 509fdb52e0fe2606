//! The tree of a query: every node has its place in the text, so that rewriting is editing by span.

mod call;
pub mod expression;
pub mod relation;
pub mod select;
pub mod tree;

pub use expression::{Argument, Call, Expr, ExprKind, Over, PathStep, When};
pub use relation::{Alias, Factor, FactorKind, From, Join, JoinRule, Pivot, Unpivot};
pub use select::{Cte, Group, Item, OrderItem, Pipe, PipeKind, Query, Select, SetBody, With};
pub use tree::Node;
