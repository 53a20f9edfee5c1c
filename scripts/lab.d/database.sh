# PostgreSQL's data: initialised once a version and schema under the cache, copied into db1 at each start.
# shellcheck shell=bash disable=SC2154

# The newest PostgreSQL of the machine.
postgres_bin() {
  local dir newest=
  for dir in /usr/lib/postgresql/*/bin; do
    if [[ -x $dir/postgres ]]; then newest=$dir; fi
  done
  echo "$newest"
}

database_template() {
  local bin version key
  bin=$(postgres_bin)
  version=$(basename "$(dirname "$bin")")
  key=$(cat "$here/lab.d/etc/orders.sql" "$here/lab.d/etc/pg_hba.conf" "$here/lab.d/database.sh" | sha256sum | cut -c1-12)
  echo "$lab_cache/postgres-$version-$key"
}

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

# Runs outside of the lab, on a Unix socket only, and stops again.
database_make() {
  local template=$1 bin work
  bin=$(postgres_bin)
  say 'making the database orders (once, a few seconds)'
  work=$(mktemp -d "$lab_cache/making.XXXXXX")
  chmod 755 "$lab_cache" "$work"
  install -d -o postgres -g postgres -m 700 "$work/data" "$work/socket"
  (
    cd "$work/data"
    as_postgres "$bin/initdb" -D "$work/data" -U postgres --auth=trust --no-sync -E UTF8 --locale=C.UTF-8
    as_postgres "$bin/pg_ctl" -D "$work/data" -w -s -l "$work/data/log" \
      -o "-c listen_addresses= -c unix_socket_directories=$work/socket -c fsync=off" start 9>&-
    as_postgres "$bin/psql" -q -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -f - postgres <"$here/lab.d/etc/orders.sql"
    as_postgres "$bin/pg_ctl" -D "$work/data" -w -s -m fast stop
  ) >"$work/log" 2>&1 || {
    cat "$work/log" "$work/data/log" >&2 || true
    as_postgres "$bin/pg_ctl" -D "$work/data" -s -m immediate stop 2>/dev/null || true
    die "the database could not be made; its files are in $work"
  }
  cp "$here/lab.d/etc/pg_hba.conf" "$work/data/pg_hba.conf"
  rm -f "$work/data/log"
  # Another lab may have made it meanwhile.
  mv -T "$work/data" "$template" 2>/dev/null || [[ -d $template ]] || die "$work/data could not be moved to $template"
  rm -rf "$work"
}

# Put db1's data into its upper layer.
database_place() {
  local upper=$1 template
  template=$(database_template)
  if [[ ! -d $template ]]; then database_make "$template"; fi
  install -d "$upper/var/lib"
  install -d -o postgres -g postgres "$upper/var/lib/postgresql"
  cp -a "$template" "$upper/var/lib/postgresql/lab"
  install -o postgres -g postgres -m 600 "$lab_keys/db1.crt" "$upper/var/lib/postgresql/lab/server.crt"
  install -o postgres -g postgres -m 600 "$lab_keys/db1.key" "$upper/var/lib/postgresql/lab/server.key"
}
