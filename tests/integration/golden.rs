//! The help texts are part of the contract. `WIREDESK_BLESS=1` writes them anew.

use crate::support::{root, wiredesk};
use std::fs;

const COMMANDS: [&str; 10] =
    ["", "serve", "classify", "train", "compare", "evaluate", "models", "models show", "models verify", "health"];

#[test]
fn help_is_as_agreed() {
    let bless = std::env::var_os("WIREDESK_BLESS").is_some();
    for command in COMMANDS {
        let words: Vec<_> = command.split_whitespace().collect();
        let output = wiredesk().args(&words).arg("--help").output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        let help = String::from_utf8(output.stdout).unwrap();
        let name = if words.is_empty() { "help.txt".to_owned() } else { format!("help-{}.txt", words.join("-")) };
        let path = root().join("tests/golden").join(&name);
        if bless {
            fs::write(&path, &help).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(help, golden, "{name}: if this is meant, run with WIREDESK_BLESS=1");
    }
}
