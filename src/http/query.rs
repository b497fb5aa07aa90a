//! The parameters of an address, declared once: from a declaration come the type, how each is read with the sentence of
//! its error, the list of all of them, and what the OpenAPI document says. Unknown ones are refused, each may stand once
//! but for those that may have several values, and an empty one counts as not given.
//!
//! Must not know what a parameter means.

use encoding_rs::UTF_8;

use super::body::pairs;
use super::problem::Problem;
use crate::model::{Named, Time, quoted, shown_key, whole};

/// Values that one parameter may have.
const VALUES_MOST: usize = 50;

/// What an address may say.
pub(crate) trait Parameters: Sized {
    /// The names of all, as they are told to who writes one that is not among them.
    fn names() -> Vec<&'static str>;

    /// Reads each.
    ///
    /// # Errors
    /// 400 for the first that breaks a rule.
    fn read(query: &Query) -> Result<Self, Problem>;
}

impl Parameters for () {
    fn names() -> Vec<&'static str> {
        Vec::new()
    }

    fn read(_query: &Query) -> Result<(), Problem> {
        Ok(())
    }
}

impl<A: Parameters, B: Parameters> Parameters for (A, B) {
    fn names() -> Vec<&'static str> {
        [A::names(), B::names()].concat()
    }

    fn read(query: &Query) -> Result<(A, B), Problem> {
        Ok((A::read(query)?, B::read(query)?))
    }
}

/// Makes a struct that is read from an address. Before each field stands the name of its parameter, after it the
/// function that reads it.
///
/// ```ignore
/// parameters! {
///     /// Which calls.
///     pub struct CallParameters {
///         /// Only since this moment
///         #[param(value_type = Option<String>, format = "moment")]
///         "since" since: Option<Time> = Query::time,
///     }
/// }
/// ```
macro_rules! parameters {
    (
        $(#[$about:meta])*
        $see:vis struct $Set:ident {
            $($(#[$said:meta])* $name:literal $field:ident: $type:ty = $read:expr,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        $see struct $Set {
            $($(#[$said])* #[param(rename = $name)] pub(crate) $field: $type,)+
        }

        impl $crate::http::query::Parameters for $Set {
            fn names() -> Vec<&'static str> {
                vec![$($name),+]
            }

            fn read(
                query: &$crate::http::query::Query,
            ) -> Result<$Set, $crate::http::problem::Problem> {
                Ok($Set { $($field: ($read)(query, $name)?,)+ })
            }
        }
    };
}

pub(super) use parameters;

/// The parameters of a request as they are written.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    ///
    /// # Errors
    /// 400 for a parameter that is not among `known`, or that is no text.
    pub(crate) fn read(query: Option<&str>, known: &[&str]) -> Result<Query, Problem> {
        let written = query.unwrap_or_default().as_bytes();
        let written = pairs(UTF_8, written).map_err(|(name, wrong)| {
            let what = format!("{}; write it in UTF-8 and percent-encode that", wrong.what());
            Problem::bad_parameter(&shown_key(&name), what)
        })?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in written {
            let shown = shown_key(&name);
            if !known.contains(&name.as_ref()) {
                let allowed = if known.is_empty() {
                    "takes none".to_owned()
                } else {
                    format!("takes {}", known.join(", "))
                };
                let is_nameless = shown.trim().is_empty();
                let what = if is_nameless {
                    format!(
                        "A parameter without a name stands in this address, which {allowed}; write name=value"
                    )
                } else {
                    format!("{shown} is not a parameter of this address, which {allowed}")
                };
                let problem = Problem::bad_request("unknown_parameter", what);
                return Err(Problem { field: (!is_nameless).then_some(shown), ..problem });
            }
            if value.contains('\0') {
                return Err(Problem::bad_parameter(&shown, "contains a NUL character"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Query(pairs))
    }

    /// The name of a parameter that is there and empty, as an automation writes one for which it has no value.
    pub(crate) fn empty(&self) -> Option<&str> {
        let is_empty = |value: &str| value.split(',').all(|part| part.trim().is_empty());
        self.0.iter().find(|(_, value)| is_empty(value)).map(|(name, _)| name.as_str())
    }

    /// A parameter that may stand once, if it is there and not empty.
    fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        if found.next().is_some() {
            return Err(Problem::bad_parameter(name, "stands twice in the address"));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.one(name)?.map(str::to_owned))
    }

    /// One id. Several would find nothing, as if there were none.
    pub(crate) fn id(&self, name: &str) -> Result<Option<String>, Problem> {
        let id = self.text(name)?;
        if id.as_deref().is_some_and(|id| id.contains(',')) {
            return Err(Problem::bad_parameter(name, "takes one id; ask for each by itself"));
        }
        Ok(id)
    }

    /// A place in a list, by the function that reads one.
    pub(crate) fn place<T>(
        read: impl Fn(&str) -> Option<T>,
    ) -> impl Fn(&Query, &str) -> Result<Option<T>, Problem> {
        move |query, name| {
            let wrong = || {
                let what = "is not one of this list; take it from X-Next-Cursor";
                Problem::bad_parameter(name, what)
            };
            query.one(name)?.map(|text| read(text).ok_or_else(wrong)).transpose()
        }
    }

    /// The values of a parameter that may stand more than once, none of them empty.
    pub(crate) fn all(&self, name: &str) -> Result<Vec<&str>, Problem> {
        let found = self.0.iter().filter(|(known, _)| known == name);
        distinct(name, found.map(|(_, value)| value.as_str()))
    }

    /// The values of a parameter that may have several: with commas between them, each as a
    /// parameter of its own, or both.
    pub(crate) fn values(&self, name: &str) -> Result<Vec<&str>, Problem> {
        distinct(name, self.all(name)?.into_iter().flat_map(|text| text.split(',')))
    }

    /// The same as texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Problem> {
        Ok(self.values(name)?.into_iter().map(str::to_owned).collect())
    }

    /// One of a closed set.
    pub(crate) fn choice<T: Named>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.one_of(name, T::ALL)
    }

    /// Some of a closed set.
    pub(crate) fn choices<T: Named>(&self, name: &str) -> Result<Vec<T>, Problem> {
        self.some_of(name, T::ALL)
    }

    /// `true` or `false`, which it is if it is not there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        let all = [("true", true), ("false", false)];
        self.one_of(name, &all).map(Option::unwrap_or_default)
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(
        &self,
        name: &str,
        all: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        self.one(name)?.map(|text| find(name, text, all)).transpose()
    }

    /// Some of these.
    pub(crate) fn some_of<T: Copy>(
        &self,
        name: &str,
        all: &[(&str, T)],
    ) -> Result<Vec<T>, Problem> {
        self.values(name)?.into_iter().map(|text| find(name, text, all)).collect()
    }

    /// Words to look for.
    ///
    /// # Errors
    /// 400 for more than 50: each is looked for in every text.
    pub(crate) fn words(&self, name: &str) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.split_whitespace().count() > VALUES_MOST {
            let what = format!("has more than {VALUES_MOST} words; up to that many are allowed");
            return Err(Problem::bad_parameter(name, what));
        }
        Ok(Some(text))
    }

    /// A moment.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Time>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let meant = Time::with_plus(text);
        let read = Time::read(meant.as_deref().unwrap_or(text));
        read.map(Some).map_err(|why| {
            let shown = quoted(&text.into());
            Problem::bad_parameter(name, format!("{shown} {why}"))
        })
    }

    /// So many at most: 1 to 1000, also written `10.0` or `1e2`, as in a body.
    pub(crate) fn limit(&self, name: &str) -> Result<Option<usize>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let as_json = || usize::try_from(whole(&text.parse().ok()?)?).ok();
        let number = text.parse().ok().or_else(as_json).filter(|n| (1..=1000).contains(n));
        number.map(Some).ok_or_else(|| {
            let shown = quoted(&text.into());
            Problem::bad_parameter(
                name,
                format!("{shown} is not allowed; use a number from 1 to 1000"),
            )
        })
    }

    /// The same query with another cursor, percent-encoded.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| name != "cursor") {
            text.append_pair(name, value);
        }
        text.append_pair("cursor", cursor).finish()
    }
}

fn distinct<'q>(
    name: &str,
    values: impl Iterator<Item = &'q str>,
) -> Result<Vec<&'q str>, Problem> {
    let mut found = Vec::new();
    for value in values.map(str::trim) {
        if !value.is_empty() && !found.contains(&value) {
            found.push(value);
        }
        if found.len() > VALUES_MOST {
            let what = format!("has more than {VALUES_MOST} values; up to that many are allowed");
            return Err(Problem::bad_parameter(name, what));
        }
    }
    Ok(found)
}

fn find<T: Copy>(name: &str, text: &str, all: &[(&str, T)]) -> Result<T, Problem> {
    if let Some((_, value)) = all.iter().find(|(known, _)| *known == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
    let shown = quoted(&text.into());
    Err(Problem::bad_parameter(
        name,
        format!("{shown} is not allowed; use one of {}", names.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_double_parameters_are_named() {
        let read = |text| Query::read(Some(text), &["status", "limit"]);
        let unknown = read("statsu=OPEN").unwrap_err();
        assert_eq!(unknown.field.as_deref(), Some("statsu"));
        assert!(unknown.message.ends_with("which takes status, limit"), "{}", unknown.message);
        for nameless in ["=x", "=", "limit=1&=x", "%20=x", "%0A=x"] {
            let wrong = read(nameless).unwrap_err();
            assert_eq!(wrong.field, None, "{nameless}");
            assert!(wrong.message.starts_with("A parameter without a name"), "{}", wrong.message);
        }
        let twice = read("limit=1&limit=2").unwrap().limit("limit").unwrap_err();
        assert!(twice.message.contains("twice"));
        assert_eq!(read("status=&limit=5").unwrap().text("status").unwrap(), None);
        for bad in ["limit=0", "limit=1001", "limit=x", "limit=-1"] {
            assert!(read(bad).unwrap().limit("limit").is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_there_and_empty_is_found() {
        let read = |text| Query::read(Some(text), &["status", "q"]).unwrap();
        for text in ["q=a&status=", "q=a&status", "status=%20", "status=,+,", "status=OPEN&status="]
        {
            assert_eq!(read(text).empty(), Some("status"), "{text}");
        }
        for text in ["", "q=a&status=OPEN", "status=OPEN,,DONE", "q=,a"] {
            assert_eq!(read(text).empty(), None, "{text}");
        }
    }

    #[test]
    fn a_plus_in_a_time_zone_may_come_unencoded() {
        for text in [
            "2026-03-01T10:00:00+01:00",
            "2026-03-01T10:00:00%2B01:00",
            "2026-03-01T10:00:00+0100",
            "2026-03-01+10:00:00+01",
            "2026-03-01+10:00:00+%2B01:00",
            "2026-03-01%2009:00:00Z",
        ] {
            let query = Query::read(Some(&format!("t={text}")), &["t"]).unwrap();
            let time = query.time("t").unwrap().unwrap().to_string();
            assert_eq!(time, "2026-03-01T09:00:00.000Z", "{text}");
        }
        let query = Query::read(Some("t=2026-03-01+10:00:00"), &["t"]).unwrap();
        assert!(query.time("t").unwrap_err().message.contains("no time zone"));
    }

    #[test]
    fn what_may_have_several_values_may_be_written_either_way() {
        let read = |text| Query::read(Some(text), &["status", "limit"]);
        let all = [("OPEN", 1), ("IN_PROGRESS", 2), ("DONE", 3)];
        for text in [
            "status=OPEN&status=DONE",
            "status=OPEN,DONE",
            "status=OPEN%2CDONE",
            "status=OPEN,+DONE,&status=OPEN&status=&limit=3",
        ] {
            let query = read(text).unwrap();
            assert_eq!(query.some_of("status", &all).unwrap(), [1, 3], "{text}");
        }
        assert_eq!(read("status=").unwrap().some_of("status", &all).unwrap(), [0; 0]);
        let wrong = read("status=OPEN,done").unwrap().some_of("status", &all).unwrap_err();
        assert!(wrong.message.starts_with("status \"done\" is not allowed"), "{}", wrong.message);
        let next = read("status=OPEN&limit=1&status=DONE").unwrap().with_cursor("c");
        assert_eq!(next, "status=OPEN&limit=1&status=DONE&cursor=c");
    }

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        let wrong = Query::read(Some("limit=1&q=gr%FC%DF"), &["q", "limit"]).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("q"));
        assert!(
            wrong.message.starts_with("q is not UTF-8: its byte 3 is 0xFC; "),
            "{}",
            wrong.message
        );
    }
}
