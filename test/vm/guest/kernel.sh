#!/usr/bin/env bash
# One bastion on this guest's kernel: everything is loaded and attached, a person logs in and connects in every way, the
# daemon is killed and started again, the person is revoked. What was seen goes to standard output, marked.
# usage: kernel.sh APP URING. APP is where scripts/install --root put Hopline; URING a program.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../../.." && pwd)
# shellcheck disable=SC2034 # app is what bastion.sh reads
app=$1 uring=$2
# shellcheck source=test/vm/guest/report.sh
. "$here/report.sh"
# shellcheck source=test/vm/guest/bastion.sh
. "$here/bastion.sh"
at_end() {
  report sshd.log </run/sshd.log || true
  report hoplined.log </run/hoplined.log || true
}
trap at_end EXIT

# The kernel half by itself; beside it, on the other processor, the rest of the host.
sysctl -qw kernel.bpf_stats_enabled=1
mkdir -p "$cgroups/trial"
place_hopline
report_run load /usr/lib/hopline/bin/node --disable-warning=ExperimentalWarning "$here/load.ts" \
  /usr/lib/hopline/dist/bpf /sys/fs/bpf/trial "$cgroups/trial" >/run/load.out &
load=$!
make_network
make_account
start_sshd
configure
stage 'the host is made'
wait "$load"
cat /run/load.out
rm -r /sys/fs/bpf/trial
stage 'the kernel half was loaded once'
# Two hosts by themselves, in namespaces of their own.
report_run hop-option /usr/lib/hopline/bin/node --disable-warning=ExperimentalWarning \
  "$repo/test/kernel/hop-option.test.ts"
stage 'SYN options were sent and received'

daemon_start
daemon_ready 240
until_true 60 grep -q ready /run/peer.out
until_true 60 sh -c 'ss -Hltn "sport = :22" | grep -q .'
stage 'hoplined is ready'

report_run calls login "$bastion4" "python3 $here/calls.py $web4 $web6 $vault4 $uring"
stage 'logged in, and connected'

kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
report_run away login "$bastion4" "curl -sS http://$web4/"
daemon_start
daemon_ready 240
stage 'hoplined was killed, and is back'

dial=$repo/test/e2e/programs/dial.py
login "$bastion6" "python3 -u $dial hold $web4 9000 held; curl -sS http://$web4/; echo code \$?" >/run/held.out 2>&1 &
held=$!
until_true 60 grep -q connected /run/held.out
report_run revoke hopline revoke user:alice --reason 'laptop stolen' --json
wait "$held" || true
report held </run/held.out
stage 'the person was revoked'

report_run tree hopline tree --all --json
report_run status hopline status --json
report_run notices hopline notices --json
bpftool --json prog show | report programs
stage 'asked'
