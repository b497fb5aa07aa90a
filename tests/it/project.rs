//! The shape of the code and what the documents say, not what the program does.

mod book;
mod circles;
mod tidy;
