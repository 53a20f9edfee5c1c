// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The end of a UDP flow is the release of its socket. Optional: where a kernel refuses to read socket
 * storage in this hook, a UDP flow ends with its process. Debian's 5.10, 6.1 and 6.12 do not refuse.
 */
#include "common.h"

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	struct hl_socket *connected = bpf_sk_storage_get(&sockets, ctx, NULL, 0);
	if (connected)
		end_datagrams(connected);
	struct hl_socket *sent_to = bpf_sk_storage_get(&sent, ctx, NULL, 0);
	if (sent_to)
		end_datagrams(sent_to);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
