//! Groups that another template made: found, checked, and handed to the template as parameters.
//!
//! [`find`] asks; what the answers mean is decided by functions from data to data next to it: [`tree`] (which resource a
//! logical id is), [`fit`] (whether two groups can be a pair, and what will surprise). All that is wrong is said at once, with
//! what is there instead.

use std::collections::BTreeMap;

use futures_util::future::{join3, try_join_all};

use super::PairName;
use super::audience::{Audience, Moment};
use super::cloud::{Cloud, Group, LaunchDefinition};
use super::error::DeployError;
use super::stack::Stack;
use super::trouble::{CloudError, Trouble};
use crate::plan::{self, Plan};
use crate::spec::nearest;

pub mod fit;
pub mod problem;
pub mod tree;

use fit::Seen;
use problem::Problem;
use tree::Tree;

/// A pair whose groups another template made, and what it asks of them.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The pair.
    pub pair: PairName<'a>,
    /// Its groups, as the spec names them.
    pub groups: &'a plan::Groups,
    /// Workers of both groups together, at most.
    pub max: u32,
    /// On-Demand workers that are always on.
    pub base: u32,
    /// Whether workers start protected from scale-in.
    pub protect: bool,
    /// Up to which price Spot is worth it, in USD.
    pub max_price: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// The pairs of a plan that bring their groups.
    pub fn all(plan: &'a Plan) -> Vec<Self> {
        let wanted = |pair: &'a plan::Pair| {
            Some(Self {
                pair: PairName::of(pair),
                groups: pair.groups.as_ref()?,
                max: pair.max,
                base: pair.base,
                protect: pair.protect,
                max_price: pair.policy.max_price.as_deref(),
            })
        };
        plan.pairs.iter().filter_map(wanted).collect()
    }

    /// The two groups as the spec names them, Spot first.
    fn names(&self) -> [&'a str; 2] {
        [&self.groups.spot, &self.groups.on_demand]
    }

    fn words(&self, name: &str) -> String {
        format!("{}: {}", self.pair.name, self.groups.words(name))
    }
}

/// Finds the groups of every pair, checks them, tells the audience what it found and what will surprise, and gives the
/// template's parameters for them. `own` is the stack that is deployed to, if it is there.
///
/// # Errors
/// A group is not to be found, or cannot be managed; or AWS does not answer.
pub async fn find<C: Cloud, A: Audience>(
    wanted: &[Wanted<'_>],
    stack: &str,
    own: Option<&Stack>,
    cloud: &C,
    audience: &mut A,
) -> Result<BTreeMap<String, String>, DeployError> {
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let trees = trees(wanted, cloud).await?;
    for (stack, _) in trees.values().flatten().filter(|(stack, _)| stack.status.is_in_progress()) {
        let text = format!(
            "CloudFormation is at work on `{}` ({}): if it replaces a group there, deploy again afterwards",
            stack.name, stack.status
        );
        audience.hear(&Moment::Warning { text: &text });
    }
    let pairs = all_or_problems(wanted.iter().map(|wanted| names(wanted, &trees)))?;
    let pairs = groups(wanted, &pairs, stack, cloud).await?;
    let own_policies = own_policies(own, cloud).await;
    let pairs = try_join_all(pairs.into_iter().map(|pair| try_join_all(pair.map(|found| seen(found, cloud))))).await?;

    let mut parameters = BTreeMap::new();
    let mut problems = Vec::new();
    for (wanted, pair) in wanted.iter().zip(pairs) {
        let Ok([spot, on_demand]) = <[_; 2]>::try_from(pair) else { continue };
        let [spot, on_demand] = [spot, on_demand].map(|seen: Seen| seen.without(&own_policies));
        let instance_type = match fit::market(wanted, &spot, &on_demand) {
            Ok(instance_type) => instance_type,
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        audience.hear(&Moment::GroupsFound {
            pair: wanted.pair.name,
            spot: &spot.group.name,
            on_demand: &on_demand.group.name,
            instance_type: &instance_type,
        });
        for text in fit::warnings(wanted, &spot, &on_demand) {
            audience.hear(&Moment::Warning { text: &format!("{}: {text}", wanted.pair.name) });
        }
        let id = wanted.pair.id;
        parameters.insert(format!("{id}SpotGroup"), spot.group.name);
        parameters.insert(format!("{id}OnDemandGroup"), on_demand.group.name);
        parameters.insert(format!("{id}InstanceType"), instance_type);
    }
    if problems.is_empty() { Ok(parameters) } else { Err(DeployError::Groups { problems }) }
}

/// Every stack that the spec names, with its nested stacks; `None`: there is none of that name.
type Trees<'a> = BTreeMap<&'a str, Option<(Stack, Tree)>>;

async fn trees<'a>(wanted: &[Wanted<'a>], cloud: &impl Cloud) -> Result<Trees<'a>, CloudError> {
    let mut names: Vec<&str> = wanted.iter().filter_map(|wanted| wanted.groups.stack.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let trees = names.iter().map(async |name| {
        let Some(stack) = cloud.stack(name).await?.filter(|stack| !stack.status.is_deleted()) else {
            return Ok(None);
        };
        let tree = Tree::grow(&stack.arn, cloud).await?;
        Ok::<_, CloudError>(Some((stack, tree)))
    });
    let trees = try_join_all(trees).await?;
    Ok(names.into_iter().zip(trees).collect())
}

/// The names of a pair's two groups, and what their names say of them.
fn names(wanted: &Wanted<'_>, trees: &Trees<'_>) -> Found<[String; 2]> {
    let Some(stack) = wanted.groups.stack.as_deref() else { return Ok(wanted.names().map(str::to_owned)) };
    let pair = wanted.pair.name.to_owned();
    let Some((found, tree)) = trees.get(stack).and_then(Option::as_ref) else {
        return Err(vec![Problem::NoStack { pair, stack: stack.into() }]);
    };
    if found.is_ours() && !found.parameters.is_empty() {
        return Err(vec![Problem::Spotstacks { pair, stack: stack.into() }]);
    }
    let names = wanted.names().map(|id| tree.group(id).map_err(|why| vec![why.at(&pair, id, stack, tree)]));
    both(names)
}

/// What was found, or every reason why not.
type Found<T> = Result<T, Vec<Problem>>;

/// Both, or every problem of both.
fn both<T>(both: [Found<T>; 2]) -> Found<[T; 2]> {
    match both {
        [Ok(one), Ok(other)] => Ok([one, other]),
        results => Err(results.into_iter().filter_map(Result::err).flatten().collect()),
    }
}

/// All of them, or every problem of each.
fn all_or_problems<T>(results: impl IntoIterator<Item = Found<T>>) -> Result<Vec<T>, DeployError> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => all.push(one),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(DeployError::Groups { problems }) }
}

/// The groups of these names, pair by pair, if each can be managed by this stack and by one pair of it.
async fn groups(
    wanted: &[Wanted<'_>],
    pairs: &[[String; 2]],
    stack: &str,
    cloud: &impl Cloud,
) -> Result<Vec<[Group; 2]>, DeployError> {
    let mut names: Vec<String> = pairs.iter().flatten().cloned().collect();
    names.sort_unstable();
    names.dedup();
    let groups = cloud.groups(&names).await?.into_iter();
    let groups: BTreeMap<String, Group> = groups.map(|group| (group.name.clone(), group)).collect();
    // What is there instead is asked only where something is missing.
    let missing = names.iter().any(|name| !groups.contains_key(name));
    let there = if missing { cloud.all_groups().await.unwrap_or_default() } else { Vec::new() };

    let mut managed: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (wanted, names) in wanted.iter().zip(pairs) {
        let pair = wanted.pair.name;
        let [spot, on_demand] = wanted.names();
        let look = |name: &String, id: &str| {
            let words = wanted.words(id);
            let Some(group) = groups.get(name) else {
                let known: Vec<&str> = there.iter().map(|group| group.name.as_str()).collect();
                return Err(vec![Problem::NoGroup {
                    words,
                    name: name.clone(),
                    from_stack: wanted.groups.stack.is_some(),
                    nearest: nearest(name, &known).map(str::to_owned),
                    others: known.len(),
                }]);
            };
            if group.is_deleting {
                return Err(vec![Problem::Deleting { words, name: name.clone() }]);
            }
            if !plan::is_group_name(name) {
                return Err(vec![Problem::Name { words, name: name.clone() }]);
            }
            if group.owner.as_ref().is_some_and(|owner| owner.stack_name() == stack) {
                return Err(vec![Problem::Own { words, stack: stack.into() }]);
            }
            Ok(group.clone())
        };
        let mut result = both([look(&names[0], spot), look(&names[1], on_demand)]);
        if names[0] == names[1] {
            result = Err(vec![Problem::Same { pair: pair.into(), name: names[0].clone() }]);
        } else if let Some((name, first)) = names.iter().find_map(|name| Some((name, managed.insert(name, pair)?))) {
            result = Err(vec![Problem::Twice { name: name.clone(), first: first.into(), second: pair.into() }]);
        }
        found.push(result);
    }
    all_or_problems(found)
}

/// The scaling policies that this stack itself put on groups, by their ARNs. Best effort: without them it warns of its own.
async fn own_policies(own: Option<&Stack>, cloud: &impl Cloud) -> Vec<String> {
    let Some(own) = own else { return Vec::new() };
    let resources = cloud.resources(&own.arn).await.unwrap_or_default();
    resources.into_iter().filter_map(|resource| resource.physical_id).collect()
}

/// A group with what it launches and what else acts on it.
async fn seen(group: Group, cloud: &impl Cloud) -> Result<Seen, CloudError> {
    let definition = async {
        match &group.launch {
            Some(source) => cloud.launch_definition(source).await,
            None => Ok(LaunchDefinition::default()),
        }
    };
    let template = async {
        match &group.owner {
            Some(owner) => cloud.template(&owner.stack_arn).await.map(Some),
            None => Ok(None),
        }
    };
    let (definition, template, policies) = join3(definition, template, cloud.scaling_policies(&group.name)).await;
    let definition = definition?;
    // What only warns does not stop: not everybody may read everything.
    let unread = [template.as_ref().err(), policies.as_ref().err()];
    let unread = unread.into_iter().flatten().map(|error| unread_because(&group.name, error)).collect();
    let template = template.ok().flatten().unwrap_or_default();
    let owner = group.owner.as_ref().map(|owner| owner.logical_id.as_str());
    Ok(Seen {
        desired_in_template: owner.is_some_and(|id| tree::sets_desired_capacity(&template, id)),
        policies: policies.unwrap_or_default(),
        definition,
        unread,
        group,
    })
}

fn unread_because(group: &str, error: &CloudError) -> String {
    let why = if error.trouble == Trouble::Denied { "may not be read" } else { "could not be read" };
    let what = match error.operation {
        "GetTemplate" => "the template that made it",
        _ => "what else scales it",
    };
    format!("{group}: {what} {why}, so it is not checked ({})", error.operation)
}

#[cfg(test)]
mod tests;
