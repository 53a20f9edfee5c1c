#!/bin/busybox sh
# First process of a guest, in the initial file system: makes the root file system and turns to it. busybox only.
# hostfs is what share.sh of the machine hands in: root (its disks), modules, tree (systemd's root), vm.d, and run with
# the command.
# shellcheck shell=sh source=/dev/null
/bin/busybox --install -s /bin
export PATH=/bin

fail() {
  echo "vm-test: guest: $*" >/dev/kmsg
  echo o >/proc/sysrq-trigger
  sleep 60
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs -o mode=755 dev /dev
while read -r module; do insmod "/modules/$module" || fail "insmod $module"; done </modules/order

mount -t virtiofs -o ro hostfs /hostfs || fail 'no file system from the machine'
. /hostfs/run/guest

mount -t tmpfs -o "mode=755,size=$GUEST_UPPER" upper /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay root -o "lowerdir=/hostfs/$GUEST_LOWER,upperdir=/mnt/upper,workdir=/mnt/work" /newroot ||
  fail 'no overlay'
root=/newroot

mkdir -p $root/proc $root/sys $root/dev $root/run $root/usr/lib/modules
mount --bind /hostfs/modules $root/usr/lib/modules
mount -t tmpfs -o mode=755,nosuid,nodev run $root/run
mkdir -p $root/run/vm $root/run/lock
chmod 1777 $root/run/lock
cp /bin/busybox /hostfs/vm.d/command.sh /hostfs/run/command $root/run/vm/

# What depends on it is the same as on a machine without these files.
rm -f $root/.dockerenv $root/usr/sbin/policy-rc.d

# Without udev: what it would have made.
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
awk '/^[^#]/ { print $2, substr($3, 1, 1), substr($3, 2) }' "/hostfs/modules/$(uname -r)/modules.devname" |
  while read -r node type numbers; do
    case $node in */*) mkdir -p "/dev/${node%/*}" ;; esac
    [ -e "/dev/$node" ] || mknod "/dev/$node" "$type" "${numbers%:*}" "${numbers#*:}"
  done
for node in /dev/net/tun /dev/fuse /dev/vsock; do [ ! -e $node ] || chmod 666 $node; done

if [ "$GUEST_LOWER" = tree ]; then
  mkdir -p $root/host
  mount --bind /hostfs/root $root/host
  mkdir -p $root/run/systemd/system
  cp /hostfs/vm.d/vm-test.service /hostfs/vm.d/vm-test.target $root/run/systemd/system/
  # Terminals wait for udev; the others would run in the middle of a test.
  for unit in serial-getty@ttyS0.service console-getty.service getty@tty1.service apt-daily.timer \
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer; do
    ln -s /dev/null $root/run/systemd/system/$unit
  done
  first=/sbin/init
else
  mkdir -p /dev/pts /dev/shm
  mount -t devpts -o mode=620,gid=5,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs -o mode=1777 shm /dev/shm
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -t bpf -o mode=700 bpf /sys/fs/bpf
  mount -t tracefs tracefs /sys/kernel/tracing
  mount -t securityfs securityfs /sys/kernel/security
  ip link set lo up
  hostname hopline-vm
  grep -qw hopline-vm $root/etc/hosts 2>/dev/null || echo '127.0.1.1 hopline-vm' >>$root/etc/hosts
  first='/run/vm/busybox sh /run/vm/command.sh first'
fi

mount --move /proc $root/proc
mount --move /sys $root/sys
mount --move /dev $root/dev
# shellcheck disable=SC2086
exec switch_root $root $first
