// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Sockets: a family and protocol allowlist where a socket is made. connect() and send() on UDP-Lite,
 * SCTP, DCCP, raw and ping sockets miss the connect and sendmsg hooks, so such a socket is not made.
 */
#include "common.h"

SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
	struct hl_config *conf = get_config();
	__u32 type = ctx->type, protocol = ctx->protocol;

	if (!conf || !(conf->flags & HL_C_READY))
		return 1;
	if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_IP || protocol == IPPROTO_MPTCP))
		return 1;
	if (type == SOCK_DGRAM && (protocol == IPPROTO_UDP || protocol == IPPROTO_IP))
		return 1;
	if (type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && (conf->flags & HL_C_PING))
		return 1;
	struct hl_key key;
	struct hl_lineage *line = lineage_of_current(&key);
	/* The tripwire's libpcap opens none of these; the daemon itself has no use for them either. */
	struct hl_socket_event event = { .family = ctx->family, .type = type, .protocol = protocol };
	event.refused = !(conf->flags & HL_C_OBSERVE);
	fill_who(&event.who, &key, line);
	if (line)
		line->flags |= HL_F_KNOWN;
	send_event(&event.head, HL_EV_SOCKET, sizeof(event));
	return !event.refused;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
