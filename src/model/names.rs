//! Closed sets: enums whose variants have a name in the API, in the database and in metrics, written once.
//!
//! Must not know which sets there are.

/// What each of them can do.
pub(crate) trait Named: Copy + 'static {
    /// All of them with their names, in the order in which they are declared.
    const ALL: &'static [(&'static str, Self)];

    /// Its name in the API, the database and metrics.
    fn as_str(self) -> &'static str;

    /// The one of that name.
    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
    }

    /// The names of all.
    fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }
}

/// Makes an enum of a closed set. Each variant stands with its name, from which come the list of all of them, the way
/// there and back, and what serde and the OpenAPI document say:
///
/// ```ignore
/// names! {
///     /// Which of two.
///     pub enum Side {
///         /// The left one.
///         Left = "left",
///         /// The right one.
///         Right = "right",
///     }
/// }
/// ```
macro_rules! names {
    (
        $(#[$about:meta])*
        $see:vis enum $Set:ident {
            $($(#[$said:meta])* $Variant:ident = $name:tt,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $see enum $Set {
            $($(#[$said])* #[serde(rename = $name)] $Variant,)+
        }

        impl $crate::model::Named for $Set {
            const ALL: &'static [(&'static str, $Set)] = &[$(($name, $Set::$Variant)),+];

            fn as_str(self) -> &'static str {
                match self {
                    $($Set::$Variant => $name,)+
                }
            }
        }
    };
}

pub(crate) use names;
