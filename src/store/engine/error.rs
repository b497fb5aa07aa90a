//! Why a call of the store did not happen, or may not have happened.
//!
//! Must not know which answer a client gets for it.

/// Why a call did not happen, or may not have happened.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    /// More writes wait than the queue takes. Nothing was done.
    #[error("too many writes are waiting")]
    Busy,
    /// The disk is full. Nothing was done; it heals by itself when there is room again.
    #[error("the disk is full")]
    Full,
    /// The database is damaged. Nothing was done; it takes no writes until it was mended.
    #[error("{0}")]
    Damaged(String),
    /// The disk failed: the write may or may not be there after a restart.
    #[error("the disk failed: {0}")]
    Broken(String),
    /// The server is stopping. Nothing was done.
    #[error("the server is stopping")]
    Closed,
    /// Another program, such as a backup, has locked the database. Nothing was done.
    #[error("another program has locked the database")]
    Locked,
    /// A fault of ours: a statement that the database refuses. Nothing was done.
    #[error("database: {0}")]
    Database(String),
}

/// What a call gives back.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
