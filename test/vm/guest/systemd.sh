#!/usr/bin/env bash
# The package under a real systemd: installed, started, reloaded, used, restarted, killed, removed. What was seen goes
# to standard output, marked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../../.." && pwd)
# shellcheck source=test/vm/guest/report.sh
. "$here/report.sh"
at_end() {
  journalctl --no-pager -o cat -u hoplined.service -u hoplined.socket | report journal || true
}
trap at_end EXIT

self=10.77.0.11 web4=10.77.0.30 web6=fd77::30
unit_value() { systemctl show --value -p "$@" hoplined.service; }
main_pid() { unit_value MainPID; }
ready_again() { [[ $(main_pid) != "$1" ]] && systemctl --quiet is-active hoplined.service; }
login() {
  ssh -i /root/alice.key -o StrictHostKeyChecking=yes alice@127.0.0.1 "$1" </dev/null
}

ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip -batch - <<BATCH
address add $self/24 dev eth0
address add fd77::11/64 dev eth0 nodad
link set eth0 up
BATCH
ip -n outside -batch - <<BATCH
link set lo up
address add $web4/24 dev eth0
address add $web6/64 dev eth0 nodad
link set eth0 up
BATCH
node=$(echo "$repo"/node_modules/node-linux-*/bin/node)
ip netns exec outside "$node" --disable-warning=ExperimentalWarning "$here/answer.ts" 80 >/run/answer.out 2>&1 &
useradd -m -s /bin/bash alice
install -d -m 700 -o alice /home/alice/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/alice.key
install -m 600 -o alice /root/alice.key.pub /home/alice/.ssh/authorized_keys
# Known by what it has, from before Hopline comes until after it is gone.
install -d -m 700 /root/.ssh
sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_ed25519_key.pub >/root/.ssh/known_hosts
sed "s/^/$self /" /etc/ssh/ssh_host_ed25519_key.pub >/home/alice/.ssh/known_hosts
install -m 600 -o alice /root/alice.key /home/alice/.ssh/id_ed25519
install -m 644 -o alice /root/alice.key.pub /home/alice/.ssh/id_ed25519.pub
cp -p /etc/pam.d/sshd /run/pam.before
until_true 60 grep -q ready /run/answer.out
stage 'the host is made'

report_run waits "$repo/scripts/install" --no-start
{ systemctl is-active hoplined.service hoplined.socket || systemctl is-enabled hoplined.service hoplined.socket; } |
  report enabled || true
report_run install "$repo/scripts/install"
systemctl is-active hoplined.service hoplined.socket | report active || true
stage 'installed and started'
systemd-analyze verify --man=no /usr/lib/systemd/system/hoplined.{service,socket} 2>&1 | report verify
report_run first hopline status --json
stage 'asked'

# --- another configuration, taken up by a reload
cat >/etc/hopline/targets.yaml <<CONF
targets:
  web: {addresses: [$web4, "$web6"], ports: [80], protocol: http, mode: inspect}
  self: {addresses: [$self], ports: [22], protocol: ssh, mode: inspect}
CONF
cat >/etc/hopline/identities.yaml <<CONF
users:
  alice: {accounts: [alice], groups: [engineers], keys: ["$(ssh-keygen -lf /root/alice.key.pub | cut -d' ' -f2)"]}
CONF
sed -i 's/^mode: observe/mode: enforce/' /etc/hopline/hopline.yaml
rm -f /etc/hopline/policies/*
cat >/etc/hopline/policies/guest.cedar <<'CONF'
@id("web-for-all")
permit (principal, action == Action::"connect", resource == Target::"web");
@id("ssh-for-engineers")
permit (
  principal in Group::"engineers",
  action in [Action::"connect", Action::"exec"],
  resource == Target::"self"
);
CONF
report_run reload systemctl reload hoplined.service
until_true 60 sh -c 'hopline policy explain --user alice --target web --json | grep -q web-for-all'
report_run doctor hopline doctor --json
stage 'reloaded'

# --- every way in which something starts, under systemd
echo "* * * * * alice curl -s http://$web4/cron" >/etc/cron.d/guest
echo "curl -s http://$web4/at" | at now 2>/dev/null
report_run unknown ssh -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null alice@127.0.0.1 true
report_run login login "curl -s http://$web4/login; curl -s 'http://[$web6]/login'; \
  systemd-run --quiet --user --wait --pipe curl -s http://$web4/user-manager"
report_run onward login "ssh -o StrictHostKeyChecking=yes $self 'echo onward as \$(id -un); exit 7'; echo code \$?"
report_run service systemd-run --quiet --wait --pipe curl -s "http://$web4/service"
stage 'used'

# --- what the processes may do
pid=$(main_pid)
for process in "$pid" $(pgrep -P "$pid"); do
  tr '\0' ' ' <"/proc/$process/cmdline"
  echo
  grep -E '^(Uid|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' "/proc/$process/status"
  echo
done | report processes
nsenter --target "$pid" --mount touch /etc/written /usr/written /var/written 2>&1 | report writes || true
unit_value TimeoutStartUSec | report start-limit

# --- listeners of sshd and of systemd, reached from within the sandbox of the unit
sed -e '/^\(ExecReload\|Restart\|RestartSec\|WatchdogSec\|NotifyAccess\|Requires\|After\|Before\)=/d' \
  -e '/^\(StartLimitIntervalSec\|RuntimeDirectory[A-Za-z]*\)=/d' -e 's/^Type=.*/Type=oneshot/' \
  -e "s|^ExecStart=.*|ExecStart=$node --disable-warning=ExperimentalWarning $here/save-syn.ts $(cat /run/sshd.pid) 1\n\
StandardOutput=file:/run/save-syn.out|" /usr/lib/systemd/system/hoplined.service >/run/systemd/system/save-syn.service
systemctl daemon-reload
systemctl start save-syn.service || true
{ cat /run/save-syn.out && journalctl --no-pager -o cat -u save-syn.service >&2; } | report save-syn
rm /run/systemd/system/save-syn.service
systemctl daemon-reload

# --- a restart while someone connects: the connection waits in the socket that systemd holds
login "until [ -e /tmp/go ]; do sleep 0.1; done; curl -s --max-time 240 http://$web4/waited; echo code \$?" \
  >/run/waited.out 2>&1 &
waiting=$!
until_true 60 pgrep -u alice -x sleep
systemctl restart --no-block hoplined.service
until_true 60 sh -c 'systemctl show --value -p ActiveState hoplined.service | grep -q ^activating'
touch /tmp/go
until_true 240 ready_again "$pid"
wait "$waiting" || true
report waited </run/waited.out
report_run restarted hopline status --json
unit_value ActiveEnterTimestamp --timestamp=us+utc | report restarted-at
stage 'restarted'

# --- connections may go on for longer than the unit has patience
install -d /etc/systemd/system/hoplined.service.d
printf '[Service]\nTimeoutStopSec=5\n' >/etc/systemd/system/hoplined.service.d/short.conf
systemctl daemon-reload
echo 'proxy: {timeouts: {drain: 20s}}' >>/etc/hopline/hopline.yaml
systemctl reload hoplined.service
login "exec 3<>/dev/tcp/$web4/80; echo held; cat <&3; echo over" >/run/drained.out 2>&1 &
drained=$!
until_true 60 grep -q held /run/drained.out
pid=$(main_pid)
before=$SECONDS
timeout 240 systemctl stop hoplined.service || true
echo "$((SECONDS - before)) $(unit_value Result)" | report drained
rm -r /etc/systemd/system/hoplined.service.d
systemctl daemon-reload
systemctl start hoplined.service
until_true 240 ready_again "$pid"
wait "$drained" || true
report drained-client </run/drained.out
stage 'drained'

pid=$(main_pid)
kill -9 "$pid"
until_true 240 ready_again "$pid"
unit_value NRestarts | report restarts
report_run killed login "curl -s http://$web4/killed"
until_true 90 sh -c 'hopline tree --all --json | grep -q /cron'
report_run status hopline status --json
report_run tree hopline tree --all --json
report_run actions hopline actions --json
report_run notices hopline notices --json
rm /etc/cron.d/guest
stage 'killed, and started again by systemd'

report_run uninstall "$repo/scripts/uninstall" --purge
cmp /run/pam.before /etc/pam.d/sshd && stat -c '%a %u %g' /run/pam.before /etc/pam.d/sshd | report pam
{ systemctl cat hoplined.service hoplined.socket 2>&1 || true; } | report unit
for path in /sys/fs/bpf/hopline /usr/lib/hopline /usr/bin/hopline /usr/sbin/hoplined /etc/hopline /var/lib/hopline \
  /run/hopline /usr/lib/sysusers.d/hopline.conf /etc/ssh/ssh_config.d/hopline.conf; do
  [[ ! -e $path ]] || echo "$path"
done | report left
{ getent passwd hopline || getent group hopline-admin; } | report account || true
report_run free login "curl -s http://$web4/free; curl -s 'http://[$web6]/free'"
ss -Hltn 'sport = :15001' | report listeners
stage 'removed'
