//! JSON schemas as models and their servers read them best: in one piece, without references.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value};

pub fn input<T: JsonSchema>() -> Map<String, Value> {
    object::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

pub fn output<T: JsonSchema>() -> Map<String, Value> {
    object::<T>(SchemaSettings::draft2020_12().for_serialize())
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
