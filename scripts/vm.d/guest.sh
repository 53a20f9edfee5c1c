# One run of a guest: its files, QEMU, its output and its end. Sourced by scripts/vm-test.
# shellcheck shell=bash disable=SC2154

# The command as a script: the words, where, and with which variables.
write_command() {
  local directory=$PWD
  if [[ $guest_root == tree ]]; then directory=/host$PWD; fi
  printf 'cd -- %q 2>/dev/null || cd /\n' "$directory"
  if ((${#guest_environment[@]})); then printf 'export %q\n' "${guest_environment[@]}"; fi
  printf 'exec --'
  printf ' %q' "${guest_command[@]}"
  printf '\n'
}

# Left behind by a vm-test that was ended by kill -9.
sweep() {
  local dir pid
  for dir in "${TMPDIR:-/tmp}"/hopline-vm.*.*; do
    pid=${dir#*/hopline-vm.}
    if [[ -O $dir && ! -L $dir && ! -d /proc/${pid%%.*} ]]; then rm -rf --one-file-system "$dir"; fi
  done
}

share_start() {
  local tree=- try
  if [[ $guest_root == tree ]]; then tree=$(tree_dir); fi
  child unshare --mount --propagation private bash "$here/vm.d/share.sh" "$(virtiofsd_path)" \
    "$work/fs.sock" "$work/fs" "$cache/kernel-$guest_kernel/lib/modules" "$tree" "$here/vm.d" "$work/run" \
    </dev/null >"$work/fs.log" 2>&1 8>&- &
  share=$!
  at_exit "kill $share 2>/dev/null; wait $share 2>/dev/null"
  for try in {1..200}; do
    if [[ -S $work/fs.sock ]]; then return; fi
    kill -0 "$share" 2>/dev/null || break
    sleep 0.02
  done
  cat "$work/fs.log" >&2
  die "virtiofsd did not start after $try looks; above is what it said"
}

qemu_start() {
  local kernel=$cache/kernel-$guest_kernel name
  # shellcheck disable=SC2054
  local -a line=(console=ttyS0 quiet loglevel=4 panic=-1 lsm=lockdown,yama,integrity,apparmor,bpf)
  if [[ $guest_root == tree ]]; then line+=(systemd.unit=vm-test.target systemd.show_status=0); fi
  line+=("${guest_append[@]}")
  # thread=single: where two processors are emulated side by side, one run of Node in four ended by a signal (0 of 30 so, in
  # the same time): code that is made while it runs. cx16=off: with it, one of two boots of 6.12 panicked under emulation.
  # shellcheck disable=SC2054
  local -a arguments=(
    -machine q35,memory-backend=memory -accel tcg,thread=single -cpu max,la57=off,cx16=off
    -m "$guest_memory" -smp "$guest_cpus" -object "memory-backend-memfd,id=memory,size=${guest_memory}M,share=on"
    -nodefaults -no-user-config -no-reboot -display none
    -kernel "$kernel/vmlinuz" -initrd "$initramfs" -append "${line[*]}"
    -serial "file:$work/console" -device virtio-rng-pci
    -chardev "socket,id=fs,path=$work/fs.sock" -device vhost-user-fs-pci,chardev=fs,tag=hostfs,queue-size=1024
    -device virtio-serial-pci
  )
  # Files and not pipes: a pipe that is full when the guest ends would lose what QEMU still holds.
  for name in out err status; do
    : >"$work/$name"
    arguments+=(-chardev "file,id=$name,path=$work/$name,append=on" -device "virtserialport,chardev=$name,name=$name")
  done
  : >"$work/console"
  child qemu-system-x86_64 "${arguments[@]}" </dev/null >"$work/qemu.log" 2>&1 8>&- &
  qemu=$!
  at_exit "kill -9 $qemu 2>/dev/null; wait $qemu 2>/dev/null"
}

# Hands on what a file gets, as it gets it, until QEMU has ended.
follow() {
  child tail -c +1 -s 0.05 --pid="$qemu" -f "$1" 2>/dev/null 8>&- &
  followers+=("$!")
  at_exit "kill $! 2>/dev/null"
}

guest_run() {
  local work share qemu code=0 deadline
  local -a followers=()
  sweep
  work=$(mktemp -d "${TMPDIR:-/tmp}/hopline-vm.$$.XXXXXX")
  at_exit "rm -rf --one-file-system '$work'"
  mkdir "$work/fs" "$work/run"
  write_command >"$work/run/command"
  printf 'GUEST_LOWER=%s\nGUEST_UPPER=%dm\n' "${guest_root/host/root}" $((guest_memory * 3 / 4)) >"$work/run/guest"
  share_start
  qemu_start
  follow "$work/out"
  follow "$work/err" >&2
  if ((guest_console)); then follow "$work/console" >&2; fi
  deadline=$((SECONDS + guest_timeout))
  while kill -0 "$qemu" 2>/dev/null; do
    if ((SECONDS >= deadline)); then
      kill -9 "$qemu"
      code=124
      break
    fi
    sleep 0.05
  done
  wait "$qemu" 2>/dev/null || true
  wait "${followers[@]}" 2>/dev/null || true
  if ((code == 124)); then
    guest_post_mortem "the guest took longer than $guest_timeout s (--timeout) and was ended"
    exit 124
  fi
  code=$(sed -n 's/^exit \([0-9][0-9]*\)$/\1/p' "$work/status")
  if [[ -z $code ]]; then
    if grep -q '^start' "$work/status"; then
      guest_post_mortem 'the guest died while the command ran'
    else
      tail -n 5 "$work/fs.log" >&2
      guest_post_mortem 'the guest did not start'
    fi
    exit 125
  fi
  exit "$code"
}

guest_post_mortem() {
  if ((!guest_console)); then tail -n 100 "$work/console" | tr -d '\r' >&2; fi
  tail -n 5 "$work/qemu.log" >&2
  say "$1; above is the end of its console"
}
