use std::path::Path;

/// The variables that lead unmodified clients to the workspace (wire §4.3); `HTTP_PROXY` is never among them.
pub(crate) fn client_environment(host: &str, proxy_url: &str, bundle: &Path) -> Vec<(String, String)> {
    let bundle = bundle.display().to_string();
    let local = "localhost,127.0.0.1";
    [
        ("DATABRICKS_HOST", host),
        ("HTTPS_PROXY", proxy_url),
        ("https_proxy", proxy_url),
        ("NO_PROXY", local),
        ("no_proxy", local),
        ("SSL_CERT_FILE", &bundle),
        ("REQUESTS_CA_BUNDLE", &bundle),
        ("CURL_CA_BUNDLE", &bundle),
        ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", &bundle),
        // The whole bundle: where a company's own authority signs, Node needs that one too.
        ("NODE_EXTRA_CA_CERTS", &bundle),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
