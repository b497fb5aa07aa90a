//! What a list of targets allows, and how a refusal is said.
//!
//! Must not know how a name is resolved.

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
        ("n8n.lan:+443", "from 1 to 65535"),
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
    for url in ["https://hook.eu1.make.com/x", "https://8.8.8.8/", "http://n8n.lan/", "no url"] {
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
