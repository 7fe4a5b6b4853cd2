//! Two groups that do as they are told, a queue, and faults where the test wants them.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use spot_policy::{Group, Instance, Launch, LaunchOutcome, Market, PriceChange, Queue, Timestamp};
use tokio::time::{Instant, sleep};

use crate::account::{Account, Activities, Fault, Groups, Launched};

pub(super) const NOW: i64 = 1_795_464_000;
const ZONE: &str = "eu-west-1a";

/// A call, as the fake account was asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Queue,
    Groups,
    Activities(Market),
    Prices,
    ScaleUp(Market, u32),
    SetDesired(Market, u32),
    Launch(Market, u32),
    Tell,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrong {
    Refused,
    Busy,
    Hangs,
}

pub(super) struct Fake {
    pub(super) queue: Queue,
    pub(super) groups: RefCell<Groups>,
    pub(super) launches: RefCell<Vec<Launch>>,
    /// Whether Spot that is asked for by the group's policy is refused.
    pub(super) refuses: bool,
    /// What goes wrong, once for each entry.
    pub(super) wrong: RefCell<Vec<(Call, Wrong)>>,
    pub(super) calls: RefCell<Vec<Call>>,
    /// What each market has to launch at once, or why not.
    pub(super) has: [Result<u32, &'static str>; 2],
    /// Tokens of launches at once that were answered.
    pub(super) tokens: RefCell<Vec<String>>,
    pub(super) letters: RefCell<Vec<(String, String)>>,
    /// When the last question was answered, since the start: one second for each round trip.
    pub(super) answered: Cell<Duration>,
    pub(super) start: Instant,
}

fn group(name: &str, live: u32, desired: u32) -> Group {
    let instance = |index| Instance {
        id: format!("i-{name}-{index}"),
        zone: ZONE.into(),
        state: "InService".into(),
        ..Instance::default()
    };
    Group {
        name: name.into(),
        max: 30,
        desired,
        zones: vec![ZONE.into()],
        instances: (0..live).map(instance).collect(),
        ..Group::default()
    }
}

fn refusal(zone: &str) -> Launch {
    Launch {
        id: "fa11ed".into(),
        started: Timestamp(NOW - 60),
        ended: Some(Timestamp(NOW - 58)),
        zone: Some(zone.into()),
        outcome: LaunchOutcome::Failed(
            "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available".into(),
        ),
    }
}

impl Fake {
    /// So many jobs; for each group what is live and what is asked for.
    pub(super) fn new(jobs: u32, spot: (u32, u32), on_demand: (u32, u32)) -> Self {
        Self {
            queue: Queue { visible: jobs, in_flight: 0 },
            groups: RefCell::new(Groups {
                spot: group("gpu-spot", spot.0, spot.1),
                on_demand: group("gpu-on-demand", on_demand.0, on_demand.1),
            }),
            launches: RefCell::default(),
            refuses: false,
            wrong: RefCell::default(),
            has: [Ok(9), Ok(9)],
            tokens: RefCell::default(),
            letters: RefCell::default(),
            calls: RefCell::default(),
            answered: Cell::default(),
            start: Instant::now(),
        }
    }

    /// Spot asked for in vain: one instance wanted, refused a minute ago in the only zone.
    pub(super) fn refused_by_spot(jobs: u32) -> Self {
        Self { launches: vec![refusal(ZONE)].into(), ..Self::new(jobs, (0, jobs), (0, 0)) }
    }

    pub(super) fn wrong(self, wrong: &[(Call, Wrong)]) -> Self {
        self.wrong.replace(wrong.to_vec());
        self
    }

    async fn called(&self, call: Call) -> Result<(), Fault> {
        self.calls.borrow_mut().push(call);
        let wrong = {
            let mut wrong = self.wrong.borrow_mut();
            let index = wrong.iter().position(|(at, _)| *at == call);
            index.map(|index| wrong.remove(index).1)
        };
        let fault = |code: &str| Err(Fault { operation: "Fake", code: code.into(), message: "as scripted".into() });
        let answer = match wrong {
            None => Ok(()),
            Some(Wrong::Refused) => fault("AccessDenied"),
            Some(Wrong::Busy) => fault("ScalingActivityInProgress"),
            Some(Wrong::Hangs) => std::future::pending().await,
        };
        if matches!(call, Call::Queue | Call::Groups | Call::Activities(_) | Call::Prices) {
            sleep(Duration::from_secs(1)).await;
            self.answered.set(self.start.elapsed());
        }
        answer
    }

    fn set(&self, market: Market, to: u32) {
        let mut groups = self.groups.borrow_mut();
        match market {
            Market::Spot => groups.spot.desired = to,
            Market::OnDemand => groups.on_demand.desired = to,
        }
    }

    pub(super) fn changes(&self) -> Vec<Call> {
        let calls = self.calls.borrow();
        calls
            .iter()
            .copied()
            .filter(|call| matches!(call, Call::ScaleUp(..) | Call::SetDesired(..) | Call::Launch(..)))
            .collect()
    }

    /// What both groups ask for.
    pub(super) fn desired(&self) -> (u32, u32) {
        let groups = self.groups.borrow();
        (groups.spot.desired, groups.on_demand.desired)
    }
}

impl Account for Fake {
    async fn queue(&self) -> Result<Queue, Fault> {
        self.called(Call::Queue).await.map(|()| self.queue)
    }

    async fn groups(&self) -> Result<Groups, Fault> {
        self.called(Call::Groups).await.map(|()| self.groups.borrow().clone())
    }

    async fn activities(&self, market: Market, since: Timestamp) -> Result<Activities, Fault> {
        assert_eq!(since, Timestamp(NOW - 600), "ten minutes back");
        self.called(Call::Activities(market)).await?;
        let launches = if market == Market::Spot { self.launches.borrow().clone() } else { Vec::new() };
        Ok(Activities { launches, ..Activities::default() })
    }

    async fn prices(&self, since: Timestamp, until: Timestamp) -> Result<Vec<PriceChange>, Fault> {
        assert_eq!((since, until), (Timestamp(NOW - 3_600), Timestamp(NOW)), "the window");
        self.called(Call::Prices).await?;
        let zones = self.groups.borrow().spot.zones.clone();
        Ok(zones.into_iter().map(|zone| PriceChange { zone, at: Timestamp(NOW - 90_000), usd: 0.31 }).collect())
    }

    async fn scale_up(&self, market: Market, to: u32) -> Result<(), Fault> {
        self.called(Call::ScaleUp(market, to)).await?;
        self.set(market, to);
        if self.refuses && market == Market::Spot {
            self.launches.borrow_mut().extend(self.groups.borrow().spot.zones.iter().map(|zone| refusal(zone)));
        }
        Ok(())
    }

    async fn set_desired(&self, market: Market, to: u32) -> Result<(), Fault> {
        self.called(Call::SetDesired(market, to)).await.map(|()| self.set(market, to))
    }

    async fn launch(&self, market: Market, zone: &str, count: u32, token: &str) -> Result<Launched, Fault> {
        self.called(Call::Launch(market, count)).await?;
        let repeated = self.tokens.borrow().iter().any(|known| known == token);
        let (came, errors) = match self.has[market as usize] {
            Ok(_) if repeated => (0, vec![]),
            Ok(most) if most >= count => (count, vec![]),
            Ok(most) => (most, vec!["InsufficientInstanceCapacity - no more".to_owned()]),
            Err(text) => (0, vec![text.to_owned()]),
        };
        self.tokens.borrow_mut().push(token.to_owned());
        let mut groups = self.groups.borrow_mut();
        let group = match market {
            Market::Spot => &mut groups.spot,
            Market::OnDemand => &mut groups.on_demand,
        };
        let ids: Vec<String> = (0..came).map(|n| format!("i-{zone}-{n}")).collect();
        let instance = |id: &String| Instance {
            id: id.clone(),
            zone: zone.into(),
            state: "Pending".into(),
            ..Instance::default()
        };
        group.instances.extend(ids.iter().map(instance));
        group.desired += came;
        Ok(Launched { instances: ids, errors })
    }

    async fn tell(&self, subject: &str, body: &str) -> Result<(), Fault> {
        self.letters.borrow_mut().push((subject.to_owned(), body.to_owned()));
        self.called(Call::Tell).await
    }
}
