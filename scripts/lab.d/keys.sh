# The lab's keys: host keys, each person's keys, and a certificate authority for web1. Made once in the life of a lab.
# shellcheck shell=bash disable=SC2154

lab_keys=$lab_run/keys

# Where a person has a key of their own, to log in with from there.
KEY_HOSTS=(laptop bastion1 bastion2)
SSH_HOSTS=(bastion1 bastion2 db1 web1)

keys_make() {
  if [[ -e $lab_keys/made ]]; then return; fi
  install -d -m 700 "$lab_keys"
  rm -f "$lab_keys"/*
  local host user
  for host in "${SSH_HOSTS[@]}"; do
    ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$lab_keys/$host-ed25519"
    ssh-keygen -q -t ecdsa -N '' -C "$host" -f "$lab_keys/$host-ecdsa"
  done
  for host in "${KEY_HOSTS[@]}"; do
    for user in alice bob; do
      ssh-keygen -q -t ed25519 -N '' -C "$user@$host" -f "$lab_keys/$user-$host"
    done
  done
  keys_make_tls
  keys_known_hosts >"$lab_keys/known_hosts"
  : >"$lab_keys/made"
}

keys_make_tls() {
  (
    cd "$lab_keys" || exit
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -subj '/CN=Hopline lab' -days 365 -out ca.crt 2>/dev/null
    keys_sign web1 DNS:web1,DNS:web1.lab,DNS:intranet.lab,DNS:api.lab
    keys_sign db1 "DNS:db1,DNS:db1.lab,DNS:orders-db.lab,DNS:reports,DNS:reports.lab,IP:$(address4 reports),IP:$(address6 reports)"
  )
}

# keys_sign HOST NAMES: a server's certificate of the lab's authority, for these names and the host's addresses.
keys_sign() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" 2>/dev/null \
    -extfile <(echo "subjectAltName=$2,IP:$(address4 "$1"),IP:$(address6 "$1")")
}

keys_known_hosts() {
  local host type
  for host in "${SSH_HOSTS[@]}"; do
    for type in ed25519 ecdsa; do
      printf '%s,%s.lab,%s,%s %s\n' "$host" "$host" "$(address4 "$host")" "$(address6 "$host")" \
        "$(cut -d' ' -f1,2 "$lab_keys/$host-$type.pub")"
    done
  done
}

# SHA256:… of one person's keys, one a line, as identities.yaml and sshd name them.
keys_fingerprints() {
  local host
  for host in "${KEY_HOSTS[@]}"; do ssh-keygen -lf "$lab_keys/$1-$host.pub" | cut -d' ' -f2; done
}
