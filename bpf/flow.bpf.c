// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Flow: ties a connection's addresses to who opened it.
 *
 * The record of a redirected connection is written when its local port is known and before the SYN
 * leaves, so the proxy can never accept a connection whose record is still to come. A direct flow is
 * reported here, with the bytes that TCP itself counted when it ends.
 */
#include "common.h"

/*
 * bytes_acked counts the SYN, and the FIN once it is acknowledged; bytes_received counts the peer's FIN
 * (RFC 9293 section 3.4: both take a sequence number).
 */
static __always_inline void count_bytes(struct bpf_sock_ops *ctx, struct hl_socket *sock, __u32 from)
{
	__u64 up = ctx->bytes_acked, down = ctx->bytes_received;
	bool fin_acked = (sock->flags & HL_S_FIN_SENT) && (from != BPF_TCP_FIN_WAIT1);

	sock->bytes_up = up > 1 ? up - 1 : 0;
	if (fin_acked && sock->bytes_up)
		sock->bytes_up -= 1;
	sock->bytes_down = down;
	if ((sock->flags & HL_S_FIN_RECEIVED) && down)
		sock->bytes_down -= 1;
}

static __always_inline void local_end(struct bpf_sock_ops *ctx, struct hl_flow_key *key)
{
	if (ctx->family == AF_INET6) {
		__u32 *words = (__u32 *)key->addr;
		words[0] = ctx->local_ip6[0];
		words[1] = ctx->local_ip6[1];
		words[2] = ctx->local_ip6[2];
		words[3] = ctx->local_ip6[3];
	} else {
		set_mapped(key->addr, ctx->local_ip4);
	}
	key->port = ctx->local_port;
}

static __always_inline void on_connect(struct bpf_sock_ops *ctx, const struct hl_flow_key *local)
{
	struct bpf_sock *sk = ctx->sk;
	struct hl_socket *sock = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;

	if (!sock || (sock->flags & HL_S_SELF) || (sock->route_flags & HL_R_QUIET))
		return;
	sock->flags |= HL_S_OPEN;
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	if (sock->action == HL_INSPECT) {
		struct hl_flow flow = {
			.who = sock->who, .id = sock->id, .at_ns = bpf_ktime_get_boot_ns(), .route = sock->route,
			.port = sock->port, .transport = sock->transport, .flags = sock->flags,
		};
		copy_addr(flow.addr, sock->addr);
		struct hl_peer peer = { .port = sock->port };
		copy_addr(peer.addr, sock->addr);
		bpf_map_update_elem(&peers, local, &peer, BPF_ANY);
		if (!bpf_map_update_elem(&flows, local, &flow, BPF_NOEXIST))
			return;
		/* No room, so the proxy will find no flow and refuse. Or an older connection from this very
		 * port still waits in the proxy's backlog: which of the two is accepted first can't be
		 * told, so neither is believed. */
		struct hl_flow *older = bpf_map_lookup_elem(&flows, local);
		if (older)
			older->flags |= HL_S_LOST;
		sock->flags |= HL_S_LOST;
		count_loss(HL_LOSS_FLOW);
		return;
	}
	struct hl_flow_event event = {
		.who = sock->who, .id = sock->id, .route = sock->route, .port = sock->port, .source_port = local->port,
		.action = sock->action, .transport = sock->transport, .flags = sock->flags,
	};
	copy_addr(event.addr, sock->addr);
	copy_addr(event.source_addr, local->addr);
	send_event(&event.head, HL_EV_FLOW, sizeof(event));
}

/*
 * A process of a person's login listens where another login can connect to over loopback: the far end of a
 * handoff by ssh -L, -D or a proxy of its own.
 */
static __always_inline void on_listen(struct bpf_sock_ops *ctx, const struct hl_flow_key *local)
{
	struct hl_socket mark = { .flags = HL_S_LISTENER };
	struct hl_listener_key key = {};
	struct hl_listener listener = {};
	struct bpf_sock *sk = ctx->sk;
	struct hl_lineage *line = lineage_of_current(&listener.proc);

	if (!sk || !line || !is_person(line->kind))
		return;
	if (!is_any(local->addr) && !is_loopback(local->addr))
		return;
	mark.who.proc = listener.proc;
	mark.route = netns_of_current();
	if (!bpf_sk_storage_get(&sockets, sk, &mark, BPF_SK_STORAGE_GET_F_CREATE))
		return;
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	copy_addr(key.addr, local->addr);
	key.port = local->port;
	key.netns = mark.route;
	listener.root = line->root;
	listener.kind = line->kind;
	__u64 *count = tally(HL_TALLY_LISTENERS);
	if (!bpf_map_update_elem(&listeners, &key, &listener, BPF_NOEXIST)) {
		if (count)
			__sync_fetch_and_add(count, 1);
		return;
	}
	bpf_map_update_elem(&listeners, &key, &listener, BPF_EXIST);
}

static __always_inline void on_listener_closed(const struct hl_flow_key *local, const struct hl_socket *sock)
{
	struct hl_listener_key key = { .netns = sock->route };
	struct hl_listener *listener;
	__u64 *count = tally(HL_TALLY_LISTENERS);

	copy_addr(key.addr, local->addr);
	key.port = local->port;
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (!listener || listener->proc.tgid != sock->who.proc.tgid || listener->proc.start_ns != sock->who.proc.start_ns)
		return;
	if (!bpf_map_delete_elem(&listeners, &key) && count)
		__sync_fetch_and_add(count, -1);
}

static __always_inline void on_state(struct bpf_sock_ops *ctx, const struct hl_flow_key *local)
{
	struct bpf_sock *sk = ctx->sk;
	struct hl_socket *sock = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
	__u32 from = ctx->args[0], to = ctx->args[1];
	bool unclaimed = false;

	if (!sock)
		return;
	if (from == BPF_TCP_LISTEN) {
		if (sock->flags & HL_S_LISTENER)
			on_listener_closed(local, sock);
		return;
	}
	if (to == BPF_TCP_FIN_WAIT1 || to == BPF_TCP_LAST_ACK)
		sock->flags |= HL_S_FIN_SENT;
	if (to == BPF_TCP_CLOSE_WAIT || to == BPF_TCP_CLOSING || (to == BPF_TCP_CLOSE && from == BPF_TCP_FIN_WAIT2))
		sock->flags |= HL_S_FIN_RECEIVED;
	if (to != BPF_TCP_CLOSE || !(sock->flags & HL_S_OPEN))
		return;
	sock->flags &= ~HL_S_OPEN;
	bool refused = from == BPF_TCP_SYN_SENT, inspected = sock->action == HL_INSPECT;
	/* Its id is spent: what this socket does next is another connection, and decided anew. */
	sock->action = 0;
	if (inspected) {
		/* A client may have sent all it had and gone before the proxy accepts: the record stays
		 * for the claim, and user space removes it if none comes. A SYN that was refused is in
		 * nobody's backlog. */
		struct hl_flow *flow = bpf_map_lookup_elem(&flows, local);
		if (!flow || flow->id != sock->id)
			return;
		if (refused)
			bpf_map_delete_elem(&flows, local);
		unclaimed = true;
	} else if (sock->route_flags & HL_R_QUIET) {
		return;
	}
	count_bytes(ctx, sock, from);
	struct hl_flow_end_event event = {
		.id = sock->id, .bytes_up = sock->bytes_up, .bytes_down = sock->bytes_down, .who = sock->who,
		.route = sock->route, .port = sock->port, .transport = sock->transport, .unclaimed = unclaimed,
		.source_port = local->port, .refused = refused,
	};
	copy_addr(event.addr, sock->addr);
	copy_addr(event.source_addr, local->addr);
	send_event(&event.head, HL_EV_FLOW_END, sizeof(event));
}

SEC("sockops")
int flow(struct bpf_sock_ops *ctx)
{
	struct hl_flow_key local = {};
	__u32 op = ctx->op;

	if (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_TCP_LISTEN_CB && op != BPF_SOCK_OPS_STATE_CB)
		return 1;
	local_end(ctx, &local);
	if (op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		on_connect(ctx, &local);
	else if (op == BPF_SOCK_OPS_TCP_LISTEN_CB)
		on_listen(ctx, &local);
	else
		on_state(ctx, &local);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
