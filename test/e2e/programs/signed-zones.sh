#!/bin/bash
# A validating resolver on this host's loopback, of zones that lie beside it: signed.lab, which is signed; bogus.lab, in which
# what was signed has been changed; plain.lab, which is not. Arguments: a directory of its own, lines of each zone with @ for
# the zone. Prints nothing; ends when the resolver has been started.
set -euo pipefail
directory=$1
shift
mkdir -p "$directory"
cd "$directory"
anchors=() zones=()
for zone in signed.lab bogus.lab plain.lab; do
  {
    printf '%s\n' "\$ORIGIN $zone." '$TTL 60' "@ SOA ns.$zone. root.$zone. 1 3600 600 86400 60" "@ NS ns.$zone." 'ns A 127.0.0.1'
    printf '%s\n' "$@"
  } >"$zone"
  if [[ $zone != plain.lab ]]; then
    key=$(ldns-keygen -a ED25519 -k "$zone")
    ldns-signzone -f "$zone.signed" "$zone" "$key"
    mv "$zone.signed" "$zone"
    anchors+=("trust-anchor-file: \"$directory/$key.ds\"")
  fi
  zones+=("auth-zone:" "  name: $zone" "  zonefile: \"$directory/$zone\"" '  for-downstream: no' '  for-upstream: yes')
done
# Other fingerprints than those that were signed.
awk '$4 == "SSHFP" { sub(/[0-9a-f]+$/, "00000000000000000000000000000000000000000000000000000000deadbeef") } { print }' bogus.lab >changed
mv changed bogus.lab
printf '%s\n' server: '  interface: 127.0.0.1' '  access-control: 127.0.0.0/8 allow' '  chroot: ""' '  username: ""' "  directory: \"$directory\"" \
  "  pidfile: \"$directory/pid\"" '  module-config: "validator iterator"' '  use-syslog: no' "  logfile: \"$directory/log\"" '  val-log-level: 2' \
  '  local-zone: lab. nodefault' '  do-not-query-localhost: no' "${anchors[@]/#/  }" 'remote-control:' '  control-enable: no' "${zones[@]}" >unbound.conf
unbound -c "$directory/unbound.conf"
