//! Broken twins: faults that are built in on purpose, one at a time, so that it can be shown that the tests find them.
//!
//! Only a build with the feature `twins` has them, and only where `BTK_TWIN` names one (`scripts/twins`). Must not know
//! what a fault is: where it stands, the code is wrong in one place.

/// Whether this process is the twin of that name.
#[cfg(feature = "twins")]
#[expect(
    clippy::disallowed_methods,
    reason = "it is no setting, and in no program that people run"
)]
pub(crate) fn is(name: &str) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("BTK_TWIN").ok());
    CHOSEN.as_deref() == Some(name)
}

/// Whether this process is the twin of that name: never, in what people run.
#[cfg(not(feature = "twins"))]
pub(crate) const fn is(_name: &str) -> bool {
    false
}
