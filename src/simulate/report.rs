//! A scenario lived by several strategies, or by one with several policies, and compared.

use rayon::prelude::*;
use serde::Serialize;
use spot_policy::Policy;

use super::outcome::Outcome;
use super::scenario::Scenario;
use super::strategy::Strategy;
use super::timeline::Timeline;
use super::world::{Mode, World};

/// How many pieces a time line has: as many as can be told apart on a page.
const PIECES: usize = 360;

/// What became of a pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The pair's name in the spec.
    pub pair: String,
    /// Where its world comes from, in words.
    pub world: Vec<String>,
    /// When it begins, in seconds since 1970.
    pub start: i64,
    /// How long it takes, in seconds.
    pub seconds: i64,
    /// What chance was made of.
    pub seed: u64,
    /// USD for an instance-hour of On-Demand.
    pub on_demand_usd: f64,
    /// The rules' knobs.
    pub policy: Policy,
    /// Each strategy, or each variant of the policy.
    pub results: Vec<Variant>,
    /// How it went by the SpotManager's rules, in pieces; absent where they were not asked for.
    pub timeline: Option<Timeline>,
}

/// One of the results that are compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// What is different: the strategy's name, or the knobs that were turned.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What is to be compared for a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The pair's name in the spec.
    pub pair: String,
    /// Where its world comes from, in words.
    pub world: Vec<String>,
    /// Its world.
    pub scenario: Scenario,
    /// The rules' knobs.
    pub policy: Policy,
    /// The strategies, where no policies are compared.
    pub strategies: Vec<Strategy>,
    /// Policies to compare by the SpotManager's rules, each with its name.
    pub sweep: Vec<(String, Policy)>,
}

/// Lives all of them, on every core, and reports pair by pair. The results do not depend on how many cores there are.
pub fn compare(comparisons: &[Comparison]) -> Vec<Report> {
    let runs: Vec<(usize, String, Strategy, &Policy)> = comparisons
        .iter()
        .enumerate()
        .flat_map(|(pair, it)| {
            // Always On-Demand is what a saving is a part of.
            let baseline = (pair, String::new(), Strategy::OnDemand, &it.policy);
            let sweep = it.sweep.iter().map(move |(name, policy)| (pair, name.clone(), Strategy::Spotstack, policy));
            let strategies = it.strategies.iter().filter(|_| it.sweep.is_empty());
            let strategies = strategies.map(move |&who| (pair, who.name().to_owned(), who, &it.policy));
            std::iter::once(baseline).chain(sweep).chain(strategies)
        })
        .collect();
    let lived: Vec<_> = runs
        .par_iter()
        .map(|(pair, name, strategy, policy)| {
            let comparison = &comparisons[*pair];
            let drawn = *strategy == Strategy::Spotstack && comparison.sweep.is_empty();
            let mode = Mode { skip: true, pieces: if drawn { PIECES } else { 0 } };
            (*pair, name, World::live(&comparison.scenario, policy, *strategy, mode))
        })
        .collect();

    let mut lived = lived.into_iter().peekable();
    let reports = comparisons.iter().enumerate().map(|(pair, comparison)| {
        let scenario = &comparison.scenario;
        let mut report = Report {
            pair: comparison.pair.clone(),
            world: comparison.world.clone(),
            start: scenario.start,
            seconds: scenario.duration,
            seed: scenario.seed,
            on_demand_usd: scenario.on_demand.usd(),
            policy: comparison.policy.clone(),
            results: Vec::new(),
            timeline: None,
        };
        let mut dearest = 0.0;
        while let Some((_, name, (mut outcome, timeline))) = lived.next_if(|(of, ..)| *of == pair) {
            if name.is_empty() {
                dearest = outcome.cost_usd;
                continue;
            }
            outcome.saving = (dearest > 0.0).then(|| 1.0 - outcome.cost_usd / dearest);
            report.results.push(Variant { name: name.clone(), outcome });
            report.timeline = report.timeline.or(timeline);
        }
        report
    });
    reports.collect()
}
