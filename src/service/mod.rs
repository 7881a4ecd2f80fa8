//! gRPC: the only room that sees prost types.
