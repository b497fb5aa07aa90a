//! What went wrong with a secure connection, in words that a person can act on.
//!
//! Names of hosts and authorities may stand in them, nothing else that the other side sent. Must not
//! know how a certificate is checked.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage};

use super::tls::Stranger;
use crate::model::Time;

/// The connection ended before it was secure.
pub(super) const CUT: &str = "The receiver cut the connection while TLS was being set up: it does \
    not speak TLS at this port (then write http://, or name the port where it does), wants a client \
    certificate, or is just starting.";

/// The most names of a certificate that are told.
const NAMES_MOST: usize = 4;
/// The longest name that is told.
const NAME_MOST: usize = 80;

/// The sentence for an error of TLS.
pub(super) fn of(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => of_certificate(why).unwrap_or_else(|| other(error)),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "The receiver does not speak TLS at this port: if it speaks plain HTTP there, write \
              http:// instead of https://; else name the port where it speaks HTTPS."
            .to_owned(),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(Alert::ProtocolVersion | Alert::InsufficientSecurity) => {
            "The receiver speaks none of the versions of TLS that are spoken here (1.2 and 1.3): \
             bring the receiver, or the proxy before it, up to date."
                .to_owned()
        }
        Error::AlertReceived(Alert::HandshakeFailure) => {
            "The receiver refused to set up TLS: it has no cipher in common with this server (bring \
             it up to date), or it wants a client certificate, which this server has none of."
                .to_owned()
        }
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::NoCertificate
            | Alert::UnknownCA
            | Alert::CertificateUnknown,
        ) => "The receiver wants a client certificate, which this server has none of: let it take \
              requests without one, and check their signature instead."
            .to_owned(),
        Error::AlertReceived(Alert::UnrecognisedName) => {
            "The receiver knows no host of this name: check the host in the URL, or the names that \
             the receiver's proxy is set up for."
                .to_owned()
        }
        Error::AlertReceived(Alert::AccessDenied) => {
            "The receiver does not let this server in (TLS alert: access denied): look at its rules."
                .to_owned()
        }
        _ => other(error),
    }
}

fn other(error: &Error) -> String {
    format!("The secure connection failed (TLS): {error}.")
}

fn of_certificate(error: &CertificateError) -> Option<String> {
    Some(match error {
        CertificateError::Other(why) => why.0.downcast_ref::<Stranger>()?.to_string(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "The receiver's certificate expired on {}; here it is {}. Renew it at the receiver, or \
             at the proxy before it; if it is not over, set this machine's clock.",
            shown(*not_after),
            shown(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "The receiver's certificate is valid only from {} on; here it is {}. One of the two \
             clocks is wrong: set this machine's, or make the certificate again.",
            shown(*not_before),
            shown(*time)
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = names(presented);
            let has = if names.is_empty() {
                "for no name (it has no subjectAltName)".to_owned()
            } else {
                format!("for {}", names.join(", "))
            };
            format!(
                "The receiver's certificate is {has}, and not for {}: put a name of the certificate \
                 into the URL, or give the receiver a certificate for this one.",
                expected.to_str()
            )
        }
        CertificateError::Revoked => {
            "The receiver's certificate was revoked: give the receiver a new one.".to_owned()
        }
        CertificateError::BadEncoding => {
            "The receiver's certificate cannot be read: make it again, as X.509 of version 3."
                .to_owned()
        }
        CertificateError::InvalidPurposeContext { .. } => {
            "The receiver's certificate is not one for servers (its extended key usage): give the \
             receiver one that is."
                .to_owned()
        }
        _ => return None,
    })
}

/// `2026-11-01T09:00:00.000Z`.
fn shown(time: UnixTime) -> String {
    let ms = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
    Time(ms).to_string().replace(".000Z", "Z")
}

/// The names that webpki lists, `DnsName("e.org")` and `IpAddress(127.0.0.1)`, without their kind.
fn names(presented: &[String]) -> Vec<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:*-_".contains(c);
    let plain = presented.iter().filter_map(|name| {
        let (_, name) = name.split_once('(')?;
        let name = name.strip_suffix(')')?.trim_matches('"');
        (name.len() <= NAME_MOST && name.chars().all(is_plain)).then(|| name.to_owned())
    });
    let mut names: Vec<String> = plain.collect();
    if names.len() > NAMES_MOST {
        let more = names.len() - NAMES_MOST;
        names.truncate(NAMES_MOST);
        names.push(format!("{more} more"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_without_their_kind_and_not_all_of_them() {
        let listed = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let told = names(&listed(&["DnsName(\"*.e.org\")", "IpAddress(::1)", "DirectoryName"]));
        assert_eq!(told, ["*.e.org", "::1"]);
        assert_eq!(names(&listed(&["DnsName(\"\u{1b}[2J\")"])), [""; 0]);
        let many: Vec<String> = (0..9).map(|n| format!("DnsName(\"n{n}\")")).collect();
        assert_eq!(names(&many), ["n0", "n1", "n2", "n3", "5 more"]);
    }

    #[test]
    fn times_are_dates() {
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        assert_eq!(shown(at(1_765_216_530)), "2025-12-08T17:55:30Z");
        assert_eq!(shown(at(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
