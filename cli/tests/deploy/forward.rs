//! The port-forward in the background.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::fakes::Machine;

const LIMIT: Duration = Duration::from_secs(20);

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "no {what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Answers every request with 200, as the frontend does through its forward.
fn serve(listener: TcpListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
}

#[test]
fn a_forward_outlives_deploy_comes_back_and_ends_with_down() {
    let machine = Machine::ready();
    let kubectl = std::fs::read_to_string(machine.path("bin/kubectl")).unwrap();
    let kubectl = kubectl.split_once("calls\"\n").unwrap().1.to_owned();
    // Its own process id, to be ended by.
    let forward = r#"case "$*" in *" port-forward "*) echo $$ >"$here/forwarder"; exec /bin/sleep 1000 ;; esac"#;
    machine.program("kubectl", &format!("{forward}\n{kubectl}"));
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let forwards = || machine.calls().lines().filter(|call| call.contains(" port-forward ")).count();

    std::thread::scope(|scope| {
        // In the place of kubectl, which is to listen there.
        scope.spawn(|| {
            wait_for("port-forward", || forwards() == 1);
            serve(TcpListener::bind(("127.0.0.1", port)).unwrap());
        });
        let url = format!("http://localhost:{port}");
        machine.todo(&["deploy", "--port", &port.to_string()]).succeeded().prints(&[&url]);
    });
    let call = machine.calls_of("kubectl --context minikube --namespace todo port-forward").remove(0);
    assert!(call.ends_with(&format!("--address=127.0.0.1 service/todo-frontend {port}:3000")), "{call}");

    machine.file("release.json", r#"{"version":1,"info":{"status":"deployed"}}"#);
    machine.todo(&["status"]).succeeded().prints(&[&format!("http://localhost:{port}")]);

    let forwarder = || std::fs::read_to_string(machine.path("forwarder")).unwrap().trim().parse::<i32>().unwrap();
    let first = nix::unistd::Pid::from_raw(forwarder());
    nix::sys::signal::kill(first, nix::sys::signal::Signal::SIGTERM).unwrap();
    wait_for("second port-forward", || forwards() == 2 && forwarder() != first.as_raw());

    let second = nix::unistd::Pid::from_raw(forwarder());
    machine.todo(&["down"]).succeeded().prints(&["is no longer forwarded"]);
    wait_for("end of the port-forward", || nix::sys::signal::kill(second, None).is_err());
    machine.todo(&["status"]).succeeded().prints(&["none"]);
}

/// What a release with monitoring has beside the application.
#[test]
fn prometheus_is_forwarded_where_it_runs() {
    let machine = Machine::ready();
    let kubectl = std::fs::read_to_string(machine.path("bin/kubectl")).unwrap();
    let kubectl = kubectl.split_once("calls\"\n").unwrap().1.to_owned();
    machine
        .program("kubectl", &format!("case \"$*\" in *\" port-forward \"*) exec /bin/sleep 1000 ;; esac\n{kubectl}"));
    let objects = include_str!("../../src/rollout/fixtures/ready.json").replace("todo-postgres", "todo-prometheus");
    machine.file("objects.json", &objects);
    let calls = |service: &str| {
        let calls = machine.calls();
        let call = calls.lines().find(|call| call.contains(&format!("service/{service} ")))?.to_owned();
        call.rsplit(' ').next()?.split(':').next()?.parse::<u16>().ok()
    };
    std::thread::scope(|scope| {
        for service in ["todo-frontend", "todo-prometheus"] {
            scope.spawn(move || {
                wait_for(service, || calls(service).is_some());
                serve(TcpListener::bind(("127.0.0.1", calls(service).unwrap())).unwrap());
            });
        }
        machine.todo(&["deploy", "--monitoring"]).succeeded().prints(&["Prometheus is at http://localhost:"]);
    });
    let said = machine.todo(&["down"]).succeeded().text;
    assert_eq!(said.matches("is no longer forwarded").count(), 2, "{said}");
}

#[test]
fn a_forward_ends_when_its_state_is_removed() {
    let machine = Machine::ready();
    machine.program("kubectl", r#"echo $$ >"$here/forwarder"; exec /bin/sleep 1000"#);
    let mut forward = std::process::Command::new(env!("CARGO_BIN_EXE_todo"))
        .args(["forward", "--context", "minikube", "--namespace", "todo", "--port", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", machine.path("bin"))
        .env("TODO_STATE_DIR", machine.path("state"))
        // Should it stay, it must not hold the test's output open.
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_for("port-forward", || machine.path("forwarder").exists());
    std::fs::remove_dir_all(machine.path("state")).unwrap();
    wait_for("end of the forward", || forward.try_wait().is_ok_and(|status| status.is_some()));
}

#[test]
fn a_port_in_use_is_named() {
    let machine = Machine::ready();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    machine.todo(&["deploy", "--port", &port]).failed().prints(&[&format!("port {port} is in use"), "--port"]);
}
