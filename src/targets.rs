//! Targets: which addresses a webhook made over the API may reach. `WEBHOOK_ALLOW_TARGETS`.
//!
//! Public addresses always; others only where the owner of the server named them. Pure: must not
//! resolve names, open connections, or know what a webhook is.

mod literal;
mod public;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use http::Uri;
use idna::AsciiDenyList;

use literal::{Spelled, bare, spelled};
pub use public::{Why, is_public};

/// The longest host that is shown in a sentence, in bytes: no name may be longer.
const SHOWN_MOST: usize = 253;

/// One thing that the owner named.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// All addresses that share the first `bits` bits with `block`.
    Net { block: IpAddr, bits: u32 },
    /// A name, whatever it resolves to.
    Host(String),
}

/// A place, on one port or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    port: Option<u16>,
}

/// What the owner allows beyond the public internet. The default is nothing.
///
/// A network or address covers every name that resolves into it; a name covers whatever it
/// resolves to. The metadata service of a cloud is reached only if its very address is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets(Vec<Entry>);

impl Targets {
    /// Reads the setting: networks, addresses, hosts, the latter two also with `:port`, commas
    /// between.
    ///
    /// # Errors
    /// What is wrong and what is allowed, to stand after the setting's name.
    pub fn parse(text: &str) -> Result<Targets, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(entry).collect::<Result<_, _>>().map(Targets)
    }

    /// Whether `address`, an answer for `host`, may be connected to on this port.
    ///
    /// # Errors
    /// A sentence for people that names the address, the host and the way out.
    pub fn allows(&self, host: &str, port: u16, address: IpAddr) -> Result<(), String> {
        let Err(why) = is_public(address) else { return Ok(()) };
        let address = address.to_canonical();
        let host = bare(host);
        let named = |entry: &Entry| {
            let place = match &entry.place {
                Place::Net { block, bits } if why == Why::Metadata => {
                    *block == address && *bits == width(*block)
                }
                Place::Net { block, bits } => public::covers(*block, *bits, address),
                Place::Host(name) => why != Why::Metadata && *name == host,
            };
            place && entry.port.is_none_or(|only| only == port)
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
            && matches!(spelled(&host), Spelled::Name | Spelled::Localhost)
            && is_name(&host);
        let place = if by_name { host.clone() } else { address.to_string() };
        let place = if place.contains(':') { format!("[{place}]") } else { place };
        let how = if self.0.is_empty() {
            format!("put WEBHOOK_ALLOW_TARGETS={place}:{port} into .env")
        } else {
            format!("add {place}:{port} to WEBHOOK_ALLOW_TARGETS")
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
    pub fn refuse_literal(&self, url: &str) -> Option<String> {
        let uri: Uri = url.parse().ok()?;
        self.refuse_host(uri.host()?, port_of(&uri))
    }

    /// The same for a host, with or without brackets, and a port.
    pub fn refuse_host(&self, host: &str, port: u16) -> Option<String> {
        match spelled(host) {
            Spelled::Name => None,
            Spelled::Address(address) => self.allows(host, port, address).err(),
            Spelled::Localhost => self.allows(host, port, Ipv4Addr::LOCALHOST.into()).err(),
            Spelled::Nonsense => {
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
        for (at, Entry { place, port }) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            match (place, port) {
                (Place::Host(name), _) => f.write_str(name)?,
                (Place::Net { block: IpAddr::V6(v6), bits: 128 }, Some(_)) => write!(f, "[{v6}]")?,
                (Place::Net { block, bits }, _) if *bits == width(*block) => write!(f, "{block}")?,
                (Place::Net { block, bits }, _) => write!(f, "{block}/{bits}")?,
            }
            if let Some(port) = port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

/// The port that a URL means.
pub fn port_of(uri: &Uri) -> u16 {
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
        return net(text, block, bits).map(|place| Entry { place, port: None });
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Entry { place: single(address), port: None });
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            let number = port.parse::<u16>().ok().filter(|port| *port > 0);
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
    let place = match spelled(host) {
        Spelled::Address(address) => {
            // 127.1 and 0177.0.0.1 are read in more than one way: what is allowed must be plain.
            if bare(host).parse::<IpAddr>().is_err() {
                return Err(format!("names \"{text}\": write that address as {address}"));
            }
            single(address)
        }
        Spelled::Name | Spelled::Localhost if is_name(&bare(host)) => Place::Host(bare(host)),
        _ => return Err(unknown(text)),
    };
    Ok(Entry { place, port })
}

fn unknown(text: &str) -> String {
    format!(
        "names \"{text}\": use networks (10.0.0.0/8, fd00::/8), addresses (10.0.0.5), hosts \
         (n8n.lan), or an address or host with a port (n8n.lan:5678, [fd00::5]:5678), with commas \
         between"
    )
}

fn single(address: IpAddr) -> Place {
    let block = address.to_canonical();
    Place::Net { block, bits: width(block) }
}

fn net(text: &str, block: &str, bits: &str) -> Result<Place, String> {
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
            Ok(Place::Net { block: v4, bits: bits - 96 })
        }
        _ => Ok(Place::Net { block, bits }),
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
mod tests {
    use super::*;

    fn targets(text: &str) -> Targets {
        Targets::parse(text).unwrap()
    }

    #[test]
    fn what_is_named_is_allowed_and_nothing_else() {
        for (setting, host, port, address, is_allowed) in [
            ("", "a.org", 443, "8.8.8.8", true),
            ("", "a.org", 443, "10.0.0.5", false),
            ("10.0.0.0/8", "a.org", 443, "10.0.0.5", true),
            ("10.0.0.0/8", "a.org", 443, "100.64.0.5", false),
            ("10.0.0.0/8", "a.org", 443, "192.168.0.5", false),
            ("10.0.0.0/8", "a.org", 443, "::ffff:10.0.0.5", true),
            ("10.0.0.0/8", "a.org", 443, "64:ff9b::10.0.0.5", false),
            ("::ffff:10.0.0.0/104", "a.org", 443, "10.0.0.5", true),
            ("10.0.0.4/30", "a.org", 443, "10.0.0.7", true),
            ("10.0.0.4/30", "a.org", 443, "10.0.0.8", false),
            ("10.0.0.5", "a.org", 443, "10.0.0.5", true),
            ("10.0.0.5", "a.org", 443, "10.0.0.6", false),
            ("10.0.0.5:8080", "a.org", 8080, "10.0.0.5", true),
            ("10.0.0.5:8080", "a.org", 8081, "10.0.0.5", false),
            ("fd00::/8", "a.org", 443, "fd12::1", true),
            ("fd00::/8", "a.org", 443, "fc12::1", false),
            ("fd00::5", "a.org", 443, "fd00::5", true),
            ("[fd00::5]:80", "a.org", 80, "fd00::5", true),
            ("[fd00::5]:80", "a.org", 81, "fd00::5", false),
            ("[fd00::5]", "a.org", 81, "fd00::5", true),
            ("n8n.lan", "N8N.LAN.", 5678, "192.168.1.5", true),
            ("N8N.lan.", "n8n.lan", 5678, "127.0.0.1", true),
            ("n8n.lan", "x.n8n.lan", 5678, "127.0.0.1", false),
            ("münchen.lan:5678", "xn--mnchen-3ya.lan", 5678, "10.0.0.1", true),
            ("n8n.lan:5678", "n8n.lan", 5678, "fd00::1", true),
            ("n8n.lan:5678", "n8n.lan", 80, "fd00::1", false),
            ("localhost", "localhost", 80, "::1", true),
            ("a.org , 127.0.0.1:9,", "b.org", 9, "127.0.0.1", true),
            ("0.0.0.0/0", "b.org", 9, "127.0.0.1", true),
            ("0.0.0.0/0", "b.org", 9, "::1", false),
            ("::/0", "b.org", 9, "::1", true),
            ("::/0", "b.org", 9, "10.0.0.1", false),
            // Who means the metadata service says so.
            ("0.0.0.0/0", "b.org", 80, "169.254.169.254", false),
            ("169.254.0.0/16", "b.org", 80, "169.254.169.254", false),
            ("169.254.0.0/16", "b.org", 80, "169.254.1.1", true),
            ("b.org", "b.org", 80, "169.254.169.254", false),
            ("fd00::/8", "b.org", 80, "fd00:ec2::254", false),
            ("169.254.169.254", "b.org", 80, "169.254.169.254", true),
            ("169.254.169.254/32", "b.org", 80, "169.254.169.254", true),
            ("169.254.169.254:80", "b.org", 80, "::ffff:169.254.169.254", true),
            ("fd00:ec2::254", "b.org", 80, "fd00:ec2::254", true),
        ] {
            let said = targets(setting).allows(host, port, address.parse().unwrap());
            assert_eq!(said.is_ok(), is_allowed, "{setting}: {host}:{port} at {address}: {said:?}");
        }
    }

    #[test]
    fn a_wrong_setting_is_said_with_the_way_out() {
        for (setting, words) in [
            ("10.0.0.5/8", "write 10.0.0.0/8"),
            ("fd00::1/8", "write fd00::/8"),
            ("10.0.0.0/33", "from 0 to 32"),
            ("10.0.0.0/+8", "from 0 to 32"),
            ("10.0.0.0/", "from 0 to 32"),
            ("fd00::/129", "from 0 to 128"),
            ("n8n.lan/8", "use networks"),
            ("10/8", "use networks"),
            ("n8n.lan:0", "from 1 to 65535"),
            ("n8n.lan:http", "from 1 to 65535"),
            ("n8n.lan:", "from 1 to 65535"),
            ("10.0.0.5:65536", "from 1 to 65535"),
            ("127.1", "write that address as 127.0.0.1"),
            ("0x7f.0.0.1:80", "write that address as 127.0.0.1"),
            ("256.1.1.1", "use networks"),
            ("*.lan", "use networks"),
            ("a b", "use networks"),
            ("a..b", "use networks"),
            ("fd00::zz", "use networks"),
            ("[fd00::5", "use networks"),
            ("ok.lan,http://h/s3cret", "name its host"),
        ] {
            let said = Targets::parse(setting).unwrap_err();
            assert!(said.contains(words) && !said.contains("s3cret"), "{setting}: {said}");
        }
    }

    #[test]
    fn the_setting_can_be_written_again() {
        let text = "10.0.0.0/8,10.0.0.5,10.0.0.5:80,[fd00::5]:80,fd00::/8,n8n.lan,n8n.lan:5678";
        assert_eq!(targets(text).to_string(), text);
        assert_eq!(targets(" , ").to_string(), "");
    }

    #[test]
    fn a_refusal_names_address_host_and_way_out() {
        let said = |host: &str, address: &str| {
            Targets::default().allows(host, 443, address.parse().unwrap()).unwrap_err()
        };
        assert_eq!(
            said("hooks.example.org", "10.0.0.5"),
            "The address 10.0.0.5 of hooks.example.org is private; webhooks made over the API may \
             not reach it. If that is meant, put WEBHOOK_ALLOW_TARGETS=hooks.example.org:443 into \
             .env and start the server again."
        );
        let more = targets("10.0.0.0/8").allows("n8n.lan", 5678, "192.168.1.5".parse().unwrap());
        assert!(more.unwrap_err().contains("add n8n.lan:5678 to WEBHOOK_ALLOW_TARGETS"));
        assert!(said("[::1]", "::1").starts_with("The address ::1 is this machine"));
        assert!(said("0x7f.1", "127.0.0.1").starts_with("The address 127.0.0.1 of 0x7f.1 is "));
        // What it says to write is right.
        for (host, address) in [
            ("a", "169.254.169.254"),
            ("0x7f.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("localhost", "127.0.0.1"),
            ("hooks.example.org", "10.0.0.5"),
        ] {
            let said = said(host, address);
            let setting = said.split("WEBHOOK_ALLOW_TARGETS=").nth(1).unwrap();
            let setting = targets(setting.split(' ').next().unwrap());
            assert_eq!(setting.allows(host, 443, address.parse().unwrap()), Ok(()), "{said}");
        }
    }

    #[test]
    fn literals_are_refused_when_a_webhook_is_made() {
        let none = Targets::default();
        for url in [
            "http://127.0.0.1/s3cret",
            "http://2130706433/s3cret",
            "https://0x7f.1:8443/s3cret",
            "https://user@127.1/s3cret",
            "http://LocalHost./s3cret",
            "http://db.localhost:5432/s3cret",
            "http://[::ffff:a00:1]/s3cret",
            "http://[fe80::1]/s3cret",
            "http://169.254.169.254/s3cret",
            "http://1.2.3.4.5/s3cret",
        ] {
            let said = none.refuse_literal(url).unwrap();
            assert!(!said.contains("s3cret"), "{said}");
        }
        for url in ["https://hook.eu1.make.com/x", "https://8.8.8.8/", "http://n8n.lan/", "no url"]
        {
            assert_eq!(none.refuse_literal(url), None, "{url}");
        }
        let some = targets("127.0.0.1:80,n8n.localhost");
        for (url, is_refused) in [
            ("http://127.1/", false),
            ("http://localhost/", false),
            ("https://localhost/", true),
            ("https://127.1/", true),
            ("https://n8n.localhost/", false),
        ] {
            assert_eq!(some.refuse_literal(url).is_some(), is_refused, "{url}");
        }
    }
}
