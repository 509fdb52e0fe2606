//! Tests of the binary, in one program: what it prints, writes and answers.

mod check;
mod new;
