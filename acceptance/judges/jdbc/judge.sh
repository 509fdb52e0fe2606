#!/usr/bin/env bash
# jdbc/judge.sh DIRECTORY MODE …: the driver in these modes, through the workspace's proxy and authority.
set -euo pipefail
cd "$1"
proxy=${HTTPS_PROXY#http://}
proxy=${proxy%/}
rm -f trust.p12
# The last certificate of the bundle is the workspace's own authority.
awk '/BEGIN CERTIFICATE/ {text = ""} {text = text $0 "\n"} END {printf "%s", text}' "$SSL_CERT_FILE" > authority.pem
keytool -importcert -noprompt -alias workspace -file authority.pem -keystore trust.p12 -storetype PKCS12 -storepass trusted > keytool.log 2>&1
common="UseProxy=1;ProxyHost=${proxy%:*};ProxyPort=${proxy##*:};UseCFProxy=1;CFProxyHost=${proxy%:*};CFProxyPort=${proxy##*:};SSLTrustStore=$1/trust.p12;SSLTrustStorePwd=trusted;SSLTrustStoreType=PKCS12;EnableTelemetry=0;CheckCertRevocation=0;AcceptUndeterminedRevocation=1"
for mode in "${@:2}"; do
  java --add-opens=java.base/java.nio=ALL-UNNAMED -cp ".:jars/*" Judge "$common;$mode"
done
