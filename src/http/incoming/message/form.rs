//! What a form says: keys such as `title`, `task[title]`, `tags[0]` or `attachments[0][url]`, taken apart into the
//! object that JSON would be. What leads to a known field is read, or refused in a sentence; all else is a key that
//! nobody knows, as in JSON.
//!
//! Must not know which values a field may have.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::http::body;
use crate::http::problem::Problem;
use crate::model::{Invalid, Time, quoted, shown_key};

/// The highest place in a list that a key may name. Gaps cost nothing, and some forms number by the time.
const PLACE_MOST: u64 = 999_999_999_999_999;

/// The fields of a task that hold one value each. Beside these are `tags` and `attachments`.
const SINGLE: [&str; 10] = [
    "id",
    "title",
    "description",
    "type",
    "category",
    "status",
    "priority",
    "dueDate",
    "createdAt",
    "updatedAt",
];

/// The fields of an attachment, which hold one value each.
const OF_ATTACHMENT: [&str; 6] = ["id", "name", "url", "type", "size", "uploadedAt"];

/// `event`, and everything else of the task; tags are separated by commas, or come one each.
pub(super) fn form(pairs: body::Pairs<'_>) -> Result<Map<String, Value>, Problem> {
    let mut form = Form::default();
    for (key, value) in pairs {
        // As tools leave it that write line by line, or at the head of a file.
        let key = key.trim_start_matches('\u{feff}').trim();
        form.take(Pair { key, value: &value })?;
    }
    form.whole()
}

/// A key as it was written, and its value.
#[derive(Clone, Copy)]
struct Pair<'p> {
    key: &'p str,
    value: &'p str,
}

impl Pair<'_> {
    /// It leads to a field that is known and cannot be read so; `how` says what can.
    fn refused(self, how: &str) -> Problem {
        let shown = quoted(&Value::from(self.value));
        Invalid::new(shown_key(self.key), format!("{shown} cannot be read: {how}")).into()
    }
}

/// The field has a value already.
fn twice(key: &str, field: &str) -> Problem {
    let what = format!("stands twice in the form: {field} takes one value");
    Invalid::new(shown_key(key), what).into()
}

/// One step of the way that a key names: `a[b][0]` is `a`, then into `b`, then to the place 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'k> {
    /// `[]`: the next place of a list.
    Next,
    /// `[0]` or `.0`: this place of a list.
    At(u64),
    /// A number that is higher than a place may be.
    Beyond,
    /// `[title]` or `.title`: a field.
    To(&'k str),
}

/// The first step, and what is left of the key behind it; nothing if there is none, or none that ends.
fn step(key: &str) -> Option<(Step<'_>, &str)> {
    let (name, rest) = match key.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        None => key.strip_prefix('[')?.split_once(']')?,
    };
    let name = name.trim();
    let step = if name.is_empty() {
        Step::Next
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let place = name.parse::<u64>().ok().filter(|place| *place <= PLACE_MOST);
        place.map_or(Step::Beyond, Step::At)
    } else {
        Step::To(name)
    };
    Some((step, rest))
}

/// A form as far as it is read.
#[derive(Default)]
struct Form {
    /// `event`.
    object: Map<String, Value>,
    /// The fields that were written whole, and what nobody knows.
    task: Map<String, Value>,
    /// `task` came as JSON.
    has_json: bool,
    tags: Option<Tags>,
    attachments: Option<Attachments>,
}

/// Tags that came one each, with their places.
#[derive(Default)]
struct Tags {
    next: u64,
    found: Vec<(u64, Value)>,
}

/// Attachments by their places.
#[derive(Default)]
struct Attachments {
    found: BTreeMap<u64, Map<String, Value>>,
    /// The place that `[]` began.
    begun: Option<u64>,
}

impl Attachments {
    /// The place of what comes with `[]`: in the one before, until a field comes again, which begins the next one.
    fn place(&mut self, field: Option<&str>) -> u64 {
        let has_room = |place: &u64| {
            let begun = self.found.get(place);
            begun.zip(field).is_none_or(|(begun, field)| !begun.contains_key(field))
        };
        let next = self.found.last_key_value().map_or(0, |(last, _)| last + 1);
        let place = self.begun.filter(has_room).unwrap_or(next);
        self.begun = Some(place);
        place
    }
}

impl Form {
    fn take(&mut self, pair: Pair<'_>) -> Result<(), Problem> {
        let end = pair.key.find(['.', '[']).unwrap_or(pair.key.len());
        let (root, rest) = pair.key.split_at(end);
        match root.trim() {
            "event" => put(&mut self.object, "event", rest, pair),
            "task" => self.in_task(rest, pair),
            field => self.field(field, rest, pair),
        }
    }

    /// What stands behind `task`, as PHP and jQuery write a field of an object, or as JSON has it whole.
    fn in_task(&mut self, rest: &str, pair: Pair<'_>) -> Result<(), Problem> {
        let rest = match step(rest) {
            // To a tool, one task may be a list of one.
            Some((Step::Next | Step::At(0), behind)) => behind,
            _ => rest,
        };
        if rest.is_empty() {
            return self.json(pair);
        }
        match step(rest) {
            Some((Step::To(field), rest)) => self.field(field, rest, pair),
            _ => Err(pair.refused("one task is taken, its fields written task[title]=…")),
        }
    }

    /// `task={"title":"…"}`: its fields stand beside those that the form names.
    fn json(&mut self, pair: Pair<'_>) -> Result<(), Problem> {
        let text = pair.value.trim();
        if text.is_empty() {
            return Ok(());
        }
        if !text.starts_with('{') {
            let how = "task is a JSON object, or its fields are written task[title]=…";
            return Err(pair.refused(how));
        }
        // Once, so that the bound on the values of JSON is one on those of the form.
        if self.has_json {
            return Err(twice(pair.key, "task"));
        }
        self.has_json = true;
        let read = body::object(text.as_bytes()).map_err(|problem| {
            let key = shown_key(pair.key);
            let message = problem.message.replacen("The body", &key, 1);
            Problem { message, field: Some(key), ..problem }
        })?;
        for (name, value) in read {
            if is_known(&name) && self.task.contains_key(&name) {
                return Err(twice(&name, &name));
            }
            self.task.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn field(&mut self, field: &str, rest: &str, pair: Pair<'_>) -> Result<(), Problem> {
        match field {
            "tags" => self.tags(rest, pair),
            "attachments" => self.attachments(rest, pair),
            known if is_known(known) => put(&mut self.task, known, rest, pair),
            unknown => {
                keep(&mut self.task, unknown, rest, pair);
                Ok(())
            }
        }
    }

    fn tags(&mut self, rest: &str, pair: Pair<'_>) -> Result<(), Problem> {
        if rest.is_empty() {
            let all = pair.value.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            return put_whole(&mut self.task, "tags", all.collect(), pair);
        }
        let tags = self.tags.get_or_insert_default();
        let place = match step(rest) {
            Some((Step::Next, "")) => tags.next,
            Some((Step::At(place), "")) => place,
            _ => {
                let how =
                    format!("tags are written tags=a,b or tags[0]=a, up to tags[{PLACE_MOST}]");
                return Err(pair.refused(&how));
            }
        };
        tags.next = tags.next.max(place + 1);
        // One each, as tools send lists: a comma is a part of it.
        let tag = pair.value.trim();
        if !tag.is_empty() {
            tags.found.push((place, tag.into()));
        }
        Ok(())
    }

    fn attachments(&mut self, rest: &str, pair: Pair<'_>) -> Result<(), Problem> {
        let refused = || {
            let how = format!(
                "an attachment is written attachments[0][name]=… and attachments[0][url]=…, \
                 up to attachments[{PLACE_MOST}]"
            );
            Err(pair.refused(&how))
        };
        let is_empty = pair.value.trim().is_empty();
        if rest.is_empty() && is_empty {
            return put_whole(&mut self.task, "attachments", "".into(), pair);
        }
        let Some((place @ (Step::Next | Step::At(_)), rest)) = step(rest) else {
            return refused();
        };
        let attachments = self.attachments.get_or_insert_default();
        if rest.is_empty() && is_empty {
            // A list of none, as tools send it.
            return Ok(());
        }
        let Some((Step::To(field), rest)) = step(rest) else { return refused() };
        let is_known = OF_ATTACHMENT.contains(&field);
        let place = match place {
            Step::At(place) => place,
            _ => attachments.place(is_known.then_some(field)),
        };
        let attachment = attachments.found.entry(place).or_default();
        if is_known {
            return put(attachment, field, rest, pair);
        }
        keep(attachment, field, rest, pair);
        Ok(())
    }

    /// All of it, in the shape of JSON.
    fn whole(self) -> Result<Map<String, Value>, Problem> {
        let Form { mut object, mut task, tags, attachments, .. } = self;
        let tags = tags.map(|mut tags| {
            tags.found.sort_by_key(|(place, _)| *place);
            tags.found.into_iter().map(|(_, tag)| tag).collect::<Value>()
        });
        let attachments = attachments.map(|all| all.found.into_values().collect::<Value>());
        for (name, items) in [("tags", tags), ("attachments", attachments)] {
            if let Some(items) = items
                && task.insert(name.to_owned(), items).is_some()
            {
                let what = format!("stands in the form beside {name}[]");
                return Err(Invalid::new(name, what).into());
            }
        }
        object.insert("task".to_owned(), Value::Object(task));
        Ok(object)
    }
}

/// Whether it is a field of a task.
fn is_known(name: &str) -> bool {
    SINGLE.contains(&name) || name == "tags" || name == "attachments"
}

/// Puts a single value under its name, whether its key ends there or goes on as that of a list of one does.
fn put(
    fields: &mut Map<String, Value>,
    name: &str,
    rest: &str,
    pair: Pair<'_>,
) -> Result<(), Problem> {
    let is_single = rest.is_empty() || matches!(step(rest), Some((Step::Next | Step::At(0), "")));
    if !is_single {
        return Err(pair.refused(&format!("{name} is one value, neither a list nor an object")));
    }
    put_whole(fields, name, read(name, pair.value), pair)
}

fn put_whole(
    fields: &mut Map<String, Value>,
    name: &str,
    value: Value,
    pair: Pair<'_>,
) -> Result<(), Problem> {
    match fields.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(twice(pair.key, name)),
    }
}

/// Keeps what nobody knows, as it is kept of JSON: the first of several will do.
fn keep(fields: &mut Map<String, Value>, name: &str, rest: &str, pair: Pair<'_>) {
    fields.entry(format!("{name}{rest}")).or_insert_with(|| read(name, pair.value));
}

/// The value of a field as it is meant.
fn read(name: &str, value: &str) -> Value {
    match name {
        "title" | "description" => value.into(),
        "dueDate" | "updatedAt" | "uploadedAt" if let Some(meant) = Time::with_plus(value) => {
            meant.into()
        }
        // All that a form holds is text; this one is a number.
        "size" if let Ok(number) = value.trim().parse::<Number>() => Value::Number(number),
        // As tools leave it that write line by line.
        _ => value.trim_end_matches(['\r', '\n']).into(),
    }
}

#[cfg(test)]
mod tests;
