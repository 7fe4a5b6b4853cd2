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
        if !asks_for_spot(definition) || asks_for_spot(twin) {
            return wrong("the first asks for Spot, and the second must not");
        }
        let properties = |definition| Value::get(definition, "Properties").unwrap_or(&Value::Null);
        if let Some(place) = difference(properties(definition), properties(twin), "Properties") {
            return wrong(&place);
        }
    }
    Ok(())
}

/// Whether a launch definition has the property that asks for Spot.
fn asks_for_spot(definition: &Value) -> bool {
    let properties = definition.get("Properties");
    let data = properties.and_then(|properties| properties.get("LaunchTemplateData")).or(properties);
    data.is_some_and(|data| PRICE.iter().any(|price| data.get(*price).is_some()))
}

/// The path of the first difference but for the price.
fn difference(a: &Value, b: &Value, path: &str) -> Option<String> {
    match (a, b) {
        (Value::Mapping(one), Value::Mapping(other)) => {
            let missing = other.keys().filter(|key| !one.contains_key(*key));
            one.keys().chain(missing).filter(|key| !is_price(key, path)).find_map(|key| {
                let path = format!("{path}.{}", key.as_str().unwrap_or("?"));
                match (one.get(key), other.get(key)) {
                    (Some(a), Some(b)) => difference(a, b, &path),
                    _ => Some(path),
                }
            })
        }
        _ => (a != b).then(|| path.to_owned()),
    }
}

fn is_price(key: &Value, path: &str) -> bool {
    ["Properties", "Properties.LaunchTemplateData"].contains(&path) && PRICE.iter().any(|price| key == *price)
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
