//! The tree of the IPTC Media Topics (version 2023-10-24, CC BY 4.0), all levels, retired topics too: newsrooms label as
//! deep as they know.

use std::{collections::HashMap, sync::LazyLock};

/// A topic and the next broader one a line.
const TREE: &str = include_str!("../../data/iptc-mediatopics-tree.tsv");

static BROADER: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| TREE.lines().filter_map(|line| line.split_once('\t')).collect());

/// What `find` says of a label, else of the next broader Media Topic of which it says something.
pub fn rolled_up<T>(id: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    find(id).or_else(|| {
        let id = id.trim().to_ascii_lowercase();
        let mut broader = BROADER.get(id.as_str());
        while let Some(id) = broader {
            if let Some(found) = find(id) {
                return Some(found);
            }
            broader = BROADER.get(id);
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::Taxonomy;

    #[test]
    fn every_topic_rolls_up_to_the_top() {
        let (top, second) = (Taxonomy::iptc().unwrap(), Taxonomy::iptc_second().unwrap());
        assert!(BROADER.len() > 1_300);
        for id in BROADER.keys() {
            let up = top.position(id).unwrap_or_else(|| panic!("{id}"));
            if let Some(at) = second.position(id) {
                assert_eq!(second.labels[at].broader, top.labels[up].id, "{id}");
            }
        }
        // Ballet is a kind of dance, that of arts and entertainment.
        let name = |taxonomy: &Taxonomy, id: &str| taxonomy.position(id).map(|at| taxonomy.labels[at].name.clone());
        assert_eq!(name(&second, "medtop:20000008").unwrap(), "arts and entertainment");
        assert_eq!(name(&top, " MEDTOP:20000008").unwrap(), "arts, culture, entertainment and media");
        // What is broader than all labels has no place among them.
        assert_eq!(second.position("medtop:01000000"), None);
        assert_eq!(rolled_up("sport", |_| None::<()>), None);
    }
}
