//! Where to listen: from text to an address, and what to say where the system does not give it.
//!
//! The settings and the options of `btk listen` share this. Must not open a socket.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::digits::number;

/// An address of this machine. In brackets, as it stands in a URL, it is one of IPv6.
///
/// # Errors
/// It is none; says which there may be.
pub(crate) fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    };
    address.ok_or_else(|| {
        format!("is \"{text}\", which is no address: use 127.0.0.1, 0.0.0.0, ::1 or another one of this machine")
    })
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    number(text)
        .ok_or_else(|| format!("is \"{text}\": use a number from 0 to 65535 (0 = any free port)"))
}

/// Why an address cannot be listened on, and what to do. It was named by what is called `host` and `port` here.
pub(crate) fn cannot_listen(wanted: SocketAddr, why: ErrorKind, host: &str, port: &str) -> String {
    let ip = wanted.ip();
    let what = match why {
        ErrorKind::AddrNotAvailable => format!(
            "no interface of this machine has the address {ip}; set {host} to 127.0.0.1 (for this machine alone), to \
             0.0.0.0 (for all that reach it) or to an address that it has"
        ),
        ErrorKind::PermissionDenied => format!(
            "this user may not listen there; set {port} to a number from 1024 on, which everybody may have"
        ),
        _ => format!("set {port} or {host} to an address that is free"),
    };
    format!("cannot listen on {wanted}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_of_the_machine() {
        for (text, address) in [
            ("localhost", "127.0.0.1"),
            ("Localhost", "127.0.0.1"),
            ("0.0.0.0", "0.0.0.0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[::]", "::"),
        ] {
            assert_eq!(host(text).map(|ip| ip.to_string()).as_deref(), Ok(address), "{text}");
        }
        for bad in ["", "[::1", "::1]", "[[::1]]", "[127.0.0.1]", "example.org", "127.0.0.1:80"] {
            assert!(host(bad).unwrap_err().contains("which is no address"), "{bad}");
        }
    }

    #[test]
    fn a_port_is_digits() {
        assert_eq!((port("0"), port("65535")), (Ok(0), Ok(65_535)));
        for bad in ["+0", "+443", "-1", "65536", "http", ""] {
            assert!(port(bad).unwrap_err().contains("from 0 to 65535"), "{bad}");
        }
    }

    #[test]
    fn what_the_system_does_not_give_is_said_with_what_to_do() {
        let wanted = SocketAddr::from(([192, 0, 2, 1], 80));
        for (why, words) in [
            (
                ErrorKind::AddrNotAvailable,
                "no interface of this machine has the address 192.0.2.1; set HOST to 127.0.0.1",
            ),
            (ErrorKind::AddrInUse, "set PORT or HOST to an address that is free"),
            (ErrorKind::PermissionDenied, "set PORT to a number from 1024 on"),
        ] {
            let said = cannot_listen(wanted, why, "HOST", "PORT");
            assert!(said.starts_with("cannot listen on 192.0.2.1:80: "), "{said}");
            assert!(said.contains(words), "{said}");
        }
    }
}
