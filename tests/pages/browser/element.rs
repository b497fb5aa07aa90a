//! An element that stands on the page, and what is done to it.
//!
//! Must not know how it is found.

use std::cell::RefCell;

use serde_json::json;

use super::{Browser, ELEMENT};

/// An element of a page.
pub(crate) struct Element<'b> {
    pub(super) browser: &'b Browser,
    pub(super) id: String,
    pub(super) selector: String,
    /// The text that it was found by.
    pub(super) found_by: String,
}

impl Element<'_> {
    /// Does something with it, or, where it was drawn anew since it was found, with the one that stands there now.
    async fn with<T>(&self, mut does: impl AsyncFnMut(&str) -> Result<T, String>) -> T {
        let what = format!("something done with {} with {:?}", self.selector, self.found_by);
        let id = RefCell::new(self.id.clone());
        self.browser
            .until(&what, &self.selector, &self.found_by, async || {
                let now = id.borrow().clone();
                let done = does(&now).await;
                if done.as_ref().is_err_and(|why| why.contains("stale element")) {
                    let again = self.browser.seen(&self.selector, &self.found_by).await?;
                    *id.borrow_mut() = again;
                }
                done
            })
            .await
    }

    /// Types into it, after what is there.
    pub(crate) async fn type_text(&self, text: &str) {
        self.with(async |id| self.browser.enter(id, text).await).await;
    }

    /// Replaces what is in a field.
    pub(crate) async fn fill(&self, text: &str) {
        self.with(async |id| {
            self.browser
                .session
                .attempt("POST", &format!("/element/{id}/clear"), json!({}))
                .await?;
            self.browser.enter(id, text).await
        })
        .await;
    }

    /// Chooses an option of a select by its text or value.
    pub(crate) async fn choose(&self, option: &str) {
        let script = "
            const [select, wanted] = arguments;
            const option = [...select.options].find((o) => o.value === wanted || o.textContent === wanted);
            select.value = option.value;
            select.dispatchEvent(new Event('input', {bubbles: true}));
            select.dispatchEvent(new Event('change', {bubbles: true}));";
        let args = |id: &str| [json!({ELEMENT: id}), json!(option)];
        self.with(async |id| self.browser.look_by(script, &args(id)).await.map(drop)).await;
    }

    /// Its text.
    pub(crate) async fn text(&self) -> String {
        let script = "return arguments[0].innerText";
        let text =
            self.with(async |id| self.browser.look_by(script, &[json!({ELEMENT: id})]).await).await;
        text.as_str().unwrap_or_default().to_owned()
    }
}
