//! Is this instance going to be interrupted? Without dependencies, so that the example is short to build.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request to HOST:PORT and returns the status and the body.
fn request(server: &str, method: &str, path: &str, field: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{field}\r\n\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let status = reply.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = reply.split_once("\r\n\r\n").map(|(_, body)| body.to_string());
    status.zip(body).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP reply"))
}

/// The notice of an interruption as JSON; `None` where nothing is planned.
pub fn interruption(server: &str) -> io::Result<Option<String>> {
    let (status, token) = request(server, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300")?;
    if status != 200 {
        return Err(io::Error::new(io::ErrorKind::Other, format!("status {status} for a token")));
    }
    let path = "/latest/meta-data/spot/instance-action";
    match request(server, "GET", path, &format!("X-aws-ec2-metadata-token: {token}"))? {
        (200, notice) => Ok(Some(notice)),
        (404, _) => Ok(None),
        (status, _) => Err(io::Error::new(io::ErrorKind::Other, format!("status {status} for the notice"))),
    }
}
