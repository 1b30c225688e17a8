#!/bin/sh
# Makes every signed body from payloads/, with the openssl command and a key that is thrown away at the end.
# Running it again replaces all of them, the public key and the certificate: the old key is gone.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

new_key() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1"; }

new_key "$scratch/key"
new_key "$scratch/stranger"
openssl pkey -in "$scratch/key" -pubout -out public.pem
openssl pkey -in "$scratch/stranger" -pubout -out stranger.pem

# A self-signed certificate with exact dates, which only `openssl ca` can be told.
: >"$scratch/index"
cat >"$scratch/ca.conf" <<CONF
[ca]
default_ca = self
[self]
database = $scratch/index
new_certs_dir = $scratch
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
openssl req -new -key "$scratch/key" -subj '/CN=Vectors' -out "$scratch/csr"
openssl ca -config "$scratch/ca.conf" -batch -notext -selfsign -keyfile "$scratch/key" -in "$scratch/csr" \
    -startdate 20200101000000Z -enddate 21200101000000Z -out certificate.pem 2>"$scratch/log" || cat "$scratch/log"

# sign PAYLOAD [openssl dgst options]: the signature's bytes
sign() { payload=$1; shift; openssl dgst "${@:--sha256}" -sign "${key:-$scratch/key}" "payloads/$payload"; }
base64() { openssl base64 -A; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

# The payload inside a form, inside a JSON string; the signature inside a form.
in_form() { sed 's/%/%25/g; s/&/%26/g; s/=/%3D/g; s/+/%2B/g' "payloads/$1"; }
in_json() { sed 's/\\/\\\\/g; s/"/\\"/g' "payloads/$1"; }
escaped() { sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g'; }

# form BODY PAYLOAD ENCODING [openssl dgst options]
form() {
    body=$1; payload=$2; encoding=$3; shift 3
    printf 'payload=%s&sign=%s' "$(in_form "$payload")" "$(sign "$payload" "$@" | "$encoding" | escaped)" >"bodies/$body"
}
# json BODY PAYLOAD
json() { printf '{"payload": "%s", "sign": "%s"}' "$(in_json "$2")" "$(sign "$2" | base64)" >"bodies/$1"; }

form signed-default.form default.form base64
json signed-default.json default.json
form signed-hostile.form hostile.form base64
json signed-hostile.json hostile.json
form signed-percent-e9.form percent-e9.form base64
form signed-duplicate.form duplicate.form base64
json signed-duplicate.json duplicate.json
form signed-envelope.form envelope.form base64
json signed-envelope.json envelope.json
form signed-empty.form empty.form base64

# A payload with a raw byte 0xE9 in it, sent raw.
printf 'payload=' >bodies/signed-raw-e9.form
in_form raw-e9.form >>bodies/signed-raw-e9.form
printf '&sign=%s' "$(sign raw-e9.form | base64 | escaped)" >>bodies/signed-raw-e9.form

# The other profiles.
form profile-sha1.form default.form base64 -sha1
form profile-sha384.form default.form base64 -sha384
form profile-sha512.form default.form base64 -sha512
form profile-pss.form default.form base64 -sha256 -sigopt rsa_padding_mode:pss
form profile-pss-digest-salt.form default.form base64 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
form profile-base64url.form default.form base64url
form profile-hex.form default.form hex

# A JSON payload that is an object: signed as it stands in the body.
object=$(cat payloads/object.json; printf x)
object=${object%x}
sign=$(sign object.json | base64)
printf ' {\n"sign":"%s" , "payload" : %s}\n' "$sign" "$object" >bodies/signed-object.json
printf '{"payload": %s, "sign": "%s"}' "$(tr -s ' ' <payloads/object.json)" "$sign" >bodies/altered-object.json

# Beside payload and sign, unsigned names: some new, some that the payload has too.
sign=$(sign default.form | base64 | escaped)
printf 'id=forged&payload=%s&extra=1&sign=%s&answered=0' "$(in_form default.form)" "$sign" >bodies/signed-neighbours.form
printf '{"id": "forged", "payload": "%s", "extra": 1, "sign": "%s", "answered": "0"}' \
    "$(in_json default.json)" "$(sign default.json | base64)" >bodies/signed-neighbours.json

# What must not pass: another call's signature, one digit changed, two payloads, a stranger's key, '+' left as it is.
printf 'payload=%s&sign=%s' "$(in_form hostile.form)" "$sign" >bodies/swapped-signature.form
sed 's/duration%3D42/duration%3D43/' bodies/signed-default.form >bodies/altered.form
printf 'payload=%s&payload=%s&sign=%s' "$(in_form hostile.form)" "$(in_form default.form)" "$sign" >bodies/two-payloads.form
sign=$(key=$scratch/stranger; sign default.form | base64 | escaped)
printf 'payload=%s&sign=%s' "$(in_form default.form)" "$sign" >bodies/strangers-signature.form
plus=$(sign default.form | base64)
case $plus in *+*) ;; *) echo "this signature has no '+': run again" >&2; exit 1 ;; esac
printf 'payload=%s&sign=%s' "$(in_form default.form)" "$plus" >bodies/sign-with-plus.form
