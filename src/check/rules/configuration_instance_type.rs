//! Launch configurations know the instance types of their time.

use super::{Found, Rule, Severity, Subject};
use crate::spec::LaunchKind;

pub(in crate::check) static RULE: Rule = Rule {
    id: "configuration-instance-type",
    severity: Severity::Warning,
    sentence: "A launch configuration names an instance type that was launched after 2022.",
    fix: "use `kind: template`, or a type of the generations before (g4dn, g5, m6i, c6i …)",
    why: "Since 2023 AWS adds no instance types to launch configurations: «The specified instance type … is not valid». Worse, some \
          can be named in a launch configuration and then never launch. AWS publishes no list of them; this rule goes by the \
          families it has added to its API since, so it may be wrong about a type, and is a warning.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-configurations.html",
    check,
};

/// Families of accelerators that came after 2022 though their numbers are small.
const NEW: [&str; 10] = ["dl2q", "g6", "g6e", "g6f", "gr6", "gr6f", "hpc6id", "inf2", "trn1n", "trn2"];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let launches = subject.pairs().filter_map(|(pair, _)| Some(&pair.value.launch.as_ref()?.value));
    launches
        .filter(|launch| launch.kind.as_ref().is_some_and(|kind| kind.value == LaunchKind::Configuration))
        .filter(|launch| is_new(&launch.instance_type.value))
        .map(|launch| {
            let message = format!("{} is newer than launch configurations", launch.instance_type.value);
            Found::new(message).at(launch.instance_type.referenced, "launched after 2022")
        })
        .collect()
}

/// Whether a type's family was launched after 2022: by name, or by its generation.
fn is_new(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let number = family.find(|char: char| !char.is_ascii_lowercase()).unwrap_or(family.len());
    let (class, rest) = family.split_at(number);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let generation: u32 = digits.parse().unwrap_or(0);
    let newest_of_2022 = match class {
        "p" => 4,
        "g" => 5,
        _ => 6,
    };
    NEW.contains(&family) || generation > newest_of_2022 && family != "c7g"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Spec, table};

    #[test]
    fn new_types_are_known() {
        for new in [
            "g6.xlarge",
            "gr6.4xlarge",
            "p5en.48xlarge",
            "p6-b200.48xlarge",
            "m7i.large",
            "m7i-flex.large",
            "r8g.large",
            "inf2.xlarge",
            "c7gn.large",
            "g7e.2xlarge",
        ] {
            assert!(is_new(new), "{new}");
        }
        for old in [
            "g5.2xlarge",
            "g5g.xlarge",
            "g4dn.xlarge",
            "p4de.24xlarge",
            "p3.2xlarge",
            "c7g.large",
            "m6i.large",
            "t3.micro",
            "inf1.xlarge",
            "trn1.2xlarge",
            "x2gd.large",
            "u-6tb1.metal",
            "i4i.large",
        ] {
            assert!(!is_new(old), "{old}");
        }
    }

    #[test]
    fn configurations_name_types_of_their_time() {
        let new = Spec("g5.2xlarge", "g6.2xlarge");
        table(
            &RULE,
            &[(&[], &[]), (&[new], &[]), (&[CONFIGURATION], &[]), (&[CONFIGURATION, new], &["g6.2xlarge is newer"])],
        );
    }
}
