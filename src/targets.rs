//! Targets: which addresses a webhook made over the API may reach, against SSRF. `WEBHOOK_ALLOW_TARGETS`.
//!
//! Public addresses always; others only where the owner of the server named them. Pure: must not
//! resolve names, open connections, or know what a webhook is.
#![doc = include_str!("../docs/internals/targets.md")]

mod literal;
mod public;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use http::Uri;
use idna::AsciiDenyList;

use literal::{HostKind, bare, spelled};
pub(crate) use public::{Why, is_public};

/// The longest host that is shown in a sentence, in bytes: no name may be longer.
const SHOWN_MOST: usize = 253;

/// One thing that the owner named.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// All addresses that share the first `bits` bits with `block`.
    Net { block: IpAddr, bits: u32 },
    /// A name, whatever it resolves to.
    Host(String),
}

/// A target, on one port or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    target: Target,
    port: Option<u16>,
}

/// What the owner allows beyond the public internet. The default is nothing.
///
/// A network or address covers every name that resolves into it; a name covers whatever it
/// resolves to. The metadata service of a cloud is reached only if its very address is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets(Vec<Entry>);

impl Targets {
    /// Reads the setting: networks, addresses, hosts, the latter two also with `:port`, commas
    /// between.
    ///
    /// # Errors
    /// What is wrong and what is allowed, to stand after the setting's name.
    pub(crate) fn parse(text: &str) -> Result<Targets, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(entry).collect::<Result<_, _>>().map(Targets)
    }

    /// Whether `address`, an answer for `host`, may be connected to on this port.
    ///
    /// # Errors
    /// A sentence for people that names the address, the host and the way out.
    pub(crate) fn allows(&self, host: &str, port: u16, address: IpAddr) -> Result<(), String> {
        let Err(why) = is_public(address) else { return Ok(()) };
        let address = address.to_canonical();
        let host = bare(host);
        let named = |entry: &Entry| {
            let target = match &entry.target {
                Target::Net { block, bits } if why == Why::Metadata => {
                    *block == address && *bits == width(*block)
                }
                Target::Net { block, bits } => public::covers(*block, *bits, address),
                Target::Host(name) => why != Why::Metadata && *name == host,
            };
            target && entry.port.is_none_or(|only| only == port)
        };
        if self.0.iter().any(named) {
            return Ok(());
        }
        let mut shown = format!("The address {address}");
        if host.parse() != Ok(address) {
            shown.push_str(" of ");
            shown.push_str(&host[..host.floor_char_boundary(SHOWN_MOST)]);
        }
        // A name does not do for a metadata service: who means that says so.
        let by_name = why != Why::Metadata
            && matches!(spelled(&host), HostKind::Name | HostKind::Localhost)
            && is_name(&host);
        let target = if by_name { host.clone() } else { address.to_string() };
        let target = if target.contains(':') { format!("[{target}]") } else { target };
        let how = if self.0.is_empty() {
            format!("put WEBHOOK_ALLOW_TARGETS={target}:{port} into .env")
        } else {
            format!("add {target}:{port} to WEBHOOK_ALLOW_TARGETS")
        };
        Err(format!(
            "{shown} is {}; webhooks made over the API may not reach it. If that is meant, {how} and \
             start the server again.",
            why.words()
        ))
    }

    /// A refusal that needs no resolver, for the moment in which a webhook is made: the host is an
    /// address, however it is spelled, or `localhost`. `None` says only that the URL must be
    /// judged when it is connected to.
    pub(crate) fn refuse_literal(&self, url: &str) -> Option<String> {
        let uri: Uri = url.parse().ok()?;
        self.refuse_host(uri.host()?, port_of(&uri))
    }

    /// The same for a host, with or without brackets, and a port.
    pub(crate) fn refuse_host(&self, host: &str, port: u16) -> Option<String> {
        match spelled(host) {
            HostKind::Name => None,
            HostKind::Address(address) => self.allows(host, port, address).err(),
            HostKind::Localhost => self.allows(host, port, Ipv4Addr::LOCALHOST.into()).err(),
            HostKind::Nonsense => {
                let host = bare(host);
                Some(format!(
                    "The host {} looks like an address but is none: write four numbers from 0 to \
                     255 with dots between, an IPv6 address in brackets, or a name.",
                    &host[..host.floor_char_boundary(SHOWN_MOST)]
                ))
            }
        }
    }
}

/// As it may be written in the setting.
impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Entry { target, port }) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            match (target, port) {
                (Target::Host(name), _) => f.write_str(name)?,
                (Target::Net { block: IpAddr::V6(v6), bits: 128 }, Some(_)) => write!(f, "[{v6}]")?,
                (Target::Net { block, bits }, _) if *bits == width(*block) => write!(f, "{block}")?,
                (Target::Net { block, bits }, _) => write!(f, "{block}/{bits}")?,
            }
            if let Some(port) = port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

/// The port that a URL means.
pub(crate) fn port_of(uri: &Uri) -> u16 {
    let known = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(known)
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn entry(text: &str) -> Result<Entry, String> {
    if text.contains("://") {
        // The rest of a webhook's URL may be a secret.
        return Err("holds a URL: name its host, or host:port, alone".to_owned());
    }
    if let Some((block, bits)) = text.split_once('/') {
        return net(text, block, bits).map(|target| Entry { target, port: None });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Entry { target: single(address), port: None });
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let is_plain = port.bytes().all(|b| b.is_ascii_digit());
            let number = port.parse::<u16>().ok().filter(|port| is_plain && *port > 0);
            let wrong = || format!("names \"{text}\": after the colon, use a port from 1 to 65535");
            (host, Some(number.ok_or_else(wrong)?))
        }
        _ => (text, None),
    };
    // As it is dialled: what is compared is what the DNS knows.
    let host = &*idna::domain_to_ascii_cow(host.as_bytes(), AsciiDenyList::EMPTY)
        .ok()
        .filter(|_| !host.is_ascii())
        .unwrap_or(Cow::Borrowed(host));
    let target = match spelled(host) {
        HostKind::Address(address) => {
            // 127.1 and 0177.0.0.1 are read in more than one way: what is allowed must be plain.
            if bare(host).parse::<IpAddr>().is_err() {
                return Err(format!("names \"{text}\": write that address as {address}"));
            }
            single(address)
        }
        HostKind::Name | HostKind::Localhost if is_name(&bare(host)) => Target::Host(bare(host)),
        _ => return Err(unknown(text)),
    };
    Ok(Entry { target, port })
}

fn unknown(text: &str) -> String {
    format!(
        "names \"{text}\": use networks (10.0.0.0/8, fd00::/8), addresses (10.0.0.5), hosts \
         (n8n.lan), or an address or host with a port (n8n.lan:5678, [fd00::5]:5678), with commas \
         between"
    )
}

fn single(address: IpAddr) -> Target {
    let block = address.to_canonical();
    Target::Net { block, bits: width(block) }
}

fn net(text: &str, block: &str, bits: &str) -> Result<Target, String> {
    let block: IpAddr = block.parse().map_err(|_| unknown(text))?;
    let most = width(block);
    let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
    let bits = bits.parse::<u32>().ok().filter(|bits| plain && *bits <= most);
    let bits = bits.ok_or_else(|| {
        format!("names \"{text}\": after the slash, use a number from 0 to {most}")
    })?;
    let first = match block {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    };
    if first != block {
        return Err(format!(
            "names \"{text}\", which is not where that network begins: write {first}/{bits}"
        ));
    }
    match block.to_canonical() {
        // ::ffff:10.0.0.0/104 is 10.0.0.0/8 in other words.
        v4 @ IpAddr::V4(_) if block.is_ipv6() && bits >= 96 => {
            Ok(Target::Net { block: v4, bits: bits - 96 })
        }
        _ => Ok(Target::Net { block, bits }),
    }
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(known)
    };
    host.len() <= SHOWN_MOST && host.split('.').all(label)
}

#[cfg(test)]
mod tests;
