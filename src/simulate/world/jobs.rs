//! The jobs: in the queue, or at a worker.

use std::cmp::Reverse;

use super::{Event, World};

/// A job, in the queue or at a worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Since when it is visible.
    pub(super) since: i64,
    /// How long it has been visible before.
    pub(super) waited: i64,
    pub(super) service: u32,
}

impl World<'_> {
    pub(crate) fn visible(&self) -> u32 {
        self.queue.len() as u32
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    pub(super) fn arrive(&mut self, service: u32) {
        self.queue.push_back(Job { since: self.now, waited: 0, service });
        self.tally.arrived += 1;
    }

    /// Workers that the jobs want, between base and max, and whether there is none of them.
    pub(crate) fn demand(&self) -> (u32, bool) {
        let jobs = self.visible() + self.in_flight;
        let need = jobs.div_ceil(self.policy.jobs_per_worker.max(1)).max(self.policy.base).min(self.policy.max);
        (need, jobs == 0)
    }

    /// The worker that has been idle for longest takes the next job: it asked first.
    pub(super) fn assign(&mut self) {
        while self.idle_workers > 0 && !self.queue.is_empty() {
            let workers = self.groups.iter_mut().enumerate();
            let idle = workers.flat_map(|(group, asg)| asg.workers.iter_mut().map(move |worker| (group, worker)));
            let first =
                idle.filter(|(_, worker)| worker.idle.is_some()).min_by_key(|(_, worker)| (worker.idle, worker.id));
            let (Some((group, worker)), Some(mut job)) = (first, self.queue.pop_front()) else { return };
            job.waited += self.now - job.since;
            worker.idle = None;
            worker.job_until = self.now + i64::from(job.service);
            worker.job = Some(job);
            self.in_flight += 1;
            self.idle_workers -= 1;
            self.events.push(Reverse((worker.job_until, Event::Done(group as u8, worker.id))));
        }
    }

    pub(super) fn done(&mut self, group: usize, id: u64) {
        let now = self.now;
        let asg = &mut self.groups[group];
        // It may have been taken back meanwhile, or given this job back and taken another.
        let Some(worker) = asg.workers.iter_mut().find(|worker| worker.id == id && worker.job_until == now) else {
            return;
        };
        let Some(job) = worker.job.take() else { return };
        worker.idle = Some(now);
        asg.unsettled |= asg.workers.len() as u32 > asg.desired;
        self.idle_workers += 1;
        self.in_flight -= 1;
        self.tally.done(job.waited);
        if self.arrivals.never_end() {
            let service = self.arrivals.service();
            self.arrive(service);
        }
    }

    pub(super) fn ready(&mut self, group: usize, id: u64) {
        if let Some(worker) = self.groups[group].workers.iter_mut().find(|worker| worker.id == id && !worker.warned) {
            worker.idle = Some(self.now);
            self.idle_workers += 1;
            self.groups[group].unsettled = true;
        }
    }

    /// A worker gives its job back: it is visible at once, and begins anew.
    pub(super) fn give_back(&mut self, job: Option<Job>) {
        if let Some(job) = job {
            self.in_flight -= 1;
            self.tally.restarted += 1;
            self.queue.push_front(Job { since: self.now, ..job });
        }
    }
}
