//! The function of a pair.

use serde::Serialize;
use spot_policy::Seconds;

use super::{or, value};
use crate::spec::{self, Architecture, ScaleUp};

/// A pair's function.
#[derive(Debug, Clone, Serialize)]
pub struct Manager {
    /// The tick as EventBridge writes it; `None`: no tick.
    pub tick: Option<String>,
    /// The same in minutes.
    #[serde(skip)]
    pub tick_minutes: u64,
    /// The processor it runs on: the stack's.
    pub architecture: Architecture,
    /// MiB.
    pub memory: u32,
    /// Days.
    pub log_retention: u64,
    /// Whether groups are scaled up by `LaunchInstances`.
    pub launch_instances: bool,
    /// Whether there is a dashboard.
    pub dashboard: bool,
    /// Who hears of the turns that a pair takes.
    pub notify: Option<Notify>,
}

/// Who hears of the turns that a pair takes: one of the two.
#[derive(Debug, Clone, Serialize)]
pub struct Notify {
    /// An e-mail address, for which a topic is made.
    pub email: Option<String>,
    /// The ARN of a topic that exists.
    pub topic: Option<String>,
}

impl Manager {
    pub(super) fn new(manager: &spec::Manager, architecture: Architecture) -> Self {
        let tick = or(&manager.reconcile, Seconds::minutes(1));
        Self {
            tick_minutes: tick.0 / 60,
            tick: match tick.0 / 60 {
                0 => None,
                1 => Some("rate(1 minute)".to_owned()),
                minutes => Some(format!("rate({minutes} minutes)")),
            },
            architecture,
            memory: or(&manager.memory, 128),
            log_retention: or(&manager.log_retention, Seconds(30 * 86_400)).0 / 86_400,
            launch_instances: or(&manager.scale_up, ScaleUp::Policy) == ScaleUp::LaunchInstances,
            dashboard: or(&manager.dashboard, false),
            notify: value(&manager.notify).map(Notify::new),
        }
    }
}

impl Notify {
    fn new(whom: String) -> Self {
        let is_arn = whom.starts_with("arn:");
        Self { email: Some(whom.clone()).filter(|_| !is_arn), topic: Some(whom).filter(|_| is_arn) }
    }
}
