//! The OpenAPI document of the JSON paths, made from the protos, so that it cannot say anything else.

use super::json::{PATHS, method};
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The document.
pub(super) fn document(descriptors: &DescriptorPool) -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths = Map::new();
    for (path, verb, rpc) in PATHS {
        let Some(call) = method(descriptors, rpc) else { continue };
        let mut operation = json!({
            "operationId": call.name(),
            "description": comment(&call.parent_service().parent_file(), call.path()),
            "responses": {
                "200": {"description": "The answer.", "content": content(&mut schemas, Some(call.output()))},
                "default": {
                    "description": "Refused: a google.rpc.Status with its details.",
                    "content": content(&mut schemas, descriptors.get_message_by_name("google.rpc.Status")),
                },
            },
        });
        if verb == "post" {
            let content = content(&mut schemas, Some(call.input()));
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        if path.contains("{model}") {
            operation["parameters"] = json!([{
                "name": "model", "in": "path", "required": true, "schema": {"type": "string"},
                "description": "A name, name@version, or a label such as stable.",
            }]);
        }
        paths.insert(path.to_owned(), json!({ (verb): operation }));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wiredesk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The calls of wiredesk.v1 as canonical proto3 JSON. What is 0, false or empty is left out of replies.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    })
}

type Schemas = BTreeMap<String, Value>;

fn content(schemas: &mut Schemas, message: Option<MessageDescriptor>) -> Value {
    json!({"application/json": {"schema": message.map_or(Value::Null, |m| message_schema(schemas, &m))}})
}

/// A reference to a message, whose schema is made on the way.
fn message_schema(schemas: &mut Schemas, message: &MessageDescriptor) -> Value {
    match message.full_name() {
        "google.protobuf.Timestamp" => return json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => return json!({"type": "string", "examples": ["0.000052s"]}),
        "google.protobuf.Any" => return json!({"type": "object", "properties": {"@type": {"type": "string"}}}),
        _ => {}
    }
    let name = message.full_name().to_owned();
    if !schemas.contains_key(&name) {
        // First, for messages that hold themselves.
        schemas.insert(name.clone(), Value::Null);
        let mut properties = Map::new();
        for field in message.fields() {
            let mut schema = field_schema(schemas, &field);
            schema["description"] = comment(&field.parent_message().parent_file(), field.path()).into();
            properties.insert(field.json_name().to_owned(), schema);
        }
        let says = comment(&message.parent_file(), message.path());
        schemas.insert(name.clone(), json!({"type": "object", "description": says, "properties": properties}));
    }
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn field_schema(schemas: &mut Schemas, field: &FieldDescriptor) -> Value {
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let value = field_schema(schemas, &entry.map_entry_value_field());
        return json!({"type": "object", "additionalProperties": value});
    }
    let one = match field.kind() {
        Kind::Message(message) => message_schema(schemas, &message),
        Kind::Enum(values) => enum_schema(schemas, &values),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Double | Kind::Float => json!({"type": "number"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "format": "byte"}),
        // As the canonical JSON has them.
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => {
            json!({"type": "string", "format": "int64"})
        }
        _ => json!({"type": "integer"}),
    };
    if field.is_list() { json!({"type": "array", "items": one}) } else { one }
}

fn enum_schema(schemas: &mut Schemas, values: &EnumDescriptor) -> Value {
    let name = values.full_name().to_owned();
    let names: Vec<String> = values.values().map(|v| v.name().to_owned()).collect();
    let says = comment(&values.parent_file(), values.path());
    schemas.insert(name.clone(), json!({"type": "string", "description": says, "enum": names}));
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// What the proto says above it.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let place = info.and_then(|info| info.location.iter().find(|place| place.path == path));
    let says = place.map(|place| place.leading_comments().trim().to_owned()).unwrap_or_default();
    says.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}
