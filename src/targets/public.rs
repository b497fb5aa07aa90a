//! Which addresses belong to the public internet, and what the others are.
//!
//! After IANA's registries "IPv4 Special-Purpose Address Space", "IPv6 Special-Purpose Address
//! Space" and "IPv6 Global Unicast Address Assignments" (RFC 6890, RFC 8190 and their updates); the
//! metadata services after the documents of the clouds. Of IPv6 only what is named as public is
//! public. Must not know of names, settings or sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address that is not public is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// `0.0.0.0/8`, `::`: "this machine" to many systems.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `10/8`, `172.16/12`, `192.168/16`, `fc00::/7`, `fec0::/10`.
    Private,
    /// `100.64.0.0/10`: inside a provider's network.
    Shared,
    /// `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// Where a cloud hands its machines their credentials.
    Metadata,
    /// Documentation, benchmarks, discard, segment routing, protocol assignments, not assigned.
    Reserved,
    /// To many at once: multicast and broadcast.
    Multicast,
    /// 6to4 and Teredo: wraps an IPv4 address that a relay would unwrap out of our sight.
    Tunnel,
}

impl Why {
    /// The words after "The address … is".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Why::Unspecified => "no address of a receiver (it means this machine)",
            Why::Loopback => "this machine itself (loopback)",
            Why::Private => "private",
            Why::Shared => "inside a provider's network (100.64.0.0/10)",
            Why::LinkLocal => "link-local",
            Why::Metadata => "the metadata service of a cloud",
            Why::Reserved => "reserved",
            Why::Multicast => "multicast or broadcast",
            Why::Tunnel => "a tunnel to another address (6to4 or Teredo)",
        }
    }
}

/// Single addresses; some of them lie in no block that is refused below.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Everything that is not public of IPv4: block, bits, what it is.
const V4: [([u8; 4], u32, Why); 16] = [
    ([0, 0, 0, 0], 8, Why::Unspecified),
    ([10, 0, 0, 0], 8, Why::Private),
    ([100, 64, 0, 0], 10, Why::Shared),
    ([127, 0, 0, 0], 8, Why::Loopback),
    ([169, 254, 0, 0], 16, Why::LinkLocal),
    ([172, 16, 0, 0], 12, Why::Private),
    ([192, 0, 0, 0], 24, Why::Reserved),
    ([192, 0, 2, 0], 24, Why::Reserved),
    ([192, 88, 99, 0], 24, Why::Tunnel),
    ([192, 168, 0, 0], 16, Why::Private),
    ([198, 18, 0, 0], 15, Why::Reserved),
    ([198, 51, 100, 0], 24, Why::Reserved),
    ([203, 0, 113, 0], 24, Why::Reserved),
    ([224, 0, 0, 0], 4, Why::Multicast),
    ([255, 255, 255, 255], 32, Why::Multicast),
    ([240, 0, 0, 0], 4, Why::Reserved),
];

/// What is not public of IPv6: the first match counts. What stands nowhere here is public.
const V6: [([u16; 8], u32, Why); 16] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, Why::Unspecified),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, Why::Loopback),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, Why::Private),
    // IPv4-compatible addresses and everything else that was never given out.
    ([0, 0, 0, 0, 0, 0, 0, 0], 8, Why::Reserved),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Why::Private),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, Why::Private),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, Why::LinkLocal),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Why::Multicast),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, Why::Tunnel),
    // Benchmarks (2001:2::/48), ORCHID, DRIP: protocol assignments.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Why::Reserved),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Why::Reserved),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, Why::Tunnel),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Why::Reserved),
    // Beyond 2000::/3 nothing is public: discard (100::/64), SRv6 (5f00::/16), not assigned.
    ([0, 0, 0, 0, 0, 0, 0, 0], 3, Why::Reserved),
    ([0x4000, 0, 0, 0, 0, 0, 0, 0], 2, Why::Reserved),
    ([0x8000, 0, 0, 0, 0, 0, 0, 0], 1, Why::Reserved),
];

/// Whether an address is of the public internet; if not, what it is.
///
/// An IPv4 address within an IPv6 one (mapped, or behind NAT64) is judged by itself.
pub(crate) fn is_public(address: IpAddr) -> Result<(), Why> {
    match address {
        IpAddr::V4(v4) => v4_public(v4),
        IpAddr::V6(v6) => match inner(v6) {
            Some(v4) => v4_public(v4),
            None => v6_public(v6),
        },
    }
}

/// Whether both share their first `bits` bits. `false` for two of different families.
pub(super) fn covers(block: IpAddr, bits: u32, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let rest = width.saturating_sub(bits);
        a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
    };
    match (block, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// The IPv4 address that a packet to this one would reach: IPv4-mapped, or NAT64 (`64:ff9b::/96`).
fn inner(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = v6.octets();
    let nat64 = matches!(v6.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    v6.to_ipv4_mapped().or_else(|| nat64.then(|| Ipv4Addr::new(a, b, c, d)))
}

fn v4_public(v4: Ipv4Addr) -> Result<(), Why> {
    if METADATA_V4.contains(&v4) {
        return Err(Why::Metadata);
    }
    let found = V4.iter().find(|(block, bits, _)| covers((*block).into(), *bits, v4.into()));
    found.map_or(Ok(()), |(_, _, why)| Err(*why))
}

fn v6_public(v6: Ipv6Addr) -> Result<(), Why> {
    if METADATA_V6.contains(&v6) {
        return Err(Why::Metadata);
    }
    let found = V6.iter().find(|(block, bits, _)| covers((*block).into(), *bits, v6.into()));
    found.map_or(Ok(()), |(_, _, why)| Err(*why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_known_from_its_first_to_its_last_address() {
        use Why::{
            LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Tunnel,
            Unspecified,
        };
        for (text, why) in [
            ("0.0.0.0", Unspecified),
            ("0.255.255.255", Unspecified),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("100.64.0.0", Shared),
            ("100.127.255.255", Shared),
            ("100.100.100.200", Metadata),
            ("127.0.0.1", Loopback),
            ("127.255.255.255", Loopback),
            ("168.63.129.16", Metadata),
            ("169.254.0.0", LinkLocal),
            ("169.254.169.254", Metadata),
            ("169.254.255.255", LinkLocal),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("192.0.0.1", Reserved),
            ("192.0.0.192", Metadata),
            ("192.0.2.255", Reserved),
            ("192.88.99.1", Tunnel),
            ("192.168.0.0", Private),
            ("192.168.255.255", Private),
            ("198.18.0.0", Reserved),
            ("198.19.255.255", Reserved),
            ("198.51.100.7", Reserved),
            ("203.0.113.7", Reserved),
            ("224.0.0.0", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.0", Reserved),
            ("255.255.255.254", Reserved),
            ("255.255.255.255", Multicast),
            ("::", Unspecified),
            ("::1", Loopback),
            ("::2", Reserved),
            ("::127.0.0.1", Reserved),
            ("::8.8.8.8", Reserved),
            ("::ffff:10.0.0.1", Private),
            ("::ffff:169.254.169.254", Metadata),
            ("::ffff:0:127.0.0.1", Reserved),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::7f00:1", Loopback),
            ("64:ff9b:1::808:808", Private),
            ("64:ff9b:0:1::808:808", Reserved),
            ("100::", Reserved),
            ("100:0:0:1::", Reserved),
            ("200::1", Reserved),
            ("1fff::1", Reserved),
            ("2001::1", Tunnel),
            ("2001:0:ffff::", Tunnel),
            ("2001:2::1", Reserved),
            ("2001:10::1", Reserved),
            ("2001:20::1", Reserved),
            ("2001:1ff:ffff::", Reserved),
            ("2001:db8::1", Reserved),
            ("2002:7f00:1::", Tunnel),
            ("2002:808:808::", Tunnel),
            ("3fff::1", Reserved),
            ("3fff:fff:ffff::1", Reserved),
            ("4000::1", Reserved),
            ("5f00::1", Reserved),
            ("8000::1", Reserved),
            ("fbff::1", Reserved),
            ("fc00::1", Private),
            ("fd00:ec2::254", Metadata),
            ("fd20:ce::254", Metadata),
            ("fdff::1", Private),
            ("fe00::1", Reserved),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", Private),
            ("feff::1", Private),
            ("ff00::1", Multicast),
            ("ff02::1", Multicast),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), Err(why), "{text}");
        }
    }

    #[test]
    fn the_neighbours_of_each_block_are_public() {
        for text in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
            "3fff:1000::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(is_public(text.parse().unwrap()), Ok(()), "{text}");
        }
    }
}
