# A bastion's hoplined, started as a service manager would: outside of any login, in a cgroup of its own.
# shellcheck shell=bash disable=SC2154

daemon_cgroup() { echo "$(host_cgroup "$1")/hoplined"; }
daemon_log() { echo "/proc/$(host_pid "$1")/root/var/log/hoplined.log"; }

daemon_pid() {
  local file pid born
  file=$(host_dir "$1")/hoplined
  [[ -r $file ]] || return 0
  read -r pid born <"$file" || return 0
  if [[ $(process_born "$pid") == "$born" ]]; then echo "$pid"; fi
}

daemon_summary() {
  is_bastion "$1" || return 0
  local pid
  pid=$(daemon_pid "$1")
  if [[ -n $pid ]]; then echo "  hoplined $pid"; else echo '  no hoplined'; fi
}

need_bastion() {
  known_host "$1"
  is_bastion "$1" || die "$1 has no hoplined: bastion1 and bastion2 have"
  [[ -n $(host_pid "$1") ]] || die "$1 is not up: scripts/lab up"
}

# Started, not yet ready.
daemon_launch() {
  local host=$1 pid cgroup log left
  need_bastion "$host"
  if [[ -n $(daemon_pid "$host") ]]; then return; fi
  [[ -e $repo/src/hoplined.ts ]] || die "$repo/src/hoplined.ts is not there: lab up --no-daemon starts the rest"
  [[ -x $(node_bin)/node ]] || die "no Node in $(node_bin): scripts/up installs it"
  cgroup=$(daemon_cgroup "$host")
  # As systemd does with what a dead service left behind.
  left=$(cgroup_pids "$cgroup" | wc -l)
  if ((left)); then say "$host: $left processes of a former hoplined are ended"; fi
  cgroup_remove "$cgroup"
  mkdir "$cgroup"
  log=$(daemon_log "$host")
  (
    echo "$BASHPID" >"$cgroup/cgroup.procs"
    leave_login
    exec setsid nsenter --target "$(host_pid "$host")" --net --uts --mount \
      env -i "PATH=$(node_bin):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 HOME=/root \
      MALLOC_ARENA_MAX=1 node --disable-warning=ExperimentalWarning \
      --liftoff-only --max-semi-space-size=4 "${LAB_HOPLINED:-$repo/src/hoplined.ts}" --config /etc/hopline/hopline.yaml
  ) </dev/null >>"$log" 2>&1 9>&- &
  pid=$!
  disown "$pid"
  echo "$pid $(process_born "$pid")" >"$(host_dir "$host")/hoplined"
}

daemon_wait() {
  local host=$1 pid
  pid=$(daemon_pid "$host")
  if [[ -z $pid ]] || ! "$(node_bin)/node" "$here/lab.d/control-ready.ts" "$pid" 60 \
    "/proc/$(host_pid "$host")/root/run/hopline/control.sock"; then
    tail -n 40 "$(daemon_log "$host")" >&2
    die "hoplined on $host is not ready; above is the end of its log"
  fi
  say "hoplined is ready on $host, $(elapsed) s"
}

daemon_start() {
  daemon_launch "$1"
  daemon_wait "$1"
}

daemon_stop() {
  local host=$1 pid try
  need_bastion "$host"
  pid=$(daemon_pid "$host")
  if [[ -n $pid ]]; then
    kill -TERM "$pid" 2>/dev/null || true
    for try in {1..200}; do
      [[ -n $(daemon_pid "$host") ]] || break
      sleep 0.05
    done
    if [[ -n $(daemon_pid "$host") ]]; then say "hoplined on $host did not end within 10 s ($try looks): killed"; fi
  fi
  cgroup_remove "$(daemon_cgroup "$host")"
  say "hoplined is stopped on $host"
}

daemon_kill() {
  local host=$1 pid
  need_bastion "$host"
  pid=$(daemon_pid "$host")
  [[ -n $pid ]] || die "hoplined does not run on $host"
  kill -9 "$pid"
  while [[ -n $(daemon_pid "$host") ]]; do sleep 0.01; done
  say "hoplined ($pid) was killed on $host"
}

lab_daemon() {
  local host=${1:?lab daemon: expected a host} verb=${2:-status}
  shift $(($# > 1 ? 2 : 1))
  need_bastion "$host"
  case $verb in
    start) lock; daemon_start "$host" ;;
    stop) lock; daemon_stop "$host" ;;
    kill) daemon_kill "$host" ;;
    restart) lock; daemon_stop "$host"; daemon_start "$host" ;;
    status) printf '%s%s\n' "$host" "$(daemon_summary "$host")"; [[ -n $(daemon_pid "$host") ]] ;;
    log) tail -n +1 "$@" "$(daemon_log "$host")" ;;
    *) die "lab daemon: unknown verb $verb: start, stop, kill, restart, status or log" ;;
  esac
}

lab_hopline() {
  local host=${1:?lab hopline: expected a host}
  shift
  if [[ ${1:-} == -- ]]; then shift; fi
  need_bastion "$host"
  local -a environment
  mapfile -t environment < <(clean_environment root)
  enter "$host" env "${environment[@]}" node --disable-warning=ExperimentalWarning "$repo/src/hopline.ts" "$@"
}
