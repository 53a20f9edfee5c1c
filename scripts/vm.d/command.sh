# Runs the command in a guest and tells the machine: as the first process, or (`command.sh service`) below systemd.
# Run by busybox's sh, since every start of a dynamic program is slow under emulation.
# shellcheck shell=dash disable=SC3045,SC3013
busybox=/run/vm/busybox

port() {
  for entry in /sys/class/virtio-ports/*; do
    if [ "$(cat "$entry/name")" = "$1" ]; then echo "/dev/${entry##*/}"; fi
  done
}

# The end of a guest. Nothing of it is worth keeping, so nothing is shut down.
off() {
  echo o >/proc/sysrq-trigger
  while :; do sleep 1; done
}

status=$(port status)
out=$(port out)
err=$(port err)
if [ -z "$status" ] || [ -z "$out" ] || [ -z "$err" ]; then
  echo 'vm-test: guest: no ports to the machine' >/dev/kmsg
  off
fi
exec 3>"$status"

if [ "$1" = first ]; then
  export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8
  # As systemd sets them for services.
  ulimit -Hn 524288
  cd /
else
  timeout 120 systemctl is-system-running --wait >/dev/null 2>&1
fi
echo start >&3

# Pipes in between, so that /dev/stdout can be opened again: a port can not.
mkfifo /run/vm/out /run/vm/err
$busybox cat </run/vm/out >"$out" &
cats=$!
$busybox cat </run/vm/err >"$err" &
cats="$cats $!"

if [ "$1" = first ]; then
  setsid bash /run/vm/command </dev/null >/run/vm/out 2>/run/vm/err 3>&-
else
  bash /run/vm/command </dev/null >/run/vm/out 2>/run/vm/err 3>&-
fi
code=$?

# What the command left running and still holds its output would keep the pipes open for ever.
round=0
while [ $round -lt 50 ]; do
  alive=
  for cat in $cats; do
    if kill -0 "$cat" 2>/dev/null; then alive=1; fi
  done
  if [ -z "$alive" ]; then break; fi
  for process in /proc/[0-9]*; do
    case " $$ $cats " in *" ${process#/proc/} "*) continue ;; esac
    for fd in "$process"/fd/*; do
      if [ "$fd" -ef /run/vm/out ] || [ "$fd" -ef /run/vm/err ]; then
        kill -9 "${process#/proc/}" 2>/dev/null
        break
      fi
    done
  done
  usleep 50000
  round=$((round + 1))
done

echo "exit $code" >&3
off
