//! The forms of texts in lists, by name: what each means in JSON Schema is written out with the OpenAPI document.
//!
//! They describe and check nothing: `fields` reads the values.

use utoipa::ToSchema;

/// Makes a type for the document alone: a text of this form.
macro_rules! forms {
    ($($(#[$said:meta])* $Form:ident = $form:literal;)+) => {
        $(
            $(#[$said])*
            #[derive(ToSchema)]
            #[schema(format = $form)]
            #[expect(dead_code, reason = "only described")]
            pub(crate) struct $Form(String);
        )+
    };
}

forms! {
    /// Any text but NUL.
    Text = "text";
    /// 1 to 64 characters.
    Tag = "tag";
    /// 1 to 40 of `[A-Z0-9_]`.
    Label = "label";
    /// A kind of event that tells of a task.
    TaskEventKind = "task-event";
    /// Where a change comes from: 1 to 40 of `[a-z0-9_-]`.
    OriginName = "origin";
    /// The name of a header; those that are set by the server itself are refused.
    HeaderKey = "header-name";
    /// The value of a header: printable ASCII without blanks around it.
    HeaderText = "header-value";
}
