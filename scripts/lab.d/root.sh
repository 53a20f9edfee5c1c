#!/usr/bin/env bash
# First process of a host, already in its namespaces: makes the root file system, turns to it, becomes init.
set -euo pipefail

root=$LAB_DIR/root
hostname "$LAB_HOST"

mount -t overlay "lab-$LAB_HOST" -o "lowerdir=/,upperdir=$LAB_DIR/upper,workdir=$LAB_DIR/work" "$root"

# Other file systems of the machine that hold its programs: the overlay sees only the one mounted on /.
for dir in /usr /opt /nix; do
  if mountpoint -q "$dir"; then mount --rbind "$dir" "$root$dir"; fi
done

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --bind /sys/fs/bpf "$root/sys/fs/bpf"
mount -t tracefs tracefs "$root/sys/kernel/tracing"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"

# A directory of which the machine's content is not the lab's: only what the lab wrote is seen.
only_ours() {
  mkdir -p "$root$1"
  mount -t tmpfs -o mode=755 lab "$root$1"
  if [[ -d $LAB_DIR/upper$1 ]]; then cp -a "$LAB_DIR/upper$1/." "$root$1/"; fi
}
only_ours /home
only_ours /etc/hopline
only_ours /etc/ssh/ssh_config.d

# The machine's own jobs and records must not run or show here. A file system of its own for the store lets a test fill it.
mount -t tmpfs -o mode=755 none "$root/etc/cron.d"
mount -t tmpfs -o mode=755 none "$root/var/spool/cron"
install -d -o root -g crontab -m 1730 "$root/var/spool/cron/crontabs"
install -d -o daemon -g daemon -m 1770 "$root/var/spool/cron/atjobs" "$root/var/spool/cron/atspool"
install -o daemon -g daemon -m 600 /dev/null "$root/var/spool/cron/atjobs/.SEQ"
mkdir -p "$root/var/lib/hopline"
mount -t tmpfs -o mode=755 hopline "$root/var/lib/hopline"

install -d "$root/run/sshd" "$root/run/lock" "$root/run/hopline" "$root/var/log"
install -d -o postgres -g postgres "$root/run/postgresql"
install -g utmp -m 664 /dev/null "$root/run/utmp"

# The repository at its own path, wherever that is: also below what was just covered, and as it changes. The way to it
# is open to the user hopline, whose processes run from it, also where it lies in a closed home.
mkdir -p "$root$LAB_REPO"
above=$(dirname "$LAB_REPO")
while [[ $above != / ]]; do
  chmod o+x "$root$above"
  above=$(dirname "$above")
done
mount --bind "$LAB_REPO" "$root$LAB_REPO"
mount -o remount,bind,ro "$root$LAB_REPO"

cd "$root"
pivot_root . .
umount -l .
cd /
exec bash "$LAB_REPO/scripts/lab.d/init.sh"
