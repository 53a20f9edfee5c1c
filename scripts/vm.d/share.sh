#!/usr/bin/env bash
# Serves a guest its files. Runs in a mount namespace of its own, so that all of this is gone with the process. Every
# mount is read-only here, on the machine, so that a guest that mounts its side anew can still not write.
# usage: share.sh VIRTIOFSD SOCKET DIR KERNEL_MODULES TREE|- VM_D RUN
set -euo pipefail
virtiofsd=$1 socket=$2 dir=$3 modules=$4 tree=$5 vm=$6 run=$7

# virtiofsd leaves a lock file behind for each socket.
mkdir -p /run/virtiofsd
mount -t tmpfs -o mode=700,size=64k hopline-vm /run/virtiofsd

mount -t tmpfs -o mode=755,size=64k hopline-vm "$dir"
mkdir "$dir"/{root,modules,tree,vm.d,run}

read_only() {
  mount --bind "$1" "$2"
  mount -o remount,bind,ro "$2"
}

# The machine's disks, each where it is. Not what the guest has of its own.
read_only / "$dir/root"
while read -r _ _ _ _ point _ rest; do
  type=${rest#*- }
  printf -v point '%b' "$point"
  case ${type%% *} in
    ext2 | ext3 | ext4 | xfs | btrfs | f2fs | zfs | overlay | tmpfs | virtiofs | 9p | nfs | nfs4) ;;
    *) continue ;;
  esac
  case $point in
    / | /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /run | /run/* | "$dir" | "$dir"/*) continue ;;
  esac
  if [[ -d $dir/root$point && -d $point ]]; then read_only "$point" "$dir/root$point"; fi
done < <(cat /proc/self/mountinfo)

read_only "$modules" "$dir/modules"
if [[ $tree != - ]]; then read_only "$tree" "$dir/tree"; fi
read_only "$vm" "$dir/vm.d"
read_only "$run" "$dir/run"
mount -o remount,ro "$dir"

exec "$virtiofsd" --socket-path="$socket" -o source="$dir" -o cache=always -o xattr -f
