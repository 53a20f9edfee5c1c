#!/usr/bin/env bash
# Runs a host: starts its services as direct children, outside of any login, and starts again whichever ends.
set -uo pipefail

declare -A name_of=()

service() {
  local name=$1
  case $name in
    sshd) /usr/sbin/sshd -D -E /var/log/sshd.log & ;;
    cron) /usr/sbin/cron -f & ;;
    atd) /usr/sbin/atd -f & ;;
    nginx) /usr/sbin/nginx & ;;
    dnsmasq) /usr/sbin/dnsmasq -C /etc/dnsmasq-lab.conf & ;;
    postgres)
      setpriv --reuid=postgres --regid=postgres --init-groups \
        "$LAB_POSTGRES/postgres" -D /var/lib/postgresql/lab -c "listen_addresses=*" -c max_prepared_transactions=20 \
        -c unix_socket_directories=/run/postgresql -c fsync=off -c max_connections=300 -c ssl=on \
        -c 'log_line_prefix=%m [%p] %d ' &
      ;;
    idle) sleep infinity & ;;
  esac
  name_of[$!]=$name
  mkdir -p /run/lab-services
  echo $! >"/run/lab-services/$name"
}

# Asked of the kernel: a connection to find out would be a login's beginning to sshd.
until_listens() {
  local try
  for try in {1..300}; do
    if [[ -n $(ss -Hltn "sport = :$1") ]]; then return; fi
    sleep 0.03
  done
  echo "nothing listens on port $1 after $try looks"
  return 1
}

case $LAB_HOST in
  bastion1) services=(sshd cron atd) ports=(22) ;;
  bastion2) services=(sshd) ports=(22) ;;
  db1) services=(sshd postgres) ports=(22 5432) ;;
  web1) services=(sshd nginx dnsmasq) ports=(22 80 443 53) ;;
  *) services=(idle) ports=() ;;
esac

for name in "${services[@]}"; do service "$name"; done
for port in "${ports[@]}"; do
  until_listens "$port" || exit 1
done
: >/run/lab-ready

while wait -n -p ended; status=$?; [[ -n ${ended:-} ]]; do
  echo "${name_of[$ended]:-process} ($ended) ended with status $status: starting it again"
  name=${name_of[$ended]:-}
  unset "name_of[$ended]"
  ended=
  sleep 0.2
  if [[ -n $name ]]; then service "$name"; fi
done
