//! The spec's JSON Schema, made from its types, so that an editor completes and checks what is typed.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Spec;

/// The JSON Schema of the spec, as pretty-printed JSON.
pub fn schema() -> String {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Spec>();
    schema.insert("title".to_owned(), "spotstack.yaml".into());
    format!("{:#}\n", schema.as_value())
}

/// A type that the spec writes as a string of a certain shape.
macro_rules! text {
    ($name:ident, $pattern:literal, $description:literal) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}
text!(Duration, r"^[0-9]+[smhd]$", "A duration: 90s, 5m, 1h, 30d");
text!(Percentage, r"^[0-9.]+%$", "A percentage: 15%");
text!(IdleOrDuration, r"^(idle|[0-9]+[smhd])$", "`idle`, or a duration: 30m");
