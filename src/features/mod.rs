//! Words and word pairs to sparse features, and the table of all heads' weights. Pure and total.
