//! The bundle: manifest, weights, card; and the classifier made of it.
