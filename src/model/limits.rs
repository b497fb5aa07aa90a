//! How long what is sent may be, in characters unless it says otherwise: for the checks, their sentences and the
//! patterns of the OpenAPI document.

/// The id of a task or of an attachment.
pub(crate) const ID: usize = 128;
/// The media type of an attachment.
pub(crate) const MEDIA_TYPE: usize = 255;
/// An `Idempotency-Key` or a `webhook-id`.
pub(crate) const KEY: usize = 255;
/// A title, or another line for people.
pub(crate) const LINE: usize = 500;
/// The description of a task, in bytes.
pub(crate) const DESCRIPTION: usize = 64 * 1024;
/// A type, a category, an origin, a source.
pub(crate) const LABEL: usize = 40;
/// A tag.
pub(crate) const TAG: usize = 64;
/// A link to an attachment.
pub(crate) const LINK: usize = 4_096;
/// Where a webhook goes.
pub(crate) const WEBHOOK_URL: usize = 2_048;
/// The name of a header.
pub(crate) const HEADER_NAME: usize = 128;
/// The value of a header, in bytes; what an answer repeats of it can still be found.
pub(crate) const HEADER_VALUE: usize = 4_000;
