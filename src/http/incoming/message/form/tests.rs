//! Keys as tools write them, and what is said of those that lead to a field and cannot be read.

use http::HeaderMap;
use serde_json::json;

use super::*;
use crate::model::{TaskInput, Unknown};

fn read(text: &str) -> Result<Map<String, Value>, Problem> {
    form(body::form(&HeaderMap::new(), text.as_bytes()).unwrap())
}

#[test]
fn every_way_to_write_a_field_leads_to_it() {
    for (text, task) in [
        ("status[]=DONE", json!({"status": "DONE"})),
        ("status[0]=DONE%0A", json!({"status": "DONE"})),
        ("status.0=DONE", json!({"status": "DONE"})),
        ("task.status=DONE", json!({"status": "DONE"})),
        ("task[status][]=DONE", json!({"status": "DONE"})),
        ("task[ status ]=DONE", json!({"status": "DONE"})),
        ("task[0][status]=DONE&task[][id]=t", json!({"status": "DONE", "id": "t"})),
        ("title[]=A%0A", json!({"title": "A\n"})),
        ("dueDate[]=2026-12-01T10:00:00+02:00", json!({"dueDate": "2026-12-01T10:00:00+02:00"})),
        (
            "task={\"status\":\"DONE\",\"tags\":[]}&id=t",
            json!({"status": "DONE", "tags": [], "id": "t"}),
        ),
        ("task[]=%20{\"x\":1}&x=2", json!({"x": 1})),
        ("id=t&task=", json!({"id": "t"})),
        ("task.tags=a,b", json!({"tags": ["a", "b"]})),
        ("tags[2]=c&tags[0]=a,&tags[]=d&tags.1=b&tags[3]=", json!({"tags": ["a,", "b", "c", "d"]})),
        ("tags[0]=a&tags[0]=b", json!({"tags": ["a", "b"]})),
        ("attachments=", json!({"attachments": ""})),
        ("attachments[]=", json!({"attachments": []})),
    ] {
        assert_eq!(read(text).unwrap()["task"], task, "{text}");
    }
    assert_eq!(read("event[]=task_created").unwrap()["event"], "task_created");
}

#[test]
fn attachments_are_objects_by_place_or_in_order() {
    let two =
        json!([{"name": "a", "url": "https://e.org/a"}, {"name": "b", "url": "https://e.org/b"}]);
    for text in [
        "attachments[0][name]=a&attachments[0][url]=https://e.org/a\
         &attachments[1][name]=b&attachments[1][url]=https://e.org/b",
        "attachments[9999].url=https://e.org/b&task[attachments][7][url]=https://e.org/a\
         &task.attachments.7.name=a&attachments[9999][name][]=b",
        "attachments[][name]=a&attachments[][url]=https://e.org/a\
         &attachments[][url]=https://e.org/b&attachments[][name]=b",
    ] {
        assert_eq!(read(text).unwrap()["task"]["attachments"], two, "{text}");
    }
    let text = "attachments[0][size]=12&attachments[0][uploadedAt]=2026-12-01 10:00:00 02:00\
                &attachments[0][kind]=x&attachments[0][kind][a]=y&attachments[1][size]=big";
    let found = read(text).unwrap()["task"]["attachments"].clone();
    let same = json!([{"size": 12, "uploadedAt": "2026-12-01 10:00:00+02:00", "kind": "x", "kind[a]": "y"},
                      {"size": "big"}]);
    assert_eq!(found, same);
}

#[test]
fn what_leads_to_a_field_and_cannot_be_read_is_refused_by_its_key() {
    for (text, field, said) in [
        ("status[x]=DONE", "status[x]", "\"DONE\" cannot be read: status is one value"),
        ("status[1]=DONE", "status[1]", "one value"),
        ("status[=DONE", "status[", "one value"),
        ("status[0][0]=DONE", "status[0][0]", "one value"),
        ("task.status.label=Done", "task.status.label", "one value"),
        ("event[name]=task_created", "event[name]", "event is one value"),
        ("status[]=OPEN&status[]=DONE", "status[]", "status takes one value"),
        ("status=OPEN&task[status]=DONE", "task[status]", "stands twice"),
        ("task={\"status\":\"OPEN\"}&status=DONE", "status", "stands twice"),
        ("status=DONE&task={\"status\":\"OPEN\"}", "status", "stands twice"),
        ("task={}&task={}", "task", "stands twice"),
        ("task={\"tags\":[]}&tags[]=a", "tags", "beside tags[]"),
        ("task=Milk", "task", "\"Milk\" cannot be read: task is a JSON object"),
        ("task=[]", "task", "JSON object"),
        ("task={\"id\":1,\"id\":2}", "task", "task is not valid JSON: the key \"id\" stands twice"),
        ("task[1][title]=A", "task[1][title]", "one task"),
        ("task[10000][title]=A", "task[10000][title]", "one task"),
        ("task[title=A", "task[title", "one task"),
        ("tags[x]=a", "tags[x]", "tags[0]=a"),
        ("tags[1000000000000000]=a", "tags[1000000000000000]", "up to tags[999999999999999]"),
        ("tags[99999999999999999999]=a", "tags[99999999999999999999]", "up to"),
        ("tags[0][name]=a", "tags[0][name]", "tags=a,b"),
        ("attachments=https://e.org", "attachments", "attachments[0][url]=…"),
        ("attachments[]=https://e.org", "attachments[]", "\"https://e.org\" cannot be read"),
        ("attachments[url]=https://e.org", "attachments[url]", "attachments[0][url]=…"),
        (
            "attachments[1000000000000000][url]=x",
            "attachments[1000000000000000][url]",
            "up to attachments[",
        ),
        ("attachments[0][]=x", "attachments[0][]", "attachments[0][url]=…"),
        ("attachments[0][url][x]=x", "attachments[0][url][x]", "url is one value"),
        ("attachments[0][url]=x&attachments[0][url]=y", "attachments[0][url]", "stands twice"),
        ("attachments=&attachments[]=", "attachments", "beside attachments[]"),
    ] {
        let problem = read(text).unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.field.as_deref()),
            (400, Some(field)),
            "{text}"
        );
        let sentence = problem.message;
        assert!(sentence.starts_with(field) && sentence.contains(said), "{text}: {sentence}");
    }
}

#[test]
fn what_nobody_knows_may_be_written_anyhow() {
    let text = "=a&[]=b&x[=c&x[y]=d&y[]=1&y[]=2&submit.x=3&submit.y=4&titles[0]=e&task[event]=f\
                &task.a.b=g&data[title]=h&title]=i&.title=j";
    let found = read(&format!("id=t&{text}")).unwrap();
    let input = TaskInput::read(found["task"].as_object().unwrap(), "", Unknown::Ignored).unwrap();
    assert_eq!(input, TaskInput::default());
    assert_eq!((&found["task"]["id"], &found["task"]["y[]"]), (&json!("t"), &json!("1")));
}

#[test]
fn the_fields_are_those_of_a_task_and_of_an_attachment() {
    let fields = |body: Value| {
        let known = |name: &str| {
            let body = json!({name: null});
            TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused)
        };
        for name in SINGLE {
            let said = known(name).err().map(|wrong| wrong.message).unwrap_or_default();
            assert!(!said.contains("is not a field"), "{said}");
        }
        let wrong = TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap_err();
        let all = wrong.message.split_once("the fields are ").unwrap().1.to_owned();
        all.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    for name in fields(json!({"?": 1})) {
        assert!(is_known(&name), "{name}");
    }
    assert_eq!(fields(json!({"attachments": [{"?": 1}]})), OF_ATTACHMENT);
}

#[test]
fn a_hostile_form_costs_no_more_than_its_bytes() {
    // Squared, each of these would take so long that somebody looks.
    let many = |pair: fn(usize) -> String| (0..60_000).map(pair).collect::<String>();
    for text in [
        many(|n| format!("tags[{}]=a&", n % 10_000)),
        many(|n| format!("attachments[][x{n}]=&")),
        many(|_| "attachments[][url]=&".to_owned()),
        many(|n| format!("attachments[{}][x{n}]=&", n % 3)),
        many(|n| format!("x{n}[]=&x[]=&")),
        format!("status{}=", "[".repeat(1_000_000)),
        format!("attachments[0]{}=", "[x]".repeat(300_000)),
    ] {
        drop(read(&text));
    }
}
