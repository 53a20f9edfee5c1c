# One bridge in a namespace of its own; every host is joined to it by veth. Nothing is added to the machine's network.
# shellcheck shell=bash disable=SC2154

netns_exists() { [[ -e /run/netns/$1 ]] && ip -n "$1" link show lo >/dev/null 2>&1; }

network_up() {
  if netns_exists "$bridge_ns"; then return; fi
  ip netns add "$bridge_ns"
  # The default route of every host ends here and is answered at once, so that a connection to nowhere fails quickly.
  ip netns exec "$bridge_ns" sh -c '
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
    echo 0 >/proc/sys/net/ipv6/icmp/ratelimit'
  ip -n "$bridge_ns" -batch - <<BATCH || { ip netns del "$bridge_ns"; die "the lab's bridge could not be made"; }
link set lo up
link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
address add 10.77.0.1/24 dev br0
address add fd77::1/64 dev br0 nodad
link set br0 up
route add unreachable 0.0.0.0/0
route add unreachable ::/0
BATCH
}

network_down() {
  if [[ -e /run/netns/$bridge_ns ]]; then ip netns del "$bridge_ns"; fi
}

# The host's own namespace with eth0 and its addresses.
host_network_up() {
  local host=$1 ns also=
  ns=$(host_ns "$host")
  ip netns add "$ns"
  ip -n "$bridge_ns" link del "v-$host" 2>/dev/null || true
  ip -n "$bridge_ns" link add "v-$host" type veth peer name eth0 netns "$ns"
  ip -n "$bridge_ns" link set "v-$host" master br0 up
  {
    echo 'link set lo up'
    echo "address add $(address4 "$host")/24 dev eth0"
    echo "address add $(address6 "$host")/64 dev eth0 nodad"
    case $host in web1) also=vault ;; db1) also=reports ;; esac
    if [[ -n $also ]]; then
      echo "address add $(address4 "$also")/24 dev eth0"
      echo "address add $(address6 "$also")/64 dev eth0 nodad"
    fi
    echo 'link set eth0 up'
    echo 'route add default via 10.77.0.1'
    echo 'route add default via fd77::1'
  } | ip -n "$ns" -batch -
  # As a systemd machine has them: ping sockets for everyone; and fast open both ways, which the tests use.
  ip netns exec "$ns" sh -c '
    echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
    echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
}

host_network_down() {
  local ns
  ns=$(host_ns "$1")
  if [[ -e /run/netns/$ns ]]; then
    ip netns pids "$ns" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "$ns"
  fi
  if netns_exists "$bridge_ns"; then ip -n "$bridge_ns" link del "v-$1" 2>/dev/null || true; fi
}
