//! A start that failed, told to Lambda, so that whoever invokes the function reads what is wrong and not just that the
//! process has ended.

use std::io::{self, Write};
use std::net::TcpStream;

/// Posts `error` to the runtime API's `/runtime/init/error` at `host` (`AWS_LAMBDA_RUNTIME_API`, such as `127.0.0.1:9001`).
/// By hand, because the runtime crate posts there only for itself. Source: AWS Lambda developer guide, «Using the Lambda
/// runtime API for custom runtimes», «Initialization error».
///
/// # Errors
///
/// The runtime API cannot be reached.
pub fn report(host: &str, error: &str) -> io::Result<()> {
    let body = serde_json::json!({"errorType": "Init.Configuration", "errorMessage": error}).to_string();
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n\
         Host: {host}\r\n\
         Content-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: Init.Configuration\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    // Until the answer is there, ending the process could overtake the report.
    io::copy(&mut stream, &mut io::sink()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn the_error_reaches_the_runtime_api() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = listener.local_addr().expect("bound").to_string();
        let server = thread::spawn(move || {
            let mut reader = BufReader::new(listener.accept().expect("a caller").0);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("text");
                match line.trim_end() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            let length = head.iter().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
            let mut body = vec![0; length.parse().expect("a number")];
            reader.read_exact(&mut body).expect("the body");
            reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").expect("answered");
            (head, body)
        });
        report(&host, "the environment variable `MAX` is not set").expect("reported");
        let (head, body) = server.join().expect("no panic");
        assert_eq!(head[0], "POST /2018-06-01/runtime/init/error HTTP/1.1");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["errorMessage"], "the environment variable `MAX` is not set");
    }
}
