//! What went wrong in the field with systems of this kind, a file a kind, named by what went wrong.
//!
//! Each file says where it was seen, if that is public, and what holds here instead. Like all of `tests/it` it knows only
//! what is visible from outside.

mod clock_jumps;
mod connection_cut;
mod damaged;
mod fan_out;
mod files_overwritten;
mod files_replaced;
mod filters_with_several_values;
mod first_hour;
mod held_for_ever;
mod lists_taken_slowly;
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
