//! TLS: which certificates are accepted, and why one is not.
//!
//! The check itself is rustls' own; beside it stands what the owner named. Must not know of messages.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::trust::Trust;

/// A certificate that nobody vouches for, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Stranger(String);

/// How connections are secured.
pub(super) fn config(trust: &Trust) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trust.roots());
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let named = trust.named().to_vec();
    roots.add_parsable_certificates(named.clone());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        rules: WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()?,
        named,
    };
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // The name is rustls' for every verifier that is not its own.
    let checked = versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(checked.with_no_client_auth())
}

/// The usual rules, and the receivers' own certificates that the owner named.
#[derive(Debug)]
struct Verifier {
    rules: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.rules.verify_server_cert(certificate, chain, name, ocsp, now) {
            // Its time is looked at before who signed it, so here it holds.
            Err(Error::InvalidCertificate(why)) if nobody_vouches(&why) => {
                if self.named.iter().any(|named| named == certificate) {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                    return Ok(ServerCertVerified::assertion());
                }
                Err(Error::InvalidCertificate(stranger(certificate, chain, why)))
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.rules.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.rules.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules.supported_verify_schemes()
    }
}

/// Whether it failed at who signed it. "Other" is, among other things, a certificate that is its own
/// authority, as `openssl req -x509` makes them; a signature does not fit where another authority
/// has the same name.
fn nobody_vouches(why: &CertificateError) -> bool {
    matches!(
        why,
        CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | CertificateError::Other(_)
    )
}

fn stranger(
    certificate: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    why: CertificateError,
) -> CertificateError {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return why };
    let words = if parsed.issuer() == parsed.subject() {
        "The receiver's certificate is self-signed, so nobody vouches for it: name the file with it \
         (PEM) in WEBHOOK_CA_FILE, or give the receiver a certificate of a known authority."
            .to_owned()
    } else if !matches!(why, CertificateError::Other(_)) {
        let by = common_name(parsed.issuer()).map_or(String::new(), |name| format!(" \"{name}\""));
        let missing = if chain.is_empty() {
            " If that authority is a known one, the receiver does not send the certificates between: \
             give it the full chain."
        } else {
            ""
        };
        format!(
            "The receiver's certificate is signed by an authority{by} that is not known here: name \
             the file with that authority's certificate (PEM) in WEBHOOK_CA_FILE.{missing}"
        )
    } else {
        return why;
    };
    CertificateError::Other(OtherError(Arc::new(Stranger(words))))
}

/// The common name (2.5.4.3) in a name as DER, if it is short and plain.
fn common_name(name: &[u8]) -> Option<String> {
    const OID: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    const MOST: usize = 64;
    let at = name.windows(OID.len()).position(|window| window == OID)? + OID.len();
    // The tag of its kind of text, its length, the text.
    let length = usize::from(*name.get(at + 1)?);
    let text = std::str::from_utf8(name.get(at + 2..at + 2 + length)?).ok()?;
    let is_plain = |c: char| c.is_alphanumeric() || " .,-_()".contains(c);
    (length <= MOST && !text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_named_by_its_common_name_alone() {
        let name = |text: &[u8]| {
            let mut der = vec![0x31, 0x10, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c];
            der.push(u8::try_from(text.len()).unwrap());
            der.extend_from_slice(text);
            der
        };
        assert_eq!(common_name(&name(b"Our Own CA")).as_deref(), Some("Our Own CA"));
        for odd in [&b""[..], b"\x1b[2J", &[b'a'; 65], b"\xff"] {
            assert_eq!(common_name(&name(odd)), None);
        }
        assert_eq!(common_name(&name(b"cut")[..12]), None);
        assert_eq!(common_name(b""), None);
    }
}
