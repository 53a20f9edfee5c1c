# What a host's files say, written into the upper layer before the host's root is mounted.
# shellcheck shell=bash disable=SC2154

write_host_files() {
  local host=$1 upper=$2
  install -d "$upper/etc/ssh" "$upper/home"
  write_names "$host" "$upper/etc"
  write_accounts "$host" "$upper"
  write_ssh_client "$upper/etc"
  if [[ $host != laptop ]]; then write_sshd "$host" "$upper/etc"; fi
  write_trust "$upper"
  if is_bastion "$host"; then write_bastion "$host" "$upper"; fi
  case $host in
    web1) write_web "$upper" ;;
    db1) database_place "$upper" ;;
  esac
}

write_names() {
  local host=$1 etc=$2 name
  echo "$host" >"$etc/hostname"
  {
    echo '127.0.0.1 localhost'
    echo '::1 localhost ip6-localhost ip6-loopback'
    for name in laptop bastion1 bastion2 db1 reports web1 vault; do
      echo "$(address4 "$name") $name"
      echo "$(address6 "$name") $name"
    done
  } >"$etc/hosts"
  echo "nameserver $(address4 web1)" >"$etc/resolv.conf"
  echo 'hosts: files dns' >"$etc/nsswitch.conf.lab"
  sed '/^hosts:/d' /etc/nsswitch.conf | cat - "$etc/nsswitch.conf.lab" >"$etc/nsswitch.conf"
  rm "$etc/nsswitch.conf.lab"
}

# alice and bob, in the place of whoever has their names or numbers on the machine.
write_accounts() {
  local host=$1 upper=$2 etc=$2/etc file user uid
  for file in passwd shadow group gshadow; do
    grep -vE '^(alice|bob|hopline-admin):|^[^:]*:[^:]*:(398|2001|2002):' "/etc/$file" >"$etc/$file"
  done
  if ! grep -q '^hopline:' "$etc/passwd"; then
    echo 'hopline:x:399:399:Hopline:/nonexistent:/usr/sbin/nologin' >>"$etc/passwd"
    echo 'hopline:!:20000::::::' >>"$etc/shadow"
    grep -q '^hopline:' "$etc/group" || echo 'hopline:x:399:' >>"$etc/group"
  fi
  chmod 644 "$etc/passwd" "$etc/group"
  chmod 640 "$etc/shadow" "$etc/gshadow"
  chgrp shadow "$etc/shadow" "$etc/gshadow"
  # Who may use the control socket.
  echo 'hopline-admin:x:398:bob' >>"$etc/group"
  for user in alice bob; do
    uid=$([[ $user == alice ]] && echo 2001 || echo 2002)
    echo "$user:x:$uid:$uid:$user:/home/$user:/bin/bash" >>"$etc/passwd"
    echo "$user:x:$uid:" >>"$etc/group"
    echo "$user:$(openssl passwd -6 "$user"):20000:0:99999:7:::" >>"$etc/shadow"
    install -d -m 700 "$upper/home/$user/.ssh"
    cp /etc/skel/.bashrc /etc/skel/.profile "$upper/home/$user/" 2>/dev/null || true
    : >"$upper/home/$user/.hushlogin"
    if [[ -e $lab_keys/$user-$host ]]; then
      install -m 600 "$lab_keys/$user-$host" "$upper/home/$user/.ssh/id_ed25519"
      install -m 644 "$lab_keys/$user-$host.pub" "$upper/home/$user/.ssh/id_ed25519.pub"
    fi
    cat "$lab_keys/$user"-*.pub >"$upper/home/$user/.ssh/authorized_keys"
    # alice may use bob's account, never the other way: a shared account, where the key is the evidence.
    if [[ $user == bob ]]; then cat "$lab_keys"/alice-*.pub >>"$upper/home/$user/.ssh/authorized_keys"; fi
    chmod 600 "$upper/home/$user/.ssh/authorized_keys"
    chown -R "$uid:$uid" "$upper/home/$user"
  done
}

write_ssh_client() {
  cp "$lab_keys/known_hosts" "$1/ssh/ssh_known_hosts"
  cat >"$1/ssh/ssh_config" <<'CONF'
Include /etc/ssh/ssh_config.d/*.conf
Host *
  StrictHostKeyChecking yes
  ConnectTimeout 10
  SendEnv LANG LC_*
CONF
}

write_sshd() {
  local host=$1 etc=$2 type
  for type in ed25519 ecdsa; do
    install -m 600 "$lab_keys/$host-$type" "$etc/ssh/ssh_host_${type}_key"
    install -m 644 "$lab_keys/$host-$type.pub" "$etc/ssh/ssh_host_${type}_key.pub"
  done
  cp "$here/lab.d/etc/sshd_config" "$etc/ssh/sshd_config"
}

# Every host trusts the lab's certificate authority, beside the machine's own.
write_trust() {
  local bundle=/etc/ssl/certs/ca-certificates.crt
  install -d "$1/etc/ssl/certs"
  { if [[ -e $bundle ]]; then cat "$bundle"; fi; cat "$lab_keys/ca.crt"; } >"$1$bundle"
}

write_web() {
  local upper=$1
  install -d "$upper/etc/nginx" "$upper/srv/www"
  cp "$here/lab.d/etc/nginx.conf" "$upper/etc/nginx/nginx.conf"
  install -m 600 "$lab_keys/web1.key" "$upper/etc/nginx/web1.key"
  install -m 644 "$lab_keys/web1.crt" "$upper/etc/nginx/web1.crt"
  echo 'hello from web1' >"$upper/srv/www/index.html"
  cp "$here/lab.d/etc/dnsmasq.conf" "$upper/etc/dnsmasq-lab.conf"
}

write_bastion() {
  local host=$1 upper=$2 etc=$2/etc hook=$repo/systemd/pam-session
  install -d "$etc/sudoers.d" "$etc/pam.d" "$etc/hopline/policies" "$upper/usr/lib/hopline"
  echo 'alice ALL=(ALL:ALL) NOPASSWD: ALL' >"$etc/sudoers.d/alice"
  chmod 440 "$etc/sudoers.d/alice"
  # /etc/crontab of the machine is not the lab's to run.
  printf 'SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n' >"$etc/crontab"

  # What scripts/install adds, where it adds it.
  install -D -m 644 "$repo/systemd/ssh-client.conf" "$etc/ssh/ssh_config.d/hopline.conf"
  ln -sfn "$repo/systemd/known-hosts" "$upper/usr/lib/hopline/known-hosts"
  ln -sfn "$hook" "$upper/usr/lib/hopline/pam-session"
  ln -sfn "$repo/systemd/shell" "$upper/usr/lib/hopline/shell"
  # shellcheck source=../install.d/lib
  (. "$repo/scripts/install.d/lib" && pam_with_hook </etc/pam.d/sshd) >"$etc/pam.d/sshd"
  write_hopline "$host" "$etc/hopline"
}

# /etc/hopline of a bastion: the lab's own targets and policies, with this host's name, scope, pins and people.
write_hopline() {
  local host=$1 to=$2 user groups
  sed -e "s|@HOST@|$host|g" -e "s|@SCOPE@|$(host_scope "$host")|g" -e "s|@PINS@|$(host_pins "$host")|g" \
    "$here/lab.d/etc/hopline.yaml" >"$to/hopline.yaml"
  cp "$here/lab.d/etc/targets.yaml" "$to/targets.yaml"
  install -m 644 "$lab_keys/ca.crt" "$to/lab-ca.crt"
  cp "$here"/lab.d/etc/policies/*.cedar "$to/policies/"
  {
    echo 'users:'
    for user in alice bob; do
      groups=engineers
      if [[ $user == bob ]]; then groups='engineers, dba'; fi
      printf '  %s:\n    accounts: [%s]\n    groups: [%s]\n    keys:\n' "$user" "$user" "$groups"
      keys_fingerprints "$user" | sed 's/.*/      - "&"/'
    done
  } >"$to/identities.yaml"
}
