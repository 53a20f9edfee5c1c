# A small Debian with systemd: made once, then the read-only lower layer of every guest. Sourced by scripts/vm-test.
# shellcheck shell=bash disable=SC2154

TREE_SUITE=bookworm
# What an installed Hopline depends on, what its tests log in with and start programs through, and modprobe.
TREE_PACKAGES=(systemd systemd-sysv dbus dbus-user-session libpam-systemd openssh-server openssh-client sudo kmod
  libbpf1 libpcap0.8 curl ca-certificates cron at procps iproute2)

tree_dir() {
  local key
  key=$(printf '%s\n' "$TREE_SUITE" "${TREE_PACKAGES[@]}" "$(declare -f tree_make)" | sha256sum | cut -c1-12)
  echo "$cache/tree-$TREE_SUITE-$key"
}

tree_ready() {
  local dir
  dir=$(tree_dir)
  making
  if [[ ! -d $dir ]]; then tree_make "$dir"; fi
  made
}

tree_make() {
  local dir=$1 work mirror proxy=${http_proxy:-}
  need_mirror
  mirror=$(mirror_of Debian)
  if [[ -z $proxy ]]; then eval "$(apt-config shell proxy Acquire::http::Proxy)"; fi
  say "systemd tree: debootstrap of Debian $TREE_SUITE, about a minute"
  work=$(mktemp -d "$cache/making.XXXXXX")
  at_exit "rm -rf --one-file-system '$work'"
  chmod 755 "$work"
  # Mounts and processes that debootstrap leaves behind when it fails go with its namespaces.
  tree_progress "$work/log" unshare --mount --pid --fork --kill-child --propagation private \
    env -i PATH="$PATH" LANG=C.UTF-8 ${proxy:+"http_proxy=$proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
    DEBIAN_FRONTEND=noninteractive debootstrap --variant=minbase \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "--include=$(IFS=,; echo "${TREE_PACKAGES[*]}")" \
    "$TREE_SUITE" "$work/tree" "$mirror"
  rm -rf "$work"/tree/var/cache/apt/*.bin "$work"/tree/var/cache/apt/archives/*.deb "$work"/tree/var/lib/apt/lists/*
  echo hopline-vm >"$work/tree/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 hopline-vm\n' >"$work/tree/etc/hosts"
  # The address book of the machine that made it is not the guest's.
  : >"$work/tree/etc/resolv.conf"
  # An empty one would be a first boot, which applies presets to every unit.
  [[ -s $work/tree/etc/machine-id ]] || echo 0f1e2d3c4b5a69788796a5b4c3d2e1f0 >"$work/tree/etc/machine-id"
  rm -rf "$cache"/tree-*
  mv "$work/tree" "$dir"
  rm -rf "$work"
  say "systemd tree: ready, $SECONDS s"
}

# Runs debootstrap with its output in a log; every 25th package of each phase is a line. In the background, since the
# shell hears of a signal only after the end of a command in the foreground.
tree_progress() {
  local log=$1 status=0 maker
  shift
  child "$@" </dev/null > >(tee "$log" | awk '
    $1 == "I:" && ($2 == "Retrieving" || $2 == "Extracting" || $2 == "Unpacking" || $2 == "Configuring") {
      n[$2]++
      if (n[$2] % 25 == 1) { printf "vm-test: systemd tree: %s %d %s\n", tolower($2), n[$2], $3; fflush() }
    }' >&2) 2>&1 8>&- 9>&- &
  maker=$!
  at_exit "kill -9 $maker 2>/dev/null; wait $maker 2>/dev/null"
  wait "$maker" || status=$?
  if ((status)); then
    tail -n 20 "$log" >&2
    die 'debootstrap failed; above is the end of what it said'
  fi
}
