//! Places named in a document: the gazetteer and its matcher. Pure and total.
