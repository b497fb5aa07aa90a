//! Hosts that are addresses, in every spelling that a resolver takes for one.
//!
//! What this finds may only lead to an earlier refusal with better words: what is connected to is
//! judged again, by the address that came out. Must not know which addresses are allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// An address, however it is written.
    Address(IpAddr),
    /// `localhost` or a name under it: this machine by definition (RFC 6761).
    Localhost,
    /// It ends in a number as only addresses do, but is none: resolvers disagree on it.
    Nonsense,
    /// A name for the resolver.
    Name,
}

/// A host in the form in which it is compared: lower case, without brackets and trailing dots.
pub(crate) fn bare(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Reads a host, with or without brackets.
pub(crate) fn spelled(host: &str) -> HostKind {
    let host = bare(host);
    if host.contains(':') {
        // A zone (`%eth0`) says by which cable, not to whom.
        let address = host.split('%').next().unwrap_or_default();
        return match address.parse::<Ipv6Addr>() {
            Ok(v6) => HostKind::Address(IpAddr::V6(v6).to_canonical()),
            Err(_) => HostKind::Nonsense,
        };
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return HostKind::Localhost;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if !is_numeric(last) {
        return HostKind::Name;
    }
    inet_aton(&host).map_or(HostKind::Nonsense, |v4| HostKind::Address(IpAddr::V4(v4)))
}

fn is_numeric(label: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    !label.is_empty() && (digits(label) || label.strip_prefix("0x").is_some_and(hex))
}

/// One to four numbers, each decimal, octal (`0177`) or hexadecimal (`0x7f`); the last one fills
/// the bytes that are left, as in `127.1`.
fn inet_aton(host: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|n| *n > 255) {
        return None;
    }
    let mut bits = *last;
    let free = 32 - 8 * u32::try_from(first.len()).ok()?;
    if free < 32 && *last >> free != 0 {
        return None;
    }
    for (n, shift) in first.iter().zip([24, 16, 8]) {
        bits |= n << shift;
    }
    Some(Ipv4Addr::from_bits(bits))
}

fn number(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return if hex.is_empty() { Some(0) } else { read(hex, 16) };
    }
    if text.len() > 1 && text.starts_with('0') {
        return read(text, 8);
    }
    read(text, 10)
}

/// `from_str_radix` alone would also take a sign.
fn read(text: &str, radix: u32) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_hexdigit());
    if plain { u32::from_str_radix(text, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_seen_in_every_spelling() {
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0X7F.0.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("00000177.0.0.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("0x", "0.0.0.0"),
            ("10.1", "10.0.0.1"),
            ("192.168.257", "192.168.1.1"),
            ("169.16689662", "169.254.169.254"),
            ("4294967295", "255.255.255.255"),
            ("[::1]", "::1"),
            ("[0:0:0:0:0:0:0:1]", "::1"),
            ("[::FFFF:127.0.0.1]", "127.0.0.1"),
            ("[::ffff:7f00:1]", "127.0.0.1"),
            ("[fe80::1%25eth0]", "fe80::1"),
            ("fe80::1%lo", "fe80::1"),
        ] {
            assert_eq!(spelled(host), HostKind::Address(address.parse().unwrap()), "{host}");
        }
    }

    #[test]
    fn names_are_names_and_the_rest_is_nonsense() {
        for host in ["LOCALHOST", "localhost.", "a.b.localhost"] {
            assert_eq!(spelled(host), HostKind::Localhost, "{host}");
        }
        for host in ["example.org", "1.2.3.4.nip.io", "0xcafe.org", "a1", "localhost.org", ""] {
            assert_eq!(spelled(host), HostKind::Name, "{host}");
        }
        for host in [
            "256.0.0.1",
            "1.2.3.4.5",
            "127.0.0.08",
            "4294967296",
            "127.16777216",
            "example.1",
            "1..2",
            "[::g]",
            "a:b",
        ] {
            assert_eq!(spelled(host), HostKind::Nonsense, "{host}");
        }
    }
}
