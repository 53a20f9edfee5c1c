# Makes the guest a bastion: real sshd with PAM and the hook, a person's account, hoplined as installed below $app; and
# beyond it a network with servers, from where the person logs in. Every file is the guest's own, and gone with it.
# Sourced.
# shellcheck shell=bash disable=SC2154,SC2034

bastion4=10.77.0.11 bastion6=fd77::11
web4=10.77.0.30 web6=fd77::30
vault4=10.77.0.66
cgroups=/sys/fs/cgroup

# in_cgroup NAME COMMAND…
in_cgroup() {
  local cgroup=$cgroups/$1
  shift
  (echo "$BASHPID" >"$cgroup/cgroup.procs" && exec "$@")
}
# Of the bastion, in the network namespace in which this runs; and of everybody else.
on_bastion() { in_cgroup bastion "$@"; }
outside() { in_cgroup outside nsenter --net=/run/netns/outside "$@"; }

make_network() {
  mkdir -p "$cgroups/bastion" "$cgroups/outside"
  ip netns add outside
  ip link add eth0 type veth peer name eth0 netns outside
  ip -batch - <<BATCH
address add $bastion4/24 dev eth0
address add $bastion6/64 dev eth0 nodad
link set eth0 up
BATCH
  ip -n outside -batch - <<BATCH
link set lo up
address add 10.77.0.2/24 dev eth0
address add $web4/24 dev eth0
address add $vault4/24 dev eth0
address add $web6/64 dev eth0 nodad
link set eth0 up
BATCH
  echo "nameserver $web4" >/etc/resolv.conf
  sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
  outside python3 "$here/peer.py" "$web4" "$web6" >/run/peer.out 2>&1 &
}

# alice, at home where no disk of the machine can be in the way.
make_account() {
  local home=/run/alice
  sed -i '/^alice:/d' /etc/passwd /etc/shadow /etc/group
  echo "alice:x:2001:2001::$home:/bin/bash" >>/etc/passwd
  echo 'alice:x:2001:' >>/etc/group
  echo 'alice:*:20000:0:99999:7:::' >>/etc/shadow
  ssh-keygen -q -t ed25519 -N '' -C alice -f /run/alice.key
  install -d -m 700 -o 2001 -g 2001 "$home" "$home/.ssh"
  install -m 600 -o 2001 -g 2001 /run/alice.key.pub "$home/.ssh/authorized_keys"
}

start_sshd() {
  install -d /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f /run/host.key
  cat >/etc/ssh/sshd_config <<'CONF'
HostKey /run/host.key
UsePAM yes
KbdInteractiveAuthentication no
UseDNS no
CONF
  cp "$app/etc/pam.d/sshd" /etc/pam.d/sshd
  # Below a first process of the scope, as init is the machine's.
  on_bastion bash -c '/usr/sbin/sshd -D -E /run/sshd.log & wait' &
}

configure() {
  rm -rf /etc/hopline && mkdir -p /etc/hopline/policies /run/hopline
  printf 'host: bastion\nscope: /bastion\n' >/etc/hopline/hopline.yaml
  cat >/etc/hopline/targets.yaml <<CONF
targets:
  web: {addresses: [$web4, "$web6"], ports: [80, 443], protocol: http, mode: inspect}
  plain: {addresses: [$web4, "$web6"], ports: [81], mode: direct}
  vault: {addresses: [$vault4], ports: [8200], mode: inspect}
CONF
  cat >/etc/hopline/identities.yaml <<CONF
users:
  alice: {accounts: [alice], groups: [engineers], keys: ["$(ssh-keygen -lf /run/alice.key.pub | cut -d' ' -f2)"]}
CONF
  cat >/etc/hopline/policies/guest.cedar <<'CONF'
@id("engineers-connect")
permit (principal in Group::"engineers", action == Action::"connect", resource);
@id("plain-for-all")
permit (principal, action == Action::"connect", resource == Target::"plain");
@id("vault-is-closed")
forbid (principal, action == Action::"connect", resource == Target::"vault");
CONF
}

# What scripts/install put into a directory, at its place.
place_hopline() {
  rm -rf /usr/lib/hopline
  ln -s "$app/usr/lib/hopline" /usr/lib/hopline
  cp "$app/usr/bin/hopline" /usr/bin/
  cp "$app/usr/sbin/hoplined" /usr/sbin/
}

# Started as a service manager would: without a login, with a small environment.
daemon_start() {
  rm -f /run/hopline/control.sock
  (
    echo "$BASHPID" >"$cgroups/bastion/cgroup.procs"
    exec env -i "PATH=$PATH" LANG=C.UTF-8 /usr/sbin/hoplined
  ) >>/run/hoplined.log 2>&1 &
  daemon=$!
}
daemon_ready() { until_true "$1" test -S /run/hopline/control.sock; }

# login IPv4-OR-IPv6 COMMAND: alice with the real ssh client, from outside.
login() {
  outside ssh -i /run/alice.key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ConnectTimeout=60 "alice@$1" "$2" </dev/null
}
