//! Pages of lists: what their headers say.
//!
//! Must not know what a list is of.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::query::Query;

/// How many there are in all, on the first page.
pub(crate) const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
/// Where the next page begins.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// `X-Next-Cursor` and `Link` to the next page of a list.
pub(crate) fn add_next(headers: &mut HeaderMap, path: &str, query: &Query, cursor: &str) {
    let link = format!("<{path}?{}>; rel=\"next\"", query.with_cursor(cursor));
    // Cursors and encoded queries are ASCII, so neither can fail.
    if let (Ok(cursor), Ok(link)) = (HeaderValue::from_str(cursor), HeaderValue::from_str(&link)) {
        headers.insert(NEXT, cursor);
        headers.insert(header::LINK, link);
    }
}
