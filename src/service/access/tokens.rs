//! Bearer tokens: a file of names, roles and secrets.

use super::AccessError;
use sha2::{Digest, Sha256};
use std::{fs, path::PathBuf};
use subtle::ConstantTimeEq;

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Classify, and ask about models.
    Classify,
    /// Correct answers.
    Feedback,
    /// Change which model answers.
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Classify, Self::Feedback, Self::Admin];

    /// As it is written in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Feedback => "feedback",
            Self::Admin => "admin",
        }
    }
}

/// A secret that can be guessed is none.
const MIN_TOKEN_BYTES: usize = 16;

/// The tokens of a file. Only their digests are kept: nothing that is logged or dumped can hold a secret.
pub(super) struct Tokens(Vec<Token>);

struct Token {
    name: String,
    roles: Vec<Role>,
    digest: [u8; 32],
}

/// Who was recognised.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer<'a> {
    pub(super) name: &'a str,
    pub(super) roles: &'a [Role],
}

impl Tokens {
    /// Reads the first of `files`. No error repeats what stands in it but names and roles.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, AccessError> {
        let place = files.first().map(|f| f.display().to_string()).unwrap_or_default();
        let wrong = |place: String, problem: String| AccessError::Tokens { place, problem };
        let text = files.first().map_or_else(|| Ok(String::new()), fs::read_to_string);
        let text = text.map_err(|e| wrong(place.clone(), e.to_string()))?;
        let mut tokens: Vec<Token> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let token = parse(line).map_err(|problem| wrong(format!("{place}:{}", i + 1), problem))?;
            if let Some(same) = tokens.iter().find(|t| t.digest == token.digest || t.name == token.name) {
                let problem = format!("{}: the name or the token is that of {} above", token.name, same.name);
                return Err(wrong(format!("{place}:{}", i + 1), problem));
            }
            tokens.push(token);
        }
        if tokens.is_empty() {
            return Err(wrong(place, "no token in it: nobody could call; write lines of NAME ROLES TOKEN".into()));
        }
        Ok(Self(tokens))
    }

    /// Who bears this token. Takes the same time whichever it is, and however much of it is right.
    pub(super) fn bearer(&self, presented: &[u8]) -> Option<Bearer<'_>> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.digest.ct_eq(&digest)) {
                found = Some(token);
            }
        }
        found.map(|token| Bearer { name: &token.name, roles: &token.roles })
    }
}

fn parse(line: &str) -> Result<Token, String> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(roles), Some(secret), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err("three words are expected: NAME ROLES TOKEN".to_owned());
    };
    let roles = roles
        .split(',')
        .map(|role| Role::ALL.into_iter().find(|r| r.name() == role))
        .collect::<Option<Vec<Role>>>()
        .ok_or("the second word must be roles, joined by commas: classify, feedback, admin")?;
    let digest = match secret.strip_prefix("sha256:") {
        Some(hex) => digest(hex).ok_or("sha256: must be followed by 64 hexadecimal digits")?,
        None if secret.len() < MIN_TOKEN_BYTES => {
            return Err(format!(
                "the token has less than {MIN_TOKEN_BYTES} bytes; make one with: openssl rand -hex 32"
            ));
        }
        None => Sha256::digest(secret).into(),
    };
    Ok(Token { name: name.to_owned(), roles, digest })
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Tokens, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Tokens::read(&[file.path().to_owned()]).map_err(|e| e.to_string())
    }

    #[test]
    fn knows_who_bears_which() {
        // The digest of "hashed-secret-0123456789".
        let digest: [u8; 32] = Sha256::digest("hashed-secret-0123456789").into();
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let file = format!("# comment\n\nweb classify plain-secret-0123456789\nops classify,admin sha256:{hex}\n");
        let tokens = read(&file).unwrap();
        let web = tokens.bearer(b"plain-secret-0123456789").unwrap();
        assert_eq!((web.name, web.roles), ("web", &[Role::Classify][..]));
        let ops = tokens.bearer(b"hashed-secret-0123456789").unwrap();
        assert_eq!((ops.name, ops.roles), ("ops", &[Role::Classify, Role::Admin][..]));
        for no in ["", "plain-secret-012345678", "plain-secret-01234567890", &format!("sha256:{hex}"), &hex] {
            assert_eq!(tokens.bearer(no.as_bytes()), None, "{no}");
        }
    }

    #[test]
    fn a_wrong_line_is_named_and_no_secret_is_told() {
        for (file, says) in [
            ("web classify secret-secret-secret more", ":1: three words"),
            ("# x\nweb admn secret-secret-secret", ":2: the second word must be roles"),
            ("web classify secret", "less than 16 bytes"),
            ("web classify sha256:secret", "64 hexadecimal digits"),
            ("a classify secret-secret-secret\nb admin secret-secret-secret", ":2: b: the name or the token"),
            ("# nothing\n", "no token in it"),
        ] {
            let error = read(file).err().unwrap();
            assert!(error.contains(says) && !error.contains("secret"), "{error}");
        }
    }
}
