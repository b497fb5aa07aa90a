//! What lies beside a request and tells of its connection.
//!
//! Must not know of requests.

use std::net::SocketAddr;

/// Who sent a request: the other end of its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Beside a request whose connection is one too many: it is told so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRoom;
