//! What processes use, by the accounting of the Linux kernel.
//!
//! CPU time per request is steady on a noisy machine, unlike rates and latencies: a process that waits for a core uses
//! none.

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of the process, in ticks.
    own: u64,
    /// Of its children that have ended, and of theirs.
    ended_children: u64,
}

impl Stat {
    /// The second field is the name of the program in parentheses, which may itself contain spaces and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5) counts from 1, and `rest` begins with field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: field(4)?.try_into().ok()?,
            own: field(14)? + field(15)?,
            ended_children: field(16)? + field(17)?,
        })
    }

    fn read(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }
}

/// The CPU time that this process has used, and that of its children that have ended.
#[derive(Clone, Copy, Debug)]
pub struct OwnTime {
    pub own: Duration,
    pub ended_children: Duration,
}

pub fn own_time() -> Result<OwnTime> {
    let stat = Stat::read(std::process::id()).context("there is no /proc/PID/stat: measuring needs Linux")?;
    Ok(OwnTime { own: duration(stat.own)?, ended_children: duration(stat.ended_children)? })
}

/// The CPU time that processes have used with all that they have started, whether it still runs or has ended.
pub fn cpu_time(roots: &[u32]) -> Result<Duration> {
    let stats = std::fs::read_dir("/proc").context("there is no /proc: measuring needs Linux")?;
    let pids = stats.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats: HashMap<u32, Stat> = pids.filter_map(|pid| Some((pid, Stat::read(pid)?))).collect();
    duration(ticks_of_trees(&stats, roots))
}

fn ticks_of_trees(stats: &HashMap<u32, Stat>, roots: &[u32]) -> u64 {
    let is_inside = |pid: u32| {
        let mut ancestors = std::iter::successors(Some(pid), |pid| stats.get(pid).map(|stat| stat.parent));
        ancestors.any(|ancestor| roots.contains(&ancestor))
    };
    let inside = stats.iter().filter(|(pid, _)| is_inside(**pid));
    inside.map(|(_, stat)| stat.own + stat.ended_children).sum()
}

fn duration(ticks: u64) -> Result<Duration> {
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the kernel has no clock tick")?;
    Ok(Duration::from_millis(ticks * 1000 / u64::try_from(per_second)?))
}

/// Memory that is resident, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub now: u64,
    /// The most since the start of the process.
    pub peak: u64,
}

impl Memory {
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let status = std::fs::read_to_string(Path::new(&path)).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&status).with_context(|| format!("{path} has no VmRSS and VmHWM"))
    }

    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(value.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Some(Self { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_parsed_whatever_the_name_of_the_program() {
        let line = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7 8";
        assert_eq!(Stat::parse(line), Some(Stat { parent: 7, own: 120, ended_children: 7 }));
        assert_eq!(Stat::parse("42 (x) S 7"), None);
    }

    #[test]
    fn a_tree_has_its_living_and_its_ended_processes() {
        let stat = |parent, own, ended_children| Stat { parent, own, ended_children };
        let stats = HashMap::from([
            (1, stat(0, 1000, 0)),
            (10, stat(1, 1, 20)),
            (11, stat(10, 300, 0)),
            (12, stat(1, 5000, 0)),
        ]);
        assert_eq!(ticks_of_trees(&stats, &[10]), 321);
        assert_eq!(ticks_of_trees(&stats, &[10, 12]), 5321);
        assert_eq!(ticks_of_trees(&stats, &[99]), 0);
    }

    #[test]
    fn memory_is_parsed() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t1\n";
        assert_eq!(Memory::parse(status), Some(Memory { now: 1024 * 1024, peak: 2048 * 1024 }));
        assert_eq!(Memory::parse("Name:\tx\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_measured() {
        assert!(Memory::of(std::process::id()).unwrap().peak > 0);
        cpu_time(&[std::process::id()]).unwrap();
        own_time().unwrap();
    }
}
