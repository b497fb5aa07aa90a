//! What a setting is: its name, its default as text, what people read about it, and what reads it.
//!
//! Must not know which settings there are.

/// A setting as people read about it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "a test makes the book and .env.example from these")
)]
pub(crate) struct Setting {
    /// Its name in the environment and in `.env`.
    pub(crate) name: &'static str,
    /// Settings that belong together have this in common.
    pub(crate) group: &'static str,
    /// What holds without it.
    pub(crate) default: &'static str,
    /// What it does, with code between backticks.
    pub(crate) help: &'static str,
    /// What else there is to say where there is room.
    pub(crate) more: &'static str,
    /// What it may look like, if it has no default.
    pub(crate) example: &'static str,
    /// Whether it is kept from sight, and may stand in a file that `NAME_FILE` names.
    pub(crate) is_secret: bool,
}

/// One that is never without a value. What reads it reads its default too, so that stands nowhere else.
pub(super) struct Defaulted<T> {
    pub(super) about: Setting,
    pub(super) parse: fn(&str) -> Result<T, String>,
}

/// One that may be unset; its default says in a word what that is.
pub(super) struct Optional<T> {
    pub(super) about: Setting,
    pub(super) parse: fn(&str) -> Result<T, String>,
}

impl Setting {
    pub(super) const fn new(default: &'static str, help: &'static str) -> Setting {
        let (name, group, more, example) = ("", "", "", "");
        Setting { name, group, default, help, more, example, is_secret: false }
    }

    pub(super) const fn secret(self) -> Setting {
        Setting { is_secret: true, ..self }
    }

    pub(super) const fn more(self, more: &'static str) -> Setting {
        Setting { more, ..self }
    }

    pub(super) const fn example(self, example: &'static str) -> Setting {
        Setting { example, ..self }
    }

    pub(super) const fn named(self, name: &'static str, group: &'static str) -> Setting {
        Setting { name, group, ..self }
    }

    /// What it does, in plain words.
    pub(crate) fn plain_help(&self) -> String {
        self.help.replace('`', "")
    }
}

/// Makes a constant of each setting, by which it is read, and the list of all.
macro_rules! settings {
    ($($group:literal { $($NAME:ident: $Kind:ident<$T:ty> = $parse:expr, $about:expr;)+ })+) => {
        $($(
            pub(super) const $NAME: $Kind<$T> =
                $Kind { about: $about.named(stringify!($NAME), $group), parse: $parse };
        )+)+

        /// Every setting there is.
        pub(crate) const REFERENCE: &[Setting] = &[$($($NAME.about),+),+];
    };
}

pub(super) use settings;

/// The page of settings and the example of an `.env` file are made from the list. To have them made anew, run the
/// tests with `BTK_ACCEPT=1`.
#[cfg(test)]
mod tests {
    use super::super::reference::REFERENCE;
    use super::Setting;

    /// In `.env.example`, in signs.
    const WIDTH: usize = 100;

    fn path(file: &str) -> String {
        format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))
    }

    /// All that is said of a setting.
    fn told(setting: &Setting) -> String {
        let file = format!("Secret; may stand in a file that `{}_FILE` names.", setting.name);
        let parts = [setting.help, setting.more, if setting.is_secret { &file } else { "" }];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" ")
    }

    /// For each setting: what comes before it if it is the first of its group, and itself.
    fn written(group: impl Fn(&str) -> String, one: impl Fn(&Setting) -> String) -> String {
        let (mut text, mut last) = (String::new(), "");
        for setting in REFERENCE {
            if setting.group != last {
                text.push_str(&group(setting.group));
                last = setting.group;
            }
            text.push_str(&one(setting));
        }
        text
    }

    fn page() -> String {
        written(
            |group| {
                format!("\n## {group}\n\n| Setting | Default | What it does |\n|---|---|---|\n")
            },
            |one| format!("| `{}` | {} | {} |\n", one.name, one.default, told(one)),
        )
    }

    fn example() -> String {
        let one = |setting: &Setting| {
            let (mut text, mut line) = (String::new(), String::from("#"));
            for word in told(setting).replace('`', "").split(' ') {
                if line.chars().count() + word.chars().count() >= WIDTH {
                    text.push_str(&format!("{line}\n"));
                    line = String::from("#");
                }
                line.push_str(&format!(" {word}"));
            }
            let has_default = !["unset", "none"].contains(&setting.default);
            let value = if has_default { setting.default } else { setting.example };
            format!("\n{text}{line}\n#{}={value}\n", setting.name)
        };
        written(|group| format!("\n# --- {group} {}\n", "-".repeat(WIDTH - 7 - group.len())), one)
    }

    #[test]
    fn the_page_and_the_example_are_those_of_the_list() {
        for (file, begins, made) in
            [("docs/settings.md", "\n## ", page()), (".env.example", "\n# --- ", example())]
        {
            let committed = std::fs::read_to_string(path(file)).unwrap();
            let head = committed.split(begins).next().unwrap();
            let text = format!("{head}{made}");
            if std::env::var_os("BTK_ACCEPT").is_some() {
                std::fs::write(path(file), &text).unwrap();
            } else {
                assert!(
                    committed == text,
                    "{file} differs; look at it with BTK_ACCEPT=1 cargo test"
                );
            }
        }
    }

    #[test]
    fn each_setting_says_what_it_does() {
        for setting in REFERENCE {
            let told = told(setting);
            assert!(told.ends_with('.') && !told.contains(" | "), "{}: {told}", setting.name);
            assert_eq!(told.matches('`').count() % 2, 0, "{}: {told}", setting.name);
        }
    }
}
