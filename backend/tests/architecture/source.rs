//! Which module uses which, read from the text of the files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The text of each module by its path, such as `tasks::change`. `lib` and `main` are the roots.
pub type Sources = BTreeMap<String, String>;

/// Reads every file of a directory of sources.
pub fn read(root: &Path) -> Sources {
    let mut sources = Sources::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().with_extension("");
                let name = name.to_str().unwrap().replace('/', "::");
                let name = name.strip_suffix("::mod").unwrap_or(&name).to_owned();
                sources.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

/// The modules that each module uses. A path leads to the deepest module that it names.
pub fn graph(sources: &Sources) -> BTreeMap<String, BTreeSet<String>> {
    let uses = |(module, text): (&String, &String)| {
        let paths = paths(&tokens(text), module, sources);
        let mut used: BTreeSet<String> = paths.iter().filter_map(|path| deepest(path, sources)).collect();
        used.remove(module);
        (module.clone(), used)
    };
    sources.iter().map(uses).collect()
}

/// The modules with a path that begins with `axum` or `axum_extra`.
pub fn axum_users(sources: &Sources) -> BTreeSet<&str> {
    let is_user = |text: &str| {
        tokens(text).windows(2).any(|pair| matches!(pair[0].as_str(), "axum" | "axum_extra") && pair[1] == "::")
    };
    sources.iter().filter(|(_, text)| is_user(text)).map(|(module, _)| module.as_str()).collect()
}

/// The deepest module on a path; the library's root for something that is defined there.
fn deepest(path: &[String], sources: &Sources) -> Option<String> {
    let modules = (1..=path.len()).rev().map(|length| path[..length].join("::"));
    let found = modules.into_iter().find(|module| sources.contains_key(module));
    found.or_else(|| sources.contains_key("lib").then(|| "lib".to_owned()))
}

/// Every path from the root of the crate that a module names.
fn paths(tokens: &[String], module: &str, sources: &Sources) -> Vec<Vec<String>> {
    let home: Vec<String> = match module {
        "lib" | "main" => Vec::new(),
        _ => module.split("::").map(str::to_owned).collect(),
    };
    let mut found = Vec::new();
    // The modules inside of this file that are open at this place, each with the depth of its braces.
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let next = |offset: usize| tokens.get(at + offset).map_or("", String::as_str);
        let starts_path = next(1) == "::" && (at == 0 || tokens[at - 1] != "::");
        let mut here = home.clone();
        here.extend(inline.iter().map(|(_, name)| name.clone()));
        let start = match next(0) {
            "crate" | "todo_backend" if starts_path => Some((Vec::new(), at + 2)),
            "self" | "super" if starts_path => Some((here, at)),
            // `main` has no modules of its own: what it names like one is an import.
            child if starts_path && module != "main" => {
                let child = [home.as_slice(), &[child.to_owned()]].concat().join("::");
                sources.contains_key(&child).then(|| (home.clone(), at))
            }
            _ => None,
        };
        if let Some((prefix, first)) = start {
            at = use_tree(tokens, first, &prefix, &mut found);
            continue;
        }
        match next(0) {
            "mod" if next(2) == "{" => inline.push((depth, next(1).to_owned())),
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inline.retain(|(outside, _)| *outside < depth);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads a path, or a tree of them in braces, and gives the place after it.
fn use_tree(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    let mut path = prefix.to_vec();
    loop {
        if token(at) == "{" {
            at += 1;
            while !matches!(token(at), "}" | "") {
                at = use_tree(tokens, at, &path, found);
                while matches!(token(at), "," | "as") {
                    // After `as` comes the new name.
                    at += if token(at) == "as" { 2 } else { 1 };
                }
            }
            return at + 1;
        }
        match token(at) {
            "self" => {}
            "super" => drop(path.pop()),
            name => path.push(name.to_owned()),
        }
        at += 1;
        let goes_on = token(at) == "::"
            && token(at + 1).starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '*' | '{'));
        if !goes_on {
            found.push(path);
            return at;
        }
        at += 1;
    }
}

/// Names and signs, without comments, strings and characters.
fn tokens(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let text: Vec<char> = lines.collect::<Vec<_>>().join("\n").chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = text.get(at) {
        let rest = &text[at..];
        let length = if character.is_alphabetic() || character == '_' {
            raw_string(rest).unwrap_or_else(|| {
                let length = rest.iter().take_while(|next| next.is_alphanumeric() || **next == '_').count();
                tokens.push(rest[..length].iter().collect());
                length
            })
        } else if character == '"' {
            string(rest)
        } else if character == '\'' {
            // A character; else a lifetime, whose name is dropped like any other sign.
            match rest {
                [_, '\\', ..] => 3 + rest[3..].iter().take_while(|next| **next != '\'').count(),
                [_, _, '\'', ..] => 3,
                _ => 1,
            }
        } else if rest.starts_with(&[':', ':']) {
            tokens.push("::".to_owned());
            2
        } else {
            if !character.is_whitespace() {
                tokens.push(character.to_string());
            }
            1
        };
        at += length;
    }
    tokens
}

/// The length of a string.
fn string(text: &[char]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string such as `r#"…"#`, if the text begins with one.
fn raw_string(text: &[char]) -> Option<usize> {
    let prefix = match text {
        ['b', 'r', ..] => 2,
        ['r', ..] => 1,
        _ => return None,
    };
    let hashes = text[prefix..].iter().take_while(|next| **next == '#').count();
    if text.get(prefix + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = prefix + hashes + 1;
    let length = text[body..].windows(end.len()).position(|part| part == end)?;
    Some(body + length + end.len())
}
