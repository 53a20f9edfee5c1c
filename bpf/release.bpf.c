// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The end of a UDP flow is the release of its socket. Optional: Linux 5.10 can't read socket storage
 * in this hook, and there a UDP flow ends with its process.
 */
#include "common.h"

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	struct hl_socket *sock = bpf_sk_storage_get(&sockets, ctx, NULL, 0);
	if (!sock || !sock->id || !(sock->flags & HL_S_OPEN) || (sock->flags & HL_S_SELF) || sock->action == HL_DENY || (sock->route_flags & HL_R_QUIET))
		return 1;
	struct hl_flow_end_event event = {
		.id = sock->id, .bytes_up = sock->bytes_up, .bytes_down = sock->bytes_down, .who = sock->who,
		.route = sock->route, .port = sock->port, .transport = sock->transport,
	};
	copy_addr(event.addr, sock->addr);
	send_event(&event.head, HL_EV_FLOW_END, sizeof(event));
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
