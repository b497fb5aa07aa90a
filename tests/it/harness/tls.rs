//! A receiver that speaks TLS, with certificates that a test makes: real ones, and a real handshake.
//!
//! It must not know what the program promises.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a certificate is to be like.
#[derive(Clone)]
pub(crate) struct Wish {
    /// The name that it is for.
    pub(crate) name: &'static str,
    /// It may sign others, as `openssl req -x509` makes them.
    pub(crate) is_ca: bool,
    /// The first and the last year in which it holds.
    pub(crate) years: (i32, i32),
}

/// For `localhost`, now.
pub(crate) const USUAL: Wish = Wish { name: "localhost", is_ca: false, years: (2020, 2090) };

/// A certificate and its key.
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    key: KeyPair,
    params: CertificateParams,
    pem: String,
}

fn params(wish: &Wish, common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![wish.name.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(wish.years.0, 1, 2);
    params.not_after = date_time_ymd(wish.years.1, 1, 2);
    params.distinguished_name.push(DnType::CommonName, common_name);
    if wish.is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    }
    params
}

impl Certificate {
    /// One that signs itself.
    pub(crate) fn own(wish: &Wish, common_name: &str) -> Certificate {
        let (params, key) = (params(wish, common_name), KeyPair::generate().expect("a key"));
        let made = params.self_signed(&key).expect("a certificate");
        Certificate { der: made.der().clone(), pem: made.pem(), key, params }
    }

    /// One that this authority signs.
    pub(crate) fn by(authority: &Certificate, wish: &Wish) -> Certificate {
        let (params, key) = (params(wish, "a receiver"), KeyPair::generate().expect("a key"));
        let issuer = Issuer::from_params(&authority.params, &authority.key);
        let made = params.signed_by(&key, &issuer).expect("a certificate");
        Certificate { der: made.der().clone(), pem: made.pem(), key, params }
    }

    /// Writes it into a file and returns the path.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> String {
        let path = folder.join(name);
        std::fs::write(&path, &self.pem).expect("the file is written");
        path.to_str().expect("a plain path").to_owned()
    }
}

/// Serves 200 over TLS with this certificate, and returns its address.
pub(crate) async fn serve(
    certificate: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
    clients_by: Option<&Certificate>,
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions");
    let config = match clients_by {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).expect("an authority");
            let wanted = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(wanted.build().expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.serialize_der()));
    let config = config.with_single_cert(vec![certificate.der.clone()], key).expect("a key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = match acceptor.accept(stream).into_fallible().await {
                    Ok(stream) => stream,
                    Err((_, stream)) => return hang_up(stream).await,
                };
                let service = hyper::service::service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(String::new()))
                });
                let io = TokioIo::new(stream);
                hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.ok();
            });
        }
    });
    format!("localhost:{port}")
}

/// Hangs up so that what was said last arrives: what is left unread would reset the connection, and a reset takes with it
/// what the other side has not read yet.
pub(crate) async fn hang_up(mut stream: TcpStream) {
    stream.shutdown().await.ok();
    let end = async { while stream.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.ok();
}
