//! Checks that are made before anything starts.

use std::net::TcpListener;

use anyhow::{Result, bail};

/// Fails when a port is taken, naming the option that chooses another.
pub fn ports(ports: &[(&str, u16)]) -> Result<()> {
    for &(option, port) in ports {
        // Port 0 of an option means a free one.
        if port != 0 && TcpListener::bind(("0.0.0.0", port)).is_err() {
            let who = if cfg!(target_os = "macos") {
                format!("lsof -nP -iTCP:{port}")
            } else {
                format!("ss -ltnp 'sport = :{port}'")
            };
            bail!(
                "port {port} is in use: stop the program that has it (`{who}` names it) or choose another with {option}"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_the_way_out() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = ports(&[("--port", 0), ("--backend-port", port)]).unwrap_err().to_string();
        assert!(message.contains(&format!("port {port} is in use")), "{message}");
        assert!(message.contains("--backend-port"), "{message}");
        drop(taken);
        ports(&[("--backend-port", port)]).unwrap();
    }
}
