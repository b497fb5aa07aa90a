//! What goes wrong where such systems run, a file a kind, named by it; each says where it was seen. What it looks like to who
//! runs one, and what to do, stands in `docs/troubleshooting.md`; how a kind is added, in `CONTRIBUTING.md`.

mod answers_taken_slowly;
mod clock_jumps;
mod connection_cut;
mod damaged;
mod fan_out;
mod files_overwritten;
mod files_replaced;
mod filters_with_several_values;
mod held_for_ever;
mod lists_while_others_write;
mod locked_by_another;
mod log_full_or_dead;
mod many_at_once;
mod n8n_starting;
mod not_our_file;
mod quota;
mod refused_in_words;
mod refuses_everything;
mod searches_hung_up;
mod settings_as_people_write_them;
mod slow_clients;
mod text_in_other_encodings;
mod times_as_tools_write_them;
mod tls_in_words;
mod urls_as_people_type_them;
mod wrong_tokens;
