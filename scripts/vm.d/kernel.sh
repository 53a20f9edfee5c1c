# Debian's cloud kernels: fetched once, unpacked, with the initial file system that boots a guest.
# Sourced by scripts/vm-test.
# shellcheck shell=bash disable=SC2154

kernel_suite() {
  case $1 in
    5.10) echo bullseye ;;
    6.1) echo bookworm ;;
    6.12) echo trixie ;;
  esac
}

# What the initial file system needs until the guest's root is there. Names that a kernel has built in need no file.
BOOT_MODULES=(virtio_pci virtio_console virtiofs overlay virtio_rng)

kernel_ready() {
  local kernel=$1 dir=$cache/kernel-$1
  making
  if [[ ! -e $dir/version ]]; then kernel_fetch "$kernel" "$dir"; fi
  initramfs_ready "$dir"
  made
}

kernel_fetch() {
  local kernel=$1 dir=$2 suite work image version modules
  local -a apt=()
  suite=$(kernel_suite "$kernel")
  say "kernel $kernel: package lists of Debian $suite"
  work=$(mktemp -d "$cache/making.XXXXXX")
  at_exit "rm -rf '$work'"
  private_apt "$work/apt" "$suite"
  run_logged "$work/log" apt-get "${apt[@]}" update
  image=$(apt-cache "${apt[@]}" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances linux-image-cloud-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
  [[ $image == linux-image-"$kernel".* ]] ||
    die "linux-image-cloud-amd64 of $suite depends on '$image': a linux-image-$kernel.* was expected"
  say "kernel $kernel: $image"
  (cd "$work" && run_logged "$work/log" apt-get "${apt[@]}" download "$image")
  mkdir "$work/unpacked" "$work/kernel"
  run_logged "$work/log" dpkg-deb -x "$work"/linux-image-*.deb "$work/unpacked"
  version=${image#linux-image-}
  modules=$work/unpacked/lib/modules
  if [[ ! -d $modules ]]; then modules=$work/unpacked/usr/lib/modules; fi
  mkdir "$work/kernel/lib"
  mv "$modules" "$work/kernel/lib/modules"
  mv "$work/unpacked/boot/vmlinuz-$version" "$work/kernel/vmlinuz"
  mv "$work/unpacked/boot/config-$version" "$work/kernel/config"
  # busybox's insmod reads no compressed module, and unpacked ones load faster in an emulated guest.
  find "$work/kernel/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P 2 xz -d
  run_logged "$work/log" depmod -b "$work/kernel" "$version"
  echo "$version" >"$work/kernel/version"
  rm -rf "$dir"
  mv "$work/kernel" "$dir"
  rm -rf "$work"
  say "kernel $kernel: ready, $SECONDS s"
}

run_logged() {
  local log=$1
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "$1 failed; above is what it said"
  fi
}

# Made anew when the init script, busybox or the kernel is another.
initramfs_ready() {
  local dir=$1 version key work module verb path
  version=$(<"$dir/version")
  key=$(cat "$here/vm.d/init.sh" "$here/vm.d/kernel.sh" /bin/busybox "$dir/version" | sha256sum | cut -c1-12)
  initramfs=$dir/initramfs-$key
  if [[ -e $initramfs ]]; then return; fi
  work=$(mktemp -d "$cache/making.XXXXXX")
  at_exit "rm -rf '$work'"
  mkdir -p "$work/root"/{bin,modules,proc,sys,dev,mnt,hostfs,newroot}
  cp /bin/busybox "$work/root/bin/busybox"
  cp "$here/vm.d/init.sh" "$work/root/init"
  chmod 755 "$work/root/init"
  : >"$work/root/modules/order"
  for module in "${BOOT_MODULES[@]}"; do
    modprobe -d "$dir" -S "$version" --ignore-install --show-depends "$module" >"$work/depends" ||
      die "kernel $version has no module $module"
    while read -r verb path _; do
      if [[ $verb != insmod ]]; then continue; fi
      path=${path%% *}
      if [[ -e $work/root/modules/${path##*/} ]]; then continue; fi
      cp "$path" "$work/root/modules/"
      echo "${path##*/}" >>"$work/root/modules/order"
    done <"$work/depends"
  done
  (cd "$work/root" && find . -print0 | cpio -0 -o -H newc --quiet) | gzip -1 >"$work/initramfs"
  rm -f "$dir"/initramfs-*
  mv "$work/initramfs" "$initramfs"
  rm -rf "$work"
}
