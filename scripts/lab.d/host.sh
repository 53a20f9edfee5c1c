# The life of one host: namespaces, root, first process, and the ways in.
# shellcheck shell=bash disable=SC2154

# The host's first process, or nothing. The start time guards against a number that was given out again.
host_pid() {
  local file pid born
  file=$(host_dir "$1")/init
  [[ -r $file ]] || return 0
  read -r pid born <"$file" || return 0
  if [[ $(process_born "$pid") == "$born" ]]; then echo "$pid"; fi
}

# When a process began; nothing where it has ended, waited for by its parent or not.
process_born() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  stat=${stat##*) }
  [[ $stat != Z* ]] || return 0
  # shellcheck disable=SC2086
  set -- $stat
  echo "${20}"
}

host_healthy() {
  local pid
  pid=$(host_pid "$1")
  [[ -n $pid && -e /proc/$pid/root/run/lab-ready ]] && netns_exists "$(host_ns "$1")"
}

host_start() {
  local host=$1 dir pid cgroup
  dir=$(host_dir "$host")
  cgroup=$(host_cgroup "$host")
  mkdir -p "$dir/upper" "$dir/work" "$dir/root" "$cgroup"
  write_host_files "$host" "$dir/upper"
  host_network_up "$host"
  (
    echo "$BASHPID" >"$cgroup/cgroup.procs"
    leave_login
    exec setsid nsenter --net="/run/netns/$(host_ns "$host")" \
      unshare --mount --uts --propagation private \
      env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LAB_HOST="$host" LAB_DIR="$dir" \
      LAB_REPO="$repo" LAB_ADDRESS4="$(address4 "$host")" LAB_ADDRESS6="$(address6 "$host")" \
      LAB_POSTGRES="$(postgres_bin)" bash "$here/lab.d/root.sh"
  ) </dev/null >"$dir/log" 2>&1 9>&- &
  pid=$!
  disown "$pid"
  echo "$pid $(process_born "$pid")" >"$dir/init"
}

# Processes of the lab are not of the login in which `lab` was typed.
leave_login() { echo 4294967295 2>/dev/null >/proc/self/loginuid || true; }

host_wait() {
  local host=$1 try
  for try in {1..400}; do
    if host_healthy "$host"; then
      say "$host is up, $(elapsed) s"
      return
    fi
    [[ -n $(host_pid "$host") ]] || break
    sleep 0.05
  done
  cat "$(host_dir "$host")/log" >&2 || true
  die "$host did not come up after $try looks; above is its log"
}

# Safe on a host of which only parts are left.
host_down() {
  local host=$1 dir mount_ns pid pins
  dir=$(host_dir "$host")
  pid=$(host_pid "$host")
  if [[ -n $pid ]]; then
    mount_ns=$(readlink "/proc/$pid/ns/mnt" || true)
    # A process that left the cgroup is still in the host's mounts.
    if [[ -n $mount_ns && $mount_ns != "$(readlink /proc/self/ns/mnt)" ]]; then
      find /proc/[0-9]*/ns/mnt -printf '%l %p\n' 2>/dev/null | awk -F'[ /]' -v ns="$mount_ns" '$1 == ns { print $4 }' |
        xargs -r kill -9 2>/dev/null || true
    fi
  fi
  local existed=0
  if [[ -d $(host_cgroup "$host") || -d $dir ]]; then existed=1; fi
  cgroup_remove "$(host_cgroup "$host")"
  host_network_down "$host"
  pins=$(host_pins "$host")
  if [[ -d $pins ]]; then rm -rf "$pins"; fi
  rm -rf "$dir"
  if ((existed)); then say "$host removed"; fi
}

# Become a command on a host, in its namespaces and cgroup. Never returns.
enter() {
  local host=$1 pid
  shift
  known_host "$host"
  pid=$(host_pid "$host")
  [[ -n $pid ]] || die "$host is not up: scripts/lab up"
  echo "$$" >"$(host_cgroup "$host")/cgroup.procs"
  leave_login
  exec 9>&-
  exec nsenter --target "$pid" --net --uts --mount "$@"
}

# The environment of a person on a host, as login(1) would set it: env(1) arguments.
clean_environment() {
  local user=$1 home=/home/$1 path=/usr/local/bin:/usr/bin:/bin
  if [[ $user == root ]]; then
    home=/root
    path=$(node_bin):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  fi
  printf '%s\n' -i "HOME=$home" "USER=$user" "LOGNAME=$user" SHELL=/bin/bash "PATH=$path" "TERM=${TERM:-dumb}" \
    "LANG=${LANG:-C.UTF-8}"
}

lab_exec() {
  local host=${1:?lab exec: expected a host} user=root
  shift
  while (($#)); do
    case $1 in
      --user) user=${2:?--user needs a name}; shift 2 ;;
      --user=*) user=${1#*=}; shift ;;
      --) shift; break ;;
      -*) die "lab exec: unknown option $1 (see lab help)" ;;
      *) break ;;
    esac
  done
  (($#)) || die 'lab exec: expected a command after --'
  local -a environment become=()
  mapfile -t environment < <(clean_environment "$user")
  if [[ $user != root ]]; then become=(setpriv "--reuid=$user" "--regid=$user" --init-groups); fi
  enter "$host" env "${environment[@]}" "${become[@]}" "$@"
}

lab_ssh() {
  local login=${1:?lab ssh: expected USER@HOST}
  shift
  [[ $login == ?*@?* ]] || die "lab ssh: expected USER@HOST, got $login"
  local user=${login%%@*}
  local -a options=() command=() environment
  while (($#)); do
    if [[ $1 == -- ]]; then
      shift
      command=("$@")
      break
    fi
    options+=("$1")
    shift
  done
  [[ $user == alice || $user == bob ]] || user=alice
  mapfile -t environment < <(clean_environment "$user")
  enter laptop env "${environment[@]}" setpriv "--reuid=$user" "--regid=$user" --init-groups \
    sh -c 'cd && exec "$@"' sh ssh "${options[@]}" "$login" "${command[@]}"
}
