#!/bin/sh
# Makes a certificate for localhost, signed by itself, unless there is one. nginx's image runs this before nginx. TLS_FOLDER: where to (default /etc/nginx/tls).
set -eu
folder="${TLS_FOLDER:-/etc/nginx/tls}"
[ -s "$folder/tls.crt" ] && exit 0
mkdir -p "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
echo "made a certificate for localhost in $folder"
