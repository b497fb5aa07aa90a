//! Trust: the authorities that are believed when a receiver shows its certificate, as the settings
//! say.
//!
//! Reads files of certificates (PEM) and says what is wrong with one. Must not know how a
//! certificate is checked, nor read the environment.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificates as they stand in a file.
pub(crate) type Certificates = Vec<CertificateDer<'static>>;

/// Whose certificates are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// From `SSL_CERT_FILE` and `SSL_CERT_DIR`; `None`: the system's.
    pub(crate) instead: Option<Certificates>,
    /// From `WEBHOOK_CA_FILE`: authorities, or receivers' own certificates.
    pub(crate) also: Certificates,
}

impl Trust {
    /// The authorities of the system, or those that stand in for them; perhaps none.
    pub(crate) fn roots(&self) -> Certificates {
        match &self.instead {
            Some(roots) => roots.clone(),
            None => rustls_native_certs::load_native_certs().certs,
        }
    }

    /// What is believed beside them, also as the very certificate of a receiver.
    pub(crate) fn named(&self) -> &[CertificateDer<'static>] {
        &self.also
    }
}

/// Reads a file in which each certificate counts.
///
/// # Errors
/// What is wrong with it, to stand after the name of a setting.
pub(crate) fn read_each(path: &str) -> Result<Certificates, String> {
    let certificates = read(path)?;
    for (at, certificate) in certificates.iter().enumerate() {
        if RootCertStore::empty().add(certificate.clone()).is_err() {
            return Err(format!(
                "names {path}, whose certificate {} of {} cannot be read: make that file again, as \
                 X.509 of version 3",
                at + 1,
                certificates.len()
            ));
        }
    }
    Ok(certificates)
}

/// Reads a bundle of authorities, of which some may be too old to be read.
///
/// # Errors
/// What is wrong with it, to stand after the name of a setting.
pub(crate) fn read_bundle(path: &str) -> Result<Certificates, String> {
    let certificates = read(path)?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(certificates.clone());
    if usable == 0 {
        return Err(format!("names {path}, in which no certificate can be read"));
    }
    Ok(certificates)
}

/// Reads every file of folders that are written with colons between.
///
/// # Errors
/// What is wrong with them, to stand after the name of a setting.
pub(crate) fn read_folders(paths: &str) -> Result<Certificates, String> {
    let mut found = Vec::new();
    for path in paths.split(':').filter(|path| !path.is_empty()) {
        let listed = std::fs::read_dir(path);
        let listed =
            listed.map_err(|error| format!("names {path}, which cannot be read: {error}"))?;
        for entry in listed.flatten() {
            // A folder of certificates may hold other things too.
            found.extend(read(&entry.path().to_string_lossy()).unwrap_or_default());
        }
    }
    if found.is_empty() {
        return Err(format!("names {paths}, where no certificate (PEM) is found"));
    }
    Ok(found)
}

fn read(path: &str) -> Result<Certificates, String> {
    let unreadable = |why: &dyn std::fmt::Display| {
        format!("names {path}, which cannot be read: {why}. Name a file with certificates (PEM)")
    };
    // A pipe would keep the start waiting.
    let about = std::fs::metadata(Path::new(path)).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(unreadable(&"it is no file"));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(format!("names {path}, which is UTF-16: save it as plain text (UTF-8)"));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&plain(&bytes)).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ if is_pkcs12(&bytes) => Err(format!(
            "names {path}, which is a PKCS#12 file (.p12, .pfx); take the certificates out of it with: \
             openssl pkcs12 -in {path} -nokeys -out ca.pem"
        )),
        _ if bytes.first() == Some(&0x30) => Err(format!(
            "names {path}, which is in binary form (DER); make it PEM with: openssl x509 -inform der \
             -in {path} -out ca.pem"
        )),
        Ok(_) => Err(format!(
            "names {path}, in which there is no certificate: it must hold text (PEM) with the line \
             -----BEGIN CERTIFICATE-----"
        )),
        Err(_) => Err(format!("names {path}, in which a certificate (PEM) is damaged")),
    }
}

/// The text as the standard has it: without a byte order mark, and no line with blanks around it.
/// Either would take a certificate away in silence.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// A sequence that begins with the number 3: certificates begin with another sequence.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let long = bytes.get(1).map_or(0, |length| if *length > 0x80 { length & 0x7f } else { 0 });
    let inner = bytes.get(2 + usize::from(long)..).unwrap_or_default();
    bytes.first() == Some(&0x30) && inner.starts_with(&[2, 1, 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_brings_no_trust_is_told_of_by_name() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = home.path().join(name).to_str().unwrap().to_owned();
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let folder = home.path().to_str().unwrap().to_owned();
        let nowhere = home.path().join("none.pem").to_str().unwrap().to_owned();
        let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let open = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (path, words) in [
            (nowhere.clone(), "No such file"),
            (folder.clone(), "it is no file"),
            (write("a.der", &[0x30, 0x82, 1]), "openssl x509 -inform der"),
            (write("a.p12", &[0x30, 0x82, 1, 2, 2, 1, 3, 0x30]), "PKCS#12"),
            (write("b.p12", &[0x30, 0x80, 2, 1, 3, 0x30]), "PKCS#12"),
            (write("utf16.pem", b"\xff\xfe-\0-\0"), "UTF-16"),
            (write("a.txt", b"hello"), "BEGIN CERTIFICATE"),
            (write("a.key", key), "BEGIN CERTIFICATE"),
            (write("a.pem", damaged), "certificate 1 of 1"),
            (write("b.pem", open), "damaged"),
        ] {
            let said = read_each(&path).unwrap_err();
            assert!(said.contains(words) && said.contains(&path), "{said}");
        }
        assert!(read_bundle(&nowhere).is_err());
        assert!(read_folders(&nowhere).unwrap_err().contains("cannot be read"));
    }
}
