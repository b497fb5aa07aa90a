//! Bodies: what a request may hold, declared once. From a declaration come the type, how it is read with the sentence
//! of each error, the list of its fields, and what the OpenAPI document says.
//!
//! serde's derive could read them too, but neither name the place of a fault within lists nor keep a value that is
//! secret out of its sentence. Must not know which bodies there are.

/// What to do with a key that is no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Our own API: a typing error must not pass silently.
    Refused,
    /// Incoming webhooks: other systems send more than we ask for.
    Ignored,
}

/// A body that is declared by `body!`, as our own API takes it.
pub(crate) trait Declared: Sized {
    /// Reads it; what is no field is refused.
    ///
    /// # Errors
    /// The first field that breaks a rule, or that is none.
    fn strictly(body: &serde_json::Map<String, serde_json::Value>) -> Result<Self, super::Invalid>;
}

/// Makes a struct that is read from a JSON object. After the name of the struct stands how the sentence about an unknown key
/// goes on ("… is not a field of a call; the fields are"); before each field its key, after it the function that reads a value. What is not there has the default of
/// its type, so `Option` tells it from what is there.
///
/// ```ignore
/// body! {
///     /// Who is called.
///     pub struct Call(_unknown): "a field of a call; the fields are" {
///         /// By which name.
///         #[schema(example = "Ada")]
///         "firstName" first_name: Option<String> = fields::label,
///     }
/// }
/// ```
macro_rules! body {
    (
        $(#[$about:meta])*
        $see:vis struct $Body:ident($unknown:ident): $none:literal {
            $($(#[$said:meta])* $key:literal $field:ident: $type:ty = $read:expr,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Default, utoipa::ToSchema)]
        $see struct $Body {
            $($(#[$said])* #[schema(rename = $key)] pub(crate) $field: $type,)+
        }

        impl $Body {
            /// Reads it; `prefix` stands before the names of fields in messages.
            ///
            /// # Errors
            /// The first field that breaks a rule, or that is none.
            pub(crate) fn read(
                body: &serde_json::Map<String, serde_json::Value>,
                prefix: &str,
                $unknown: $crate::model::Unknown,
            ) -> Result<$Body, $crate::model::Invalid> {
                let mut read = $Body::default();
                for (key, value) in body {
                    let place = format!("{prefix}{key}");
                    match key.as_str() {
                        $($key => read.$field = ($read)(place.as_str(), value)?.into(),)+
                        _ if $unknown == $crate::model::Unknown::Ignored => {}
                        _ => {
                            let keys: Vec<&str> = [$(($key, stringify!($type))),+]
                                .into_iter()
                                .filter(|(_, kind)| *kind != "Ignored")
                                .map(|(key, _)| key)
                                .collect();
                            let what = format!("is not {} {}", $none, keys.join(", "));
                            let shown = $crate::model::shown_key(&place);
                            return Err($crate::model::Invalid::new(shown, what));
                        }
                    }
                }
                Ok(read)
            }
        }

        impl $crate::model::Declared for $Body {
            fn strictly(
                body: &serde_json::Map<String, serde_json::Value>,
            ) -> Result<$Body, $crate::model::Invalid> {
                $Body::read(body, "", $crate::model::Unknown::Refused)
            }
        }
    };
}

/// A field that may be there and says nothing: made by the server, so that what was read can be written back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored;

impl Ignored {
    /// Whatever it holds.
    #[expect(clippy::unnecessary_wraps, reason = "one of the functions that read a value")]
    pub(super) fn read(
        _place: &str,
        _value: &serde_json::Value,
    ) -> Result<Ignored, super::Invalid> {
        Ok(Ignored)
    }
}

pub(crate) use body;
