//! What goes wrong is said in words (`docs/troubleshooting.md`).

mod refused_in_words;
mod tls_in_words;
