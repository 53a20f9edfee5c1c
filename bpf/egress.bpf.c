// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Egress: what a socket may reach, and by which way.
 *
 * connect and sendmsg consult the routing table: inspect is rewritten to the local proxy, direct goes
 * on, deny fails with EPERM. Everything fails closed: no configuration, no memory for the socket's
 * record, no route, another network namespace with no proxy in it.
 *
 * What these hooks do not see (UDP-Lite, SCTP and DCCP connects, sockets older than the programs) is
 * refused at socket creation or met by the packet backstop. AF_PACKET, TUN and AF_XDP pass below all of
 * it and need privilege; the tripwire reports their packets.
 */
#include "routes.h"

static __always_inline int deny(const struct hl_socket *sock, __u8 reason)
{
	tell_flow(sock, HL_DENY, reason);
	return 0;
}

/* Another login's process listens on this loopback port: its ssh -L, -D, or a proxy of its own. */
static __always_inline void note_loopback(const struct hl_who *who, const __u8 *addr, __u16 port)
{
	struct hl_listener_key key = { .port = port };
	struct hl_listener *listener;
	__u64 *count = tally(HL_TALLY_LISTENERS);

	if (!count || !*count)
		return;
	key.netns = netns_of_current();
	copy_addr(key.addr, addr);
	listener = bpf_map_lookup_elem(&listeners, &key);
	if (!listener && is_mapped(addr)) {
		set_mapped(key.addr, 0);
		listener = bpf_map_lookup_elem(&listeners, &key);
	}
	if (!listener) {
		__builtin_memset(key.addr, 0, sizeof(key.addr));
		listener = bpf_map_lookup_elem(&listeners, &key);
	}
	if (!listener || listener->root == who->root)
		return;
	struct hl_handoff_event *event = RESERVE_EVENT(HL_EV_HANDOFF, hl_handoff_event);
	if (!event)
		return;
	event->who = *who;
	event->to = listener->proc;
	event->to_root = listener->root;
	event->to_kind = listener->kind;
	event->family = AF_INET;
	event->port = port;
	event->path_len = 16;
	copy_addr((__u8 *)event->path, addr);
	bpf_ringbuf_submit(event, 0);
}

/*
 * A socket bound to a device can't reach loopback. Older kernels know one option, newer ones both; the
 * call exists in connect hooks only.
 */
static __always_inline bool unbind_device(struct bpf_sock_addr *ctx)
{
	int zero = 0;
	char none[4] = {};

	if (!ctx->sk || !ctx->sk->bound_dev_if)
		return true;
	if (!bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTOIFINDEX, &zero, sizeof(zero)))
		return true;
	return !bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, none, sizeof(none));
}

enum verdict { REFUSE = 0, PASS = 1, REDIRECT = 2 };

/* A datagram's own destination is remembered apart from the peer that connect named: send() still goes there. */
#define RECORD(ctx, connecting_now, value, flags)                                                      \
	((connecting_now) ? bpf_sk_storage_get(&sockets, (ctx)->sk, value, flags) : \
			    bpf_sk_storage_get(&sent, (ctx)->sk, value, flags))

/*
 * @sock comes with transport, addr and port; on PASS and REDIRECT it has become the socket's record.
 */
static __always_inline enum verdict decide(struct bpf_sock_addr *ctx, struct hl_config *conf, struct hl_socket *sock, bool connecting_now)
{
	struct hl_key key;
	struct hl_lineage *line = lineage_of_current(&key);
	struct hl_socket *record;

	fill_who(&sock->who, &key, line);
	if (line && line->kind == HL_SELF) {
		sock->flags = HL_S_SELF;
		/* The supervisor's first connect tells which network namespace has the proxy in it:
		 * SO_NETNS_COOKIE can't be asked for before Linux 5.14. */
		if (!conf->netns_cookie && key.tgid == conf->self_tgid)
			conf->netns_cookie = bpf_get_netns_cookie(ctx);
		record = RECORD(ctx, connecting_now, sock, BPF_SK_STORAGE_GET_F_CREATE);
		return record ? PASS : REFUSE;
	}
	if (sock->transport == IPPROTO_TCP && (sock->port == conf->proxy4_port || sock->port == conf->proxy6_port) &&
	    /* the address of any reaches what listens on loopback */
	    (is_loopback(sock->addr) || is_any(sock->addr) || same_addr(sock->addr, conf->proxy4) || same_addr(sock->addr, conf->proxy6))) {
		/* io_uring may retry with the address already rewritten; who retries is who asked. */
		record = bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0);
		if (connecting_now && record && record->action == HL_INSPECT && !(record->flags & HL_S_OPEN) &&
		    record->who.proc.tgid == key.tgid && record->who.proc.start_ns == key.start_ns &&
		    record->who.root == sock->who.root && !is_revoked(sock->who.root))
			return PASS;
		sock->id = mint_id(conf);
		return deny(sock, HL_PROXY);
	}
	if (!connecting_now) {
		/* An unconnected UDP socket goes on sending where it was allowed to, if nothing has changed. */
		record = bpf_sk_storage_get(&sent, ctx->sk, NULL, 0);
		if (record && record->port == sock->port && same_addr(record->addr, sock->addr) && record->table == conf->table &&
		    record->who.root == sock->who.root && record->action != HL_DENY && (record->flags & HL_S_OPEN) &&
		    !is_revoked(sock->who.root))
			return PASS;
	}
	if (is_revoked(sock->who.root)) {
		sock->id = mint_id(conf);
		return deny(sock, HL_REVOKED);
	}
	struct hl_route route;
	if (!find_route(conf, sock, &route)) {
		sock->id = mint_id(conf);
		return deny(sock, HL_NO_ROUTE);
	}
	if (sock->transport == IPPROTO_TCP && (is_loopback(sock->addr) || is_any(sock->addr)))
		note_loopback(&sock->who, sock->addr, sock->port);
	sock->table = conf->table;
	sock->route = route.id;
	sock->action = action_for(sock, &route);
	sock->route_flags = route.flags;
	if ((route.flags & HL_R_QUIET) && route.action == HL_DIRECT) {
		/* No hop, so no record, but where its answers name addresses, or where an earlier one of this
		 * socket would speak for it. */
		record = bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0);
		if (!record && !(route.flags & HL_R_DNS) && (connecting_now || !bpf_sk_storage_get(&sent, ctx->sk, NULL, 0)))
			return PASS;
		record = RECORD(ctx, connecting_now, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (!record) {
			count_loss(HL_LOSS_SOCKET);
			sock->id = mint_id(conf);
			return deny(sock, HL_RESOURCES);
		}
		end_datagrams(record);
		*record = *sock;
		return PASS;
	}
	sock->id = mint_id(conf);
	/*
	 * Connecting a UDP socket sends nothing; resolvers do it to every address they sort (RFC 6724).
	 * The verdict is kept with the socket and met by its first packet.
	 */
	bool later = sock->transport == IPPROTO_UDP && connecting_now;
	if (sock->action == HL_DENY && !later)
		return deny(sock, HL_BY_ROUTE);
	if (bpf_get_netns_cookie(ctx) != conf->netns_cookie) {
		if (sock->action == HL_INSPECT)
			return deny(sock, HL_NETNS);
		sock->flags |= HL_S_FOREIGN_NETNS;
	}
	if (connecting_now && sock->action == HL_INSPECT && !unbind_device(ctx))
		return deny(sock, HL_DEVICE);
	if (line)
		line->flags |= HL_F_KNOWN;
	if (sock->transport == IPPROTO_UDP && !later) {
		sock->flags |= HL_S_OPEN;
		tell_flow(sock, sock->action, HL_ALLOWED);
	}
	record = RECORD(ctx, connecting_now, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!record) {
		count_loss(HL_LOSS_SOCKET);
		return deny(sock, HL_RESOURCES);
	}
	end_datagrams(record);
	*record = *sock;
	return sock->action == HL_INSPECT && connecting_now ? REDIRECT : PASS;
}

static __always_inline bool transport_of(struct bpf_sock_addr *ctx, __u8 *transport)
{
	if (ctx->type == SOCK_STREAM && (ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_MPTCP))
		*transport = IPPROTO_TCP;
	else if (ctx->type == SOCK_DGRAM && ctx->protocol == IPPROTO_UDP)
		*transport = IPPROTO_UDP;
	else
		return false;
	return true;
}

static __always_inline int at4(struct bpf_sock_addr *ctx, bool connecting_now)
{
	struct hl_config *conf = get_config();
	struct hl_socket sock = {};

	if (!conf || !(conf->flags & HL_C_READY) || !ctx->sk)
		return 0;
	if (!transport_of(ctx, &sock.transport))
		return ctx->type == SOCK_DGRAM && ctx->protocol == IPPROTO_ICMP && (conf->flags & HL_C_PING);
	set_mapped(sock.addr, ctx->user_ip4);
	sock.port = bpf_ntohs(ctx->user_port);
	enum verdict verdict = decide(ctx, conf, &sock, connecting_now);
	if (verdict != REDIRECT)
		return verdict;
	ctx->user_ip4 = *(__u32 *)(conf->proxy4 + 12);
	ctx->user_port = bpf_htons(conf->proxy4_port);
	return 1;
}

static __always_inline int at6(struct bpf_sock_addr *ctx, bool connecting_now)
{
	struct hl_config *conf = get_config();
	struct hl_socket sock = {};

	if (!conf || !(conf->flags & HL_C_READY) || !ctx->sk)
		return 0;
	if (!transport_of(ctx, &sock.transport))
		return ctx->type == SOCK_DGRAM && ctx->protocol == IPPROTO_ICMPV6 && (conf->flags & HL_C_PING);
	__u32 *words = (__u32 *)sock.addr;
	words[0] = ctx->user_ip6[0];
	words[1] = ctx->user_ip6[1];
	words[2] = ctx->user_ip6[2];
	words[3] = ctx->user_ip6[3];
	sock.port = bpf_ntohs(ctx->user_port);
	bool mapped = is_mapped(sock.addr);
	enum verdict verdict = decide(ctx, conf, &sock, connecting_now);
	if (verdict != REDIRECT)
		return verdict;
	words = (__u32 *)(mapped ? conf->proxy4 : conf->proxy6);
	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = bpf_htons(mapped ? conf->proxy4_port : conf->proxy6_port);
	return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return at4(ctx, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return at6(ctx, true);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return at4(ctx, false);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return at6(ctx, false);
}

/*
 * The client sees the peer that it asked for. An MPTCP socket has no record of its own: its subflow has,
 * and both have the same local end.
 */
static __always_inline struct hl_peer *peer_of(struct bpf_sock_addr *ctx, bool six)
{
	struct bpf_sock *sk = ctx->sk;
	struct hl_flow_key key = {};

	if (!sk)
		return NULL;
	key.port = sk->src_port;
	if (six) {
		__u32 *words = (__u32 *)key.addr;
		words[0] = sk->src_ip6[0];
		words[1] = sk->src_ip6[1];
		words[2] = sk->src_ip6[2];
		words[3] = sk->src_ip6[3];
	} else {
		set_mapped(key.addr, sk->src_ip4);
	}
	return bpf_map_lookup_elem(&peers, &key);
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	struct hl_socket *sock = ctx->sk ? bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0) : NULL;
	struct hl_config *conf = get_config();
	struct hl_peer *peer;

	if (sock && sock->action == HL_INSPECT) {
		ctx->user_ip4 = *(__u32 *)(sock->addr + 12);
		ctx->user_port = bpf_htons(sock->port);
	} else if (!sock && conf && bpf_ntohs(ctx->user_port) == conf->proxy4_port) {
		peer = peer_of(ctx, false);
		if (peer) {
			ctx->user_ip4 = *(__u32 *)(peer->addr + 12);
			ctx->user_port = bpf_htons(peer->port);
		}
	}
	return 1;
}

static __always_inline void show6(struct bpf_sock_addr *ctx, const __u8 *addr, __u16 port)
{
	const __u32 *words = (const __u32 *)addr;

	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = bpf_htons(port);
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	struct hl_socket *sock = ctx->sk ? bpf_sk_storage_get(&sockets, ctx->sk, NULL, 0) : NULL;
	struct hl_config *conf = get_config();
	struct hl_peer *peer;

	if (sock && sock->action == HL_INSPECT)
		show6(ctx, sock->addr, sock->port);
	else if (!sock && conf && bpf_ntohs(ctx->user_port) == conf->proxy6_port) {
		peer = peer_of(ctx, true);
		if (peer)
			show6(ctx, peer->addr, peer->port);
	}
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
