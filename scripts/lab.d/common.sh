# Names, addresses, places and messages of a lab. Sourced by scripts/lab.
# shellcheck shell=bash disable=SC2154

LAB_NAME=${LAB_NAME:-lab}
HOSTS=(web1 db1 bastion1 bastion2 laptop)
repo=$(cd "$here/.." && pwd)
lab_run=/run/hopline-$LAB_NAME
lab_cache=/var/cache/hopline-lab
# shellcheck disable=SC2034
bridge_ns=hl-$LAB_NAME-net

say() { printf 'lab: %s\n' "$*"; }
die() {
  printf 'lab: %s\n' "$*" >&2
  exit 1
}
elapsed() {
  local us=$((${EPOCHREALTIME/./} - started_at))
  printf '%d.%01d' $((us / 1000000)) $((us % 1000000 / 100000))
}
started_at=${EPOCHREALTIME/./}

[[ $LAB_NAME =~ ^[a-z0-9]{1,8}$ ]] || die "LAB_NAME=$LAB_NAME: expected 1 to 8 of a-z and 0-9"

known_host() {
  local host
  for host in "${HOSTS[@]}"; do [[ $host != "$1" ]] || return 0; done
  die "no host $1 in the lab: there are ${HOSTS[*]}"
}
is_bastion() { [[ $1 == bastion* ]]; }

# The last part of a host's addresses, the same in IPv4 and IPv6.
host_number() {
  case $1 in
    laptop) echo 2 ;; bastion1) echo 11 ;; bastion2) echo 12 ;; db1) echo 20 ;; reports) echo 21 ;; web1) echo 30 ;; vault) echo 66 ;;
  esac
}
address4() { echo "10.77.0.$(host_number "$1")"; }
address6() { echo "fd77::$(host_number "$1")"; }

host_ns() { echo "hl-$LAB_NAME-$1"; }
host_dir() { echo "$lab_run/$1"; }

# Where the machine has cgroup v2: /sys/fs/cgroup, or below it on a machine that has v1 as well.
cgroup_mount() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }
lab_cgroup() { echo "$(cgroup_mount)/hopline-$LAB_NAME"; }
host_cgroup() { echo "$(lab_cgroup)/$1"; }
host_scope() { echo "/hopline-$LAB_NAME/$1"; }
host_pins() {
  if [[ $LAB_NAME == lab ]]; then echo "/sys/fs/bpf/hopline-$1"; else echo "/sys/fs/bpf/hopline-$LAB_NAME-$1"; fi
}

# Node 24 that the repository carries.
node_bin() {
  local arch
  case $(uname -m) in
    x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) die "no Node is carried for $(uname -m): x86_64 or aarch64 expected" ;;
  esac
  echo "$repo/node_modules/node-linux-$arch/bin"
}

need_tools() {
  local tool missing=()
  for tool in ip ss nsenter unshare pivot_root setpriv flock ssh-keygen openssl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  for tool in /usr/sbin/sshd /usr/sbin/nginx /usr/sbin/dnsmasq /usr/sbin/cron /usr/sbin/atd /usr/bin/sudo; do
    [[ -x $tool ]] || missing+=("$tool")
  done
  [[ -n $(postgres_bin) ]] || missing+=(postgresql)
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]}. scripts/up installs what the lab needs"
}

# One `up` or `down` at a time. The descriptor is closed for whatever outlives this command.
lock() {
  mkdir -p "$lab_cache"
  exec 9>"$lab_cache/lock-$LAB_NAME"
  flock -w 60 9 || die "another lab command for $LAB_NAME holds $lab_cache/lock-$LAB_NAME for more than 60 s"
}

# Everything below one cgroup, however deep.
cgroup_pids() {
  [[ -d $1 ]] || return 0
  find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

cgroup_remove() {
  local cgroup=$1 try
  [[ -d $cgroup ]] || return 0
  for try in {1..100}; do
    if [[ -w $cgroup/cgroup.kill ]]; then
      echo 1 >"$cgroup/cgroup.kill" || true
    else
      cgroup_pids "$cgroup" | xargs -r kill -9 2>/dev/null || true
    fi
    if find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; then return 0; fi
    sleep 0.02
  done
  die "could not empty $cgroup after $try tries: $(cgroup_pids "$cgroup" | tr '\n' ' ')"
}

# What the machine itself has to offer: cgroup v2, bpffs, and the lab's memory file system.
machine_prepare() {
  if [[ -z $(cgroup_mount) ]]; then
    mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
    say 'mounted cgroup v2 on /sys/fs/cgroup (it stays)'
  fi
  if ! awk '$3 == "bpf" && $2 == "/sys/fs/bpf" { found = 1 } END { exit !found }' /proc/mounts; then
    mount -t bpf bpf /sys/fs/bpf
    say 'mounted bpffs on /sys/fs/bpf (it stays)'
  fi
  if ! mountpoint -q "$lab_run"; then
    mkdir -p "$lab_run" && mount -t tmpfs -o mode=755 hopline-lab "$lab_run"
  fi
  mkdir -p "$(lab_cgroup)"
}

machine_restore() {
  cgroup_remove "$(lab_cgroup)"
  while mountpoint -q "$lab_run"; do umount "$lab_run" 2>/dev/null || umount -l "$lab_run"; done
  if [[ -d $lab_run ]]; then rmdir "$lab_run"; fi
}
