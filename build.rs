//! Generates the gRPC code (protox: no protoc needed) and the list of files of
//! the embedded default bundle.
use std::{env, error::Error, fmt::Write as _, fs, path::Path};

const PROTOS: [&str; 3] = ["wiredesk/v1/classifier.proto", "wiredesk/v1/model.proto", "inference/open_inference.proto"];
const BUNDLE: &str = "models/default";

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    protos(out)?;
    embedded_bundle(out)?;
    Ok(())
}

/// Compiles the protos and writes the descriptor set that reflection serves.
fn protos(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_files(PROTOS)?;
    // `compile_fds` writes no descriptor file of its own.
    fs::write(out.join("wiredesk_descriptor.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .extern_path(".google.rpc", "::tonic_types")
        .extern_path(".wiredesk.v1.TopicLabel", "crate::service::topic_label::TopicLabel")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Writes `embedded.rs`: name and bytes of each file of the default bundle.
/// An empty folder gives an empty list, so that the first model can be trained.
fn embedded_bundle(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={BUNDLE}");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let dir = Path::new(&root).join(BUNDLE);
    let mut names = Vec::new();
    if dir.is_dir() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !name.starts_with('.') {
                names.push(name);
            }
        }
    }
    names.sort();
    let mut code = String::from("/// Name and bytes of each file.\npub(super) static FILES: &[(&str, &[u8])] = &[\n");
    for name in names {
        let path = dir.join(&name);
        writeln!(code, "    ({name:?}, include_bytes!({:?})),", path.display().to_string())?;
    }
    code.push_str("];\n");
    fs::write(out.join("embedded.rs"), code)?;
    Ok(())
}
