//! Why a pair cannot have the groups that the spec names: what was looked for, where, and what is there instead.

use miette::Diagnostic;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[expect(missing_docs, reason = "the fields are the parts of the sentences")]
pub enum Problem {
    /// The stack is not there.
    #[error("{pair}: there is no stack `{stack}` in this account and Region")]
    #[diagnostic(help(
        "`groups: {{stack: …}}` in the spec names it; `--region` and `--profile` say where to look. Groups of no stack are named by their names, without `stack`"
    ))]
    NoStack { pair: String, stack: String },
    /// The stack is one of spotstack's.
    #[error("{pair}: spotstack made the stack `{stack}`, whose groups have a SpotManager already")]
    #[diagnostic(help("a group has one SpotManager: two would undo what the other does"))]
    Spotstacks { pair: String, stack: String },
    /// No resource has the logical id.
    #[error("{pair}: there is no `{id}` in {place}")]
    #[diagnostic(help("{}", instead(nearest.as_deref(), groups)))]
    NoId { pair: String, id: String, place: String, nearest: Option<String>, groups: Vec<String> },
    /// It is something else.
    #[error("{pair}: `{id}` of the stack `{stack}` is an {kind}, and not an Auto Scaling group")]
    #[diagnostic(help("{}", instead(nearest.as_deref(), groups)))]
    NotAGroup { pair: String, id: String, stack: String, kind: String, nearest: Option<String>, groups: Vec<String> },
    /// Several nested stacks have it.
    #[error("{pair}: several groups in the stacks nested in `{stack}` are called `{id}`")]
    #[diagnostic(help("name one of them with the nested stack before it: {}", paths.join(", ")))]
    Several { pair: String, id: String, stack: String, paths: Vec<String> },
    /// It is not made yet, or could not be.
    #[error("{pair}: `{id}` of the stack `{stack}` has no group ({status})")]
    #[diagnostic(help("deploy again when the other stack has finished"))]
    NotThere { pair: String, id: String, stack: String, status: String },
    /// Auto Scaling does not know the name.
    #[error("{words}: there is no Auto Scaling group `{name}`")]
    #[diagnostic(help("{}", no_group(*from_stack, nearest.as_deref(), *others)))]
    NoGroup { words: String, name: String, from_stack: bool, nearest: Option<String>, others: usize },
    /// It is going.
    #[error("{words}: the group `{name}` is being deleted")]
    #[diagnostic(help("if the other stack is replacing it, deploy again when that has finished"))]
    Deleting { words: String, name: String },
    /// Its name would mean something else in an IAM policy.
    #[error("{words}: the group `{name}` cannot be managed under this name")]
    #[diagnostic(help(
        "with `:`, `*`, `?` or `$` in it, the SpotManager's role would reach other groups as well, or none"
    ))]
    Name { words: String, name: String },
    /// It is this stack's own.
    #[error("{words}: the stack `{stack}` itself made this group")]
    #[diagnostic(help("only groups of other templates are named under `groups:`"))]
    Own { words: String, stack: String },
    /// Both names lead to one group.
    #[error("{pair}: both groups are `{name}`")]
    #[diagnostic(help("a pair is two groups: one that asks for Spot, one that does not"))]
    Same { pair: String, name: String },
    /// Two pairs would manage it.
    #[error("the group `{name}` is managed by `{first}` and by `{second}`")]
    #[diagnostic(help("a group has one SpotManager: two would undo what the other does"))]
    Twice { name: String, first: String, second: String },
    /// The group itself mixes both.
    #[error("{words}: the group `{name}` has a mixed instances policy")]
    #[diagnostic(help(
        "such a group shares its instances out between Spot and On-Demand by a fixed ratio, so that it is neither the Spot group of a pair nor the On-Demand group. Give it a launch template of its own: with InstanceMarketOptions for Spot, without for On-Demand"
    ))]
    Mixed { words: String, name: String },
    /// Neither a launch template nor a launch configuration.
    #[error("{words}: the group `{name}` has no launch template and no launch configuration")]
    #[diagnostic(help("without one it launches nothing"))]
    NoLaunch { words: String, name: String },
    /// The two are the other way round.
    #[error("{pair}: `spot` asks for On-Demand, and `on_demand` asks for Spot")]
    #[diagnostic(help("exchange `{spot}` and `{on_demand}` in the spec"))]
    Swapped { pair: String, spot: String, on_demand: String },
    /// The Spot group does not ask for Spot.
    #[error("{words}: the group `{name}` does not ask for Spot")]
    #[diagnostic(help(
        "its launch template has no InstanceMarketOptions, or its launch configuration no SpotPrice: set it there"
    ))]
    NotSpot { words: String, name: String },
    /// The On-Demand group asks for something else.
    #[error("{words}: the group `{name}` asks for {market}, and not for On-Demand")]
    #[diagnostic(help(
        "without a group that asks for On-Demand there is nothing to fall back to: its launch template must have no InstanceMarketOptions, its launch configuration no SpotPrice"
    ))]
    NotOnDemand { words: String, name: String, market: String },
    /// There is no type whose price could be read.
    #[error("{words}: the group `{name}` names no instance type")]
    #[diagnostic(help(
        "it describes what it needs (InstanceRequirements), and the SpotManager reads the Spot price of one type: name one in the launch template"
    ))]
    NoInstanceType { words: String, name: String },
}

fn instead(nearest: Option<&str>, groups: &[String]) -> String {
    let meant = nearest.map(|nearest| format!("did you mean `{nearest}`? ")).unwrap_or_default();
    match groups {
        [] => "there is no Auto Scaling group at all".into(),
        groups => format!("{meant}The Auto Scaling groups there: {}", groups.join(", ")),
    }
}

fn no_group(from_stack: bool, nearest: Option<&str>, others: usize) -> String {
    match (from_stack, nearest) {
        (true, _) => {
            "its stack says that it is, so somebody deleted it behind CloudFormation's back: have that stack make it again"
                .into()
        }
        (false, Some(nearest)) => format!("did you mean `{nearest}`?"),
        (false, None) if others == 0 => "there is no Auto Scaling group at all in this account and Region".into(),
        (false, None) => format!(
            "`aws autoscaling describe-auto-scaling-groups` lists the {others} that there are. A logical id needs the `stack:` that it is in"
        ),
    }
}
