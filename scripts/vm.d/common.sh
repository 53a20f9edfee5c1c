# Names, places, messages, the packages needed and the cache. Sourced by scripts/vm-test.
# shellcheck shell=bash disable=SC2154,SC2034

KERNELS=(5.10 6.1 6.12)
PACKAGES=(qemu-system-x86 qemu-system-common busybox-static kmod cpio xz-utils debootstrap)
cache=${HOPLINE_VM_CACHE:-/var/cache/hopline-vm}

# All of it on stderr: stdout is the command's.
say() { printf 'vm-test: %s\n' "$*" >&2; }
# 125 and not 1, which could be the command's.
die() {
  say "$*"
  exit 125
}

known_kernel() {
  local kernel
  for kernel in "${KERNELS[@]}"; do
    if [[ $1 == "$kernel" ]]; then return 0; fi
  done
  return 1
}

# What is to be undone, in reverse, whichever way this ends.
undo=()
at_exit() { undo+=("$1"); }
run_undo() {
  local status=$? i
  trap '' INT TERM HUP
  for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}" || true; done
  exit "$status"
}
trap run_undo EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Exec a command so that it dies with this shell, even by kill -9: `child … &`.
child() { exec setpriv --pdeathsig KILL -- "$@"; }

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Until Debian 12 virtiofsd is a part of QEMU, afterwards a package and a place of its own.
virtiofsd_path() {
  local path
  for path in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
    if [[ -x $path ]]; then
      echo "$path"
      return
    fi
  done
}

packages_ready() {
  local name
  local -a missing=()
  for name in "${PACKAGES[@]}"; do
    if ! installed "$name"; then missing+=("$name"); fi
  done
  if ((${#missing[@]})); then packages_install "${missing[@]}"; fi
  if [[ -z $(virtiofsd_path) ]]; then packages_install virtiofsd; fi
  [[ -n $(virtiofsd_path) ]] || die 'no virtiofsd in /usr/lib/qemu or /usr/libexec, where Debian has it'
}

packages_install() {
  command -v apt-get >/dev/null || die "apt-get is missing; these packages are needed: $*"
  say "installing $*"
  local log policy=/usr/sbin/policy-rc.d
  log=$(mktemp)
  at_exit "rm -f '$log'"
  # Nothing is started by an installation.
  if [[ ! -e $policy ]]; then
    at_exit "rm -f $policy"
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
  else
    policy=
  fi
  if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
    --no-install-recommends install "$@"; } </dev/null >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "could not install $*; above is the end of what apt-get said"
  fi
  if [[ -n $policy ]]; then rm -f "$policy"; fi
  say "installed, $SECONDS s"
}

# Whoever uses the cache holds its lock shared, whoever cleans it alone. The descriptors are for this process only.
cache_ready() {
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd -P)
  exec 8>"$cache/lock"
  flock -s -w 60 8 || die "$cache is being cleaned"
}

# One maker of one thing at a time; the others find it made.
making() {
  exec 9>"$cache/lock-making"
  if ! flock -n 9; then
    say 'waiting for another vm-test that is fetching'
    flock -w 900 9 || die "another vm-test holds $cache/lock-making for more than 15 minutes"
  fi
  # Left behind by one that was ended by kill -9.
  rm -rf --one-file-system "$cache"/making.*
}
made() { exec 9>&-; }

clean() {
  if [[ ! -d $cache ]]; then
    say "$cache is not there"
    return
  fi
  exec 8>"$cache/lock"
  flock -n 8 || die "$cache is in use by another vm-test"
  local size
  size=$(du -sh "$cache" | cut -f1)
  rm -rf "$cache"
  say "removed $cache ($size)"
}

list() {
  local kernel dir state
  printf '%-8s  %-9s  %s\n' NAME DEBIAN CACHED
  for kernel in "${KERNELS[@]}"; do
    dir=$cache/kernel-$kernel
    state=-
    if [[ -e $dir/version ]]; then state="$(<"$dir/version"), $(du -sh "$dir" | cut -f1)"; fi
    printf '%-8s  %-9s  %s\n' "$kernel" "$(kernel_suite "$kernel")" "$state"
  done
  dir=$(tree_dir)
  state=-
  if [[ -d $dir ]]; then state="$TREE_SUITE, $(du -sh "$dir" 2>/dev/null | cut -f1)"; fi
  printf '%-8s  %-9s  %s\n' systemd "$TREE_SUITE" "$state"
}
