//! Ports, disk space and memory of this machine, and whether it can run the box.

use std::net::TcpListener;

use super::{Check, programs::first_line};
use crate::{boxes, tool, workspace::Workspace};

/// Enough for the images of two builds, Minikube's node and its volumes.
const DISK_GB: u64 = 10;
/// Minikube's default is 4 GB or more.
const MEMORY_GB: u64 = 4;
const KB_PER_GB: u64 = 1024 * 1024;

pub fn ports() -> Vec<Check> {
    let taken = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_err();
    let taken: Vec<String> = [3000, 8000, 9090, 9091].iter().filter(|port| taken(port)).map(u16::to_string).collect();
    if taken.is_empty() {
        return vec![Check::ok("ports", "3000, 8000, 9090 and 9091 are free")];
    }
    let fix = "end what has them, or choose others with the options of `cargo todo dev`";
    vec![Check::warn("ports", format!("in use: {}", taken.join(", ")), fix)]
}

pub async fn disk(workspace: &Workspace) -> Check {
    let mut df = tool::command("df", ["-Pk"]);
    df.arg(workspace.root());
    let free = tool::text(df).await.ok().and_then(|text| available(&text));
    evaluate_disk(free)
}

/// The available space in kB, from what `df -Pk` prints.
fn available(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn evaluate_disk(free: Option<u64>) -> Check {
    match free.map(|free| free / KB_PER_GB) {
        Some(free) if free >= DISK_GB => Check::ok("disk", format!("{free} GB free")),
        Some(free) => {
            Check::fail("disk", format!("{free} GB free of {DISK_GB} needed"), "remove files, or `docker system prune`")
        }
        None => Check::warn("disk", "free space is unknown", format!("{DISK_GB} GB are needed")),
    }
}

pub async fn memory() -> Check {
    let total = match std::fs::read_to_string("/proc/meminfo") {
        Ok(text) => total_memory(&text),
        Err(_) => {
            first_line("sysctl", &["-n", "hw.memsize"]).await.and_then(|bytes| Some(bytes.parse::<u64>().ok()? / 1024))
        }
    };
    match total.map(|total| total / KB_PER_GB) {
        Some(total) if total >= MEMORY_GB => Check::ok("memory", format!("{total} GB")),
        Some(total) => Check::warn("memory", format!("{total} GB"), format!("Minikube wants {MEMORY_GB} GB")),
        None => Check::warn("memory", "unknown", format!("Minikube wants {MEMORY_GB} GB")),
    }
}

/// The total memory in kB, from the text of `/proc/meminfo`.
fn total_memory(meminfo: &str) -> Option<u64> {
    meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
}

pub fn boxes(workspace: &Workspace) -> Check {
    if boxes::inside() {
        return Check::ok("box", "this is one");
    }
    match boxes::possible(workspace) {
        Ok(()) => Check::ok("box", "can run here: `cargo todo deploy --box` needs neither Docker nor Minikube"),
        Err(reason) => Check::ok("box", format!("not needed, and cannot run here: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn reads_what_df_prints() {
        let text =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264102400 17825792 79691776 19% /\n";
        assert_eq!(available(text), Some(79_691_776));
        assert_eq!(available("df: no such file"), None);
    }

    #[test]
    fn little_disk_is_a_failure() {
        assert_eq!(evaluate_disk(Some(9 * KB_PER_GB)).verdict, Verdict::Fail);
        assert_eq!(evaluate_disk(Some(10 * KB_PER_GB)).verdict, Verdict::Ok);
        assert_eq!(evaluate_disk(None).verdict, Verdict::Warn);
    }

    #[test]
    fn reads_the_memory() {
        assert_eq!(total_memory("MemTotal:       24576000 kB\nMemFree: 1 kB\n"), Some(24_576_000));
        assert_eq!(total_memory(""), None);
    }
}
