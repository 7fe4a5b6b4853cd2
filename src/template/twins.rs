//! The twins differ in nothing but the Spot price: checked on every render, because the fallback rests on it.

use serde_yaml::Value;

use super::{Template, TemplateError};

/// The property by which a launch definition asks for Spot, in launch configurations and launch templates.
const PRICE: [&str; 2] = ["SpotPrice", "InstanceMarketOptions"];

/// Finds the first pair of launch definitions that are not twins.
pub(super) fn check(template: &Template) -> Result<(), TemplateError> {
    for (spot, definition) in template.resources() {
        let Some(stem) = spot.strip_suffix("SpotLaunch") else { continue };
        let on_demand = format!("{stem}OnDemandLaunch");
        let twin = template.resources().find(|(id, _)| *id == on_demand).map(|(_, twin)| twin);
        let wrong = |place: &str| {
            Err(TemplateError::Twins { spot: spot.to_owned(), on_demand: on_demand.clone(), place: place.to_owned() })
        };
        let Some(twin) = twin else { return wrong("the second does not exist") };
        if definition.get("Type") != twin.get("Type") {
            return wrong("Type");
        }
        let (properties, price) = without_price(definition);
        let (twins_properties, twins_price) = without_price(twin);
        if price.is_none() || twins_price.is_some() {
            return wrong("the first asks for Spot, and the second must not");
        }
        if let Some(place) = difference(&properties, &twins_properties, "Properties".to_owned()) {
            return wrong(&place);
        }
    }
    Ok(())
}

/// A launch definition's properties without the price, and the price.
fn without_price(definition: &Value) -> (Value, Option<Value>) {
    let mut properties = definition.get("Properties").cloned().unwrap_or_default();
    let data = match properties.get_mut("LaunchTemplateData") {
        Some(data) => data.as_mapping_mut(),
        None => properties.as_mapping_mut(),
    };
    let price = data.and_then(|data| PRICE.iter().find_map(|price| data.shift_remove(*price)));
    (properties, price)
}

/// The path of the first difference.
fn difference(a: &Value, b: &Value, path: String) -> Option<String> {
    match (a, b) {
        (Value::Mapping(one), Value::Mapping(other)) => one.keys().chain(other.keys()).find_map(|key| {
            let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
            match (one.get(key), other.get(key)) {
                (Some(a), Some(b)) => difference(a, b, path),
                _ => Some(path),
            }
        }),
        _ => (a != b).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(spot: &str, on_demand: &str) -> Result<Template, TemplateError> {
        let resource = |id: &str, properties: &str| {
            format!(
                "  {id}:\n    Type: AWS::EC2::LaunchTemplate\n    Properties:\n      LaunchTemplateData: {{{properties}}}\n"
            )
        };
        Template::new(format!(
            "Resources:\n{}{}",
            resource("GpuSpotLaunch", spot),
            resource("GpuOnDemandLaunch", on_demand)
        ))
    }

    #[test]
    fn twins_differ_in_the_price_alone() {
        let spot = "InstanceMarketOptions: {MarketType: spot}, ImageId: ami-1, X: {Y: 1}";
        assert!(template(spot, "ImageId: ami-1, X: {Y: 1}").is_ok());
        for (twin, place) in [
            ("ImageId: ami-2, X: {Y: 1}", "Properties.LaunchTemplateData.ImageId"),
            ("ImageId: ami-1, X: {Y: 2}", "Properties.LaunchTemplateData.X.Y"),
            ("ImageId: ami-1, X: {Y: 1}, Z: 1", "Properties.LaunchTemplateData.Z"),
            (spot, "the first asks for Spot, and the second must not"),
        ] {
            let error = template(spot, twin).expect_err(twin).to_string();
            assert!(error.ends_with(place), "{error}");
        }
        assert!(template("ImageId: ami-1", "ImageId: ami-1").is_err());
    }
}
