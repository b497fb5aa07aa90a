//! What is decided about a delivery, what it looks like on the wire, and what is said about it.
//!
//! Pure: values, times and chance come in, values go out. Must not know where a delivery is kept, nor how it
//! is sent.

pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod pace;
pub(crate) mod request;
pub(crate) mod retry;
