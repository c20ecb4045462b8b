//! JSON schemas as models and their servers read them best: in one piece, without references.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value};

pub fn input<T: JsonSchema>() -> Map<String, Value> {
    object::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// A field that may be null is one that may be absent: results have no nulls.
pub fn output<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    object::<T>(settings.with_transform(RecursiveTransform(without_null)))
}

fn without_null(schema: &mut Schema) {
    let Some(Value::Object(mut properties)) = schema.remove("properties") else { return };
    let mut optional = Vec::new();
    for (name, property) in &mut properties {
        let Some(Value::Array(types)) = property.get_mut("type") else { continue };
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            property["type"] = only.clone();
            optional.push(name.clone());
        }
    }
    schema.insert("properties".into(), properties.into());
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !optional.iter().any(|optional| name == optional));
    }
}

fn object<T: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    // An argument may be absent or null; to say so in its type would only lead models to send null.
    let settings = settings.with_transform(RecursiveTransform(|schema: &mut Schema| {
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
    }));
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut object = schema.as_object().cloned().unwrap_or_default();
    // The name of a Rust type says nothing to a model.
    object.remove("title");
    object
}
