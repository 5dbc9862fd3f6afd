use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// An emulator that ends with the test.
struct Emulator {
    process: Child,
    server: String,
    control: String,
}

impl Emulator {
    fn start(arguments: &[&str]) -> Emulator {
        let program = std::env::var("VIRT_METADATA").unwrap_or("virt-metadata".to_string());
        let mut process = Command::new(program)
            .args(["emulate", "--clock", "manual", "--control", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("virt-metadata is in the path");
        // It prints `example: http://HOST:PORT` and `control: http://HOST:PORT` once it answers.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = || lines.next().unwrap().unwrap().split_once("http://").unwrap().1.to_string();
        let (server, control) = (address(), address());
        Emulator { process, server, control }
    }

    fn advance(&self, seconds: u32) {
        let body = format!("{{\"advance\": {seconds}}}");
        let mut stream = TcpStream::connect(&self.control).unwrap();
        let head = format!("POST /clock HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}", self.control, body.len());
        write!(stream, "{head}\r\n\r\n{body}").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_interruption_is_seen() {
    let emulator = Emulator::start(&["--scenario", "spot,delay=30s,action=stop", "--session-tokens", "required"]);
    assert_eq!(agent::interruption(&emulator.server).unwrap(), None);
    emulator.advance(30);
    let notice = agent::interruption(&emulator.server).unwrap().unwrap();
    assert!(notice.contains("\"action\": \"stop\""), "{notice}");
}

#[test]
fn a_server_that_is_not_ready_is_an_error() {
    let emulator = Emulator::start(&["--scenario", "slow-boot,silent=0s,unavailable=10s"]);
    assert!(agent::interruption(&emulator.server).is_err());
}
