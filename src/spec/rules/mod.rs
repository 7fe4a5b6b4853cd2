//! What no type can say: shapes that AWS asks for, numbers out of range, keys that contradict each other.
//!
//! Each rule adds what it finds to one list, so that a run shows everything. Sources are the CloudFormation resource
//! specifications and the service quotas pages, unless a rule says otherwise.

use spot_policy::Seconds;

use super::problem::Problem;
use super::{At, Spec};

mod launch;
mod pair;
mod pairs;
mod shape;
mod stack;

/// Everything that is wrong with a spec, in the order of its keys.
pub(super) fn check(spec: &Spec) -> Vec<Problem> {
    let mut found = Findings::default();
    stack::check(spec, &mut found);
    pairs::check(spec, &mut found);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Problem>);

impl Findings {
    fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds a problem at a value unless it `holds`.
    fn require<T>(&mut self, holds: bool, value: &At<T>, label: &str, message: impl FnOnce(&T) -> String) {
        if !holds {
            self.push(Problem::at(value.referenced, label, message(&value.value)));
        }
    }

    /// Adds a problem unless this can be a stack's name.
    fn stack_name(&mut self, name: &At<String>) {
        let label = "letters, digits and hyphens, beginning with a letter, at most 128";
        self.require(shape::is_stack(&name.value), name, label, |name| format!("`{name}` cannot be a stack's name"));
    }

    /// Adds a problem unless the number, where it is given, lies in the range.
    fn within<T: PartialOrd + Copy + std::fmt::Display>(&mut self, value: &Option<At<T>>, key: &str, low: T, high: T) {
        if let Some(value) = value {
            let holds = value.value >= low && value.value <= high;
            self.require(holds, value, &format!("from {low} to {high}"), |given| {
                format!("`{key}` is {given}, and goes from {low} to {high}")
            });
        }
    }

    /// Adds a problem unless the duration, where it is given, is whole minutes in the range.
    fn whole_minutes(&mut self, value: &Option<At<Seconds>>, key: &str, low: Seconds, high: Seconds) {
        self.within(value, key, low, high);
        // One problem of a value is enough.
        if let Some(value) = value.as_ref().filter(|value| (low..=high).contains(&value.value)) {
            self.require(value.value.0.is_multiple_of(60), value, "not whole minutes", |given| {
                format!("`{key}` is {given}, and is counted in whole minutes")
            });
        }
    }
}
