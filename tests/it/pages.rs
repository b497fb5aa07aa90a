//! What the pages are made of and ask for (`docs/pages.md`); `tests/pages` opens them in a browser.

mod figures;
mod files;
