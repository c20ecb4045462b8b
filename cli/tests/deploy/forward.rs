//! The port-forward in the background.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
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

/// The body of the answer to a request, which is the name of the pod that gave it; empty if the connection is closed.
fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

const POD: &str = "todo-frontend-5f74587bc9-v6bdb";

#[test]
fn a_forward_outlives_deploy_and_its_pod_and_ends_with_down() {
    let mut machine = Machine::ready();
    let port = free_port();
    let url = format!("http://localhost:{port}");
    machine.todo(&["deploy", "--port", &port.to_string()]).succeeded().prints(&[&url]);
    assert_eq!(get(port), POD);
    // The Service gives its port's name only.
    let call = format!("GET /minikube/api/v1/namespaces/todo/pods/{POD}/portforward?ports=3000");
    assert!(machine.calls().contains(&call), "{}", machine.calls());
    machine.file("release.json", r#"{"version":1,"info":{"status":"deployed"}}"#);
    machine.todo(&["status"]).succeeded().prints(&[&url]);

    // Another pod takes the place of the first.
    let objects = include_str!("../../src/rollout/fixtures/ready.json");
    machine.file("objects.json", &objects.replace(POD, "another-pod"));
    assert_eq!(get(port), "another-pod");
    // A while without any is survived,
    machine.file("objects.json", r#"{"items":[]}"#);
    assert_eq!(get(port), "");
    machine.file("objects.json", objects);
    assert_eq!(get(port), POD);
    // and so is an API server that comes back at another port.
    machine.move_api();
    assert_eq!(get(port), POD);

    machine.todo(&["down"]).succeeded().prints(&["is no longer forwarded"]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "it is still forwarded");
    machine.todo(&["status"]).succeeded().prints(&["none"]);
}

/// What a release with monitoring has beside the application.
#[test]
fn prometheus_is_forwarded_where_it_runs() {
    let machine = Machine::ready();
    let objects = include_str!("../../src/rollout/fixtures/ready.json");
    let objects = objects.replace("todo-postgres", "todo-prometheus").replace(r#""postgres""#, r#""prometheus""#);
    machine.file("objects.json", &objects);
    let run = machine.todo(&["deploy", "--monitoring"]).succeeded();
    let (_, address) = run.text.split_once("Prometheus is at http://localhost:").expect(&run.text);
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(get(port.parse().unwrap()), "todo-prometheus-0");
    let text = machine.todo(&["down"]).succeeded().text;
    assert_eq!(text.matches("is no longer forwarded").count(), 2, "{text}");
}

#[test]
fn a_forward_ends_when_its_state_is_removed() {
    let machine = Machine::ready();
    let mut forward = machine.command(&["forward", "--context", "minikube", "--namespace", "todo", "--port", "0"]);
    // Should it stay, it must not hold the test's output open.
    let mut forward = forward.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("forward", || machine.path("state/deploy/minikube/todo/forward-frontend").exists());
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
