//! URLs and resolvers that want the sender to reach what it must not: each against a canary that
//! counts who comes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::connect::{BoxError, Connector, Dial, Lookup};
use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Listens on loopback and counts its visitors.
struct Canary {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Canary {
    /// On 127.0.0.1, and on `::1` where there is one, with the same port.
    async fn start() -> Canary {
        Canary::answering(ANSWER).await
    }

    async fn answering(answer: &[u8]) -> Canary {
        let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        let v6 = TcpListener::bind(("::1", port)).await.ok();
        for listener in [Some(v4), v6].into_iter().flatten() {
            let visits = Arc::clone(&visits);
            serve(listener, visits, answer.to_vec());
        }
        Canary { port, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

#[expect(clippy::disallowed_methods, reason = "ends with the runtime of its test")]
fn serve(listener: TcpListener, visits: Arc<AtomicUsize>, answer: Vec<u8>) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            visits.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _asked = stream.read(&mut request).await;
                let _gone = stream.write_all(&answer).await;
            });
        }
    });
}

fn sender(targets: &str) -> Sender {
    Sender::new(vec![], Targets::parse(targets).unwrap(), &Trust::default()).unwrap()
}

/// One whose guarded half resolves and connects so.
fn sender_through(targets: &str, lookup: Lookup, dial: Dial) -> Sender {
    let tls = tls::config(&Trust::default()).unwrap();
    let guard = Connector::guarded(Targets::parse(targets).unwrap());
    Sender { guarded: Clients::new(&tls, &guard.through(lookup, dial)), ..sender("") }
}

fn to(url: &str) -> Message<'_> {
    Message {
        url,
        headers: vec![],
        own_headers: &[],
        secrets: vec![],
        body: Bytes::from_static(b"{}"),
        profile: Profile::Auto,
        on_own_connection: false,
        timeout: Duration::from_secs(5),
        is_trusted: false,
    }
}

/// Hosts that mean this machine, its network, or something else that is not public.
const HOSTS: [&str; 92] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "00000000017700000001",
    "0x7f000001",
    "0X7F000001",
    "0x7F.0x0.0x0.0x1",
    "0x7f.1",
    "0x7f.0.1",
    "0177.0.0.1",
    "0177.1",
    "0177.0.0.01",
    "00177.00.00.01",
    "127.0.0.0x1",
    "0x7f.0.0.01",
    "localhost",
    "LOCALHOST",
    "LocalHost.",
    "a.localhost",
    "0",
    "0.0.0.0",
    "00.0.0.0",
    "0x0",
    "0.1",
    "user@127.0.0.1",
    "user:pass@127.0.0.1",
    "example.org@127.0.0.1",
    "example.org%40127.0.0.1",
    "127.0.0.1%2e",
    "127.0.0.1%00.example.org",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "127。0。0。1",
    "[::1]",
    "[::1%25lo]",
    "[::1%lo]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[0::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:7f00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:1::1]",
    "[2002:a00:1::1]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[100::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "10.0.0.1",
    "10.1",
    "012.0.0.1",
    "0xa000001",
    "167772161",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1",
    "0xc0.0xa8.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "169.254.43518",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "198.18.0.1",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_private_address_is_connected_to() {
    let canary = Canary::start().await;
    let sender = sender("");
    for host in HOSTS {
        for port in [format!(":{}", canary.port), String::new()] {
            let url = format!("http://{host}{port}/s3cret");
            let outcome = sender.send(&to(&url)).await;
            let words = outcome.broken.as_deref().unwrap_or_default();
            // What is no URL to us, or no name to the resolver, is not connected to either.
            let is_known = outcome.blocked
                || words == "The webhook's URL is not a URL."
                || (host.contains('%') && words.contains("(DNS)"));
            assert!(is_known, "{host}: {outcome:?}");
            assert!(!words.contains("s3cret") && outcome.status.is_none(), "{words}");
            if outcome.blocked {
                assert!(words.contains("WEBHOOK_ALLOW_TARGETS"), "{words}");
            }
        }
    }
    assert_eq!(canary.visits(), 0);
    // The canary can see: what is trusted, and what is allowed, reach it.
    let url = format!("http://127.1:{}/", canary.port);
    let trusted = sender.send(&Message { is_trusted: true, ..to(&url) }).await;
    assert_eq!((trusted.status, canary.visits()), (Some(200), 1), "{trusted:?}");
    // Just now there was a connection for this very host; the guarded pool knows nothing of it.
    assert!(sender.send(&to(&url)).await.blocked);
    let sender = self::sender(&format!("127.0.0.1:{}", canary.port));
    assert_eq!(sender.send(&to(&url)).await.status, Some(200));
    assert_eq!(canary.visits(), 2);
}

/// Counts what it is asked to connect to and connects only within loopback: nothing leaves.
fn watched(asked: &Arc<Mutex<Vec<IpAddr>>>) -> Dial {
    let asked = Arc::clone(asked);
    Arc::new(move |addresses: Vec<SocketAddr>| {
        asked.lock().unwrap().extend(addresses.iter().map(SocketAddr::ip));
        Box::pin(async move {
            let address = addresses[0];
            if !address.ip().is_loopback() {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
            }
            let stream = TcpStream::connect(address).await.map_err(BoxError::from)?;
            Ok(TokioIo::new(stream))
        })
    })
}

fn answers(sets: Vec<Vec<&'static str>>) -> Lookup {
    let asked = AtomicUsize::new(0);
    Arc::new(move |_: String, port: u16| {
        let turn = asked.fetch_add(1, Ordering::SeqCst);
        let answer = &sets[turn % sets.len()];
        let answer = answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect();
        Box::pin(async move { Ok(answer) })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_flips_reaches_nothing_private() {
    let canary = Canary::start().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let flipping = answers(vec![
        vec!["8.8.8.8"],
        vec!["127.0.0.1"],
        vec!["8.8.8.8", "127.0.0.1"],
        vec!["::1", "2606:4700::1111"],
    ]);
    let sender = sender_through("", flipping, watched(&asked));
    let url = format!("http://flips.example.org:{}/s3cret", canary.port);
    let mut blocked = 0;
    for _ in 0..1_000 {
        let outcome = sender.send(&to(&url)).await;
        assert!(outcome.status.is_none(), "{outcome:?}");
        blocked += usize::from(outcome.blocked);
    }
    assert_eq!((blocked, canary.visits()), (750, 0));
    let asked = asked.lock().unwrap();
    let public: IpAddr = Ipv4Addr::new(8, 8, 8, 8).into();
    assert!(asked.len() == 250 && asked.iter().all(|ip| *ip == public), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_resolved_is_not_connected_to() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let failing: Lookup = Arc::new(|_, _| Box::pin(async { Err(io::Error::other("SERVFAIL")) }));
    for lookup in [failing, answers(vec![vec![]])] {
        let sender = sender_through("", lookup, watched(&asked));
        let outcome = sender.send(&to("http://127.0.0.1.example.org/")).await;
        assert_eq!(
            outcome,
            Outcome {
                ms: outcome.ms,
                ..Outcome::broken("The receiver's host name was not found (DNS).")
            }
        );
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_this_machine_is_ours() {
    for (errno, words, is_local) in [
        (Errno::MFILE, "LimitNOFILE", true),
        (Errno::NFILE, "fs.file-max", true),
        (Errno::NOBUFS, "no memory", true),
        (Errno::CONNREFUSED, "refused", false),
        (Errno::NETUNREACH, "cannot be reached", false),
        (Errno::TIMEDOUT, "Nothing answers", false),
    ] {
        let dial: Dial =
            Arc::new(move |_| Box::pin(async move { Err(io::Error::from(errno).into()) }));
        let sender = sender_through("", answers(vec![vec!["8.8.8.8"]]), dial);
        let at_connect = sender.send(&to("http://example.org/")).await;
        let none: Dial = Arc::new(|_| Box::pin(async { Err("not reached".into()) }));
        let lookup: Lookup = Arc::new(move |_, _| Box::pin(async move { Err(errno.into()) }));
        let at_lookup = sender_through("", lookup, none).send(&to("http://example.org/")).await;
        assert_eq!(
            (at_connect.is_local_fault, at_lookup.is_local_fault),
            (is_local, is_local),
            "{errno}"
        );
        assert!(!at_connect.blocked && at_connect.status.is_none());
        let said = at_connect.broken.unwrap();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_a_trusted_url_is_not_judged() {
    let canary = Canary::start().await;
    let sender = sender("");
    for host in ["127.0.0.1", "localhost", "2130706433"] {
        let url = format!("http://{host}:{}/", canary.port);
        let outcome = sender.send(&Message { is_trusted: true, ..to(&url) }).await;
        assert_eq!(outcome.status, Some(200), "{host}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_an_answer_and_no_way() {
    let canary = Canary::start().await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: http://127.0.0.1:{}/\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n",
            canary.port
        );
        let receiver = Canary::answering(answer.as_bytes()).await;
        let sender = sender("127.0.0.1");
        let url = format!("http://127.0.0.1:{}/", receiver.port);
        for is_trusted in [true, false] {
            let outcome = sender.send(&Message { is_trusted, ..to(&url) }).await;
            assert_eq!(outcome.status, Some(status), "{outcome:?}");
        }
    }
    assert_eq!(canary.visits(), 0);
}
