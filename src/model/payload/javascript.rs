//! For tests: whether JSON comes through JavaScript's `JSON.parse` and `JSON.stringify` unchanged.
//!
//! Must not know what the JSON is about.

/// Whether `JSON.stringify(JSON.parse(text))` is `text` again; else where it would not be, and why.
pub(super) fn survives(text: &str) -> Result<(), String> {
    let mut strict = Strict { text: text.as_bytes(), at: 0 };
    strict.value()?;
    if strict.at == text.len() { Ok(()) } else { strict.fail("more after the end") }
}

/// A reader that takes only what would be written the same way.
struct Strict<'a> {
    text: &'a [u8],
    at: usize,
}

impl Strict<'_> {
    fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("at byte {}: {what}", self.at))
    }

    fn next(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or_default()
    }

    fn skip(&mut self, word: &str) -> Result<(), String> {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        self.fail(&format!("no {word}"))
    }

    fn value(&mut self) -> Result<(), String> {
        match self.next() {
            b'{' => {
                let mut keys = Vec::new();
                self.list("{", "}", |strict| {
                    let from = strict.at + 1;
                    strict.string()?;
                    let key = strict.text[from..strict.at - 1].to_vec();
                    if key.iter().all(u8::is_ascii_digit) || keys.contains(&key) {
                        return strict.fail("a key that would move");
                    }
                    keys.push(key);
                    strict.skip(":")?;
                    strict.value()
                })
            }
            b'[' => self.list("[", "]", Strict::value),
            b'"' => self.string(),
            b'n' => self.skip("null"),
            b't' => self.skip("true"),
            b'f' => self.skip("false"),
            _ => self.integer(),
        }
    }

    fn list(
        &mut self,
        open: &str,
        close: &str,
        mut entry: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.skip(open)?;
        if self.skip(close).is_ok() {
            return Ok(());
        }
        loop {
            entry(self)?;
            if self.skip(close).is_ok() {
                return Ok(());
            }
            self.skip(",")?;
        }
    }

    fn string(&mut self) -> Result<(), String> {
        self.skip("\"")?;
        loop {
            self.at += 1;
            match self.text.get(self.at - 1) {
                None | Some(0..0x20) => {
                    return self.fail("a bare control character, or no end");
                }
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        self.at += match rest {
            [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 1,
            // Controls that have no letter of their own, in lower case.
            [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
            | [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 5,
            _ => return self.fail("an escape that would be written otherwise"),
        };
        Ok(())
    }

    fn integer(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at..];
        let digits = rest.iter().take_while(|b| !b",}]".contains(b)).count();
        let text = String::from_utf8_lossy(&rest[..digits]).into_owned();
        match text.parse::<i64>() {
            Ok(n) if n.to_string() == text && n.abs() < 1 << 53 => self.at += digits,
            _ => return self.fail("no number that survives"),
        }
        Ok(())
    }
}

mod tests {
    use super::*;

    #[test]
    fn what_javascript_would_write_otherwise_is_refused() {
        for good in [r#"{"a":[1,-2,null,true],"b":{},"c":"\u001f\b/é\\u00e9"}"#, "9007199254740991"]
        {
            assert_eq!(survives(good), Ok(()));
        }
        for bad in [
            r#"{"a": 1}"#,
            r#"["a" ]"#,
            "[1.0]",
            "[1e3]",
            "[-0]",
            "[01]",
            "9007199254740992",
            r#"{"1":1}"#,
            r#"{"a":1,"a":2}"#,
            r#""\/""#,
            r#""\u00e9""#,
            r#""\u000a""#,
            r#""\u001F""#,
            r#""\u00+f""#,
            r#""\u0008""#,
            "\"\n\"",
            "[1] ",
            "[1,]",
        ] {
            assert!(survives(bad).is_err(), "{bad}");
        }
    }
}
