// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Whose process listens on which loopback port: the far end of a handoff by ssh -L, -D or a local proxy. */
#include "common.h"

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int from, int to)
{
	struct hl_listener_key key = {};

	if (to != BPF_TCP_LISTEN && from != BPF_TCP_LISTEN)
		return 0;
	key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6)
		BPF_CORE_READ_INTO(&key.addr, sk, __sk_common.skc_v6_rcv_saddr);
	else
		set_mapped(key.addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	if (!is_any(key.addr) && !is_loopback(key.addr))
		return 0;
	struct hl_listener listener = {};
	struct hl_lineage *line = lineage_of_current(&listener.proc);
	if (to != BPF_TCP_LISTEN) {
		struct hl_listener *old = bpf_map_lookup_elem(&listeners, &key);
		if (old && old->proc.tgid == listener.proc.tgid && old->proc.start_ns == listener.proc.start_ns)
			bpf_map_delete_elem(&listeners, &key);
		return 0;
	}
	if (!line)
		return 0;
	listener.root = line->root;
	listener.kind = line->kind;
	bpf_map_update_elem(&listeners, &key, &listener, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
