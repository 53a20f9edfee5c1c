// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Hop option: evidence in the SYN of which connection a login on another host came by.
 *
 * A connection that leaves towards a peer's address carries a handle, used once, with a MAC that the peer can check;
 * what the handle stands for is remembered here until the peer asks. On the other side the option of a connection to
 * sshd is kept, unverified, until its login asks for it. The handle has to be new, not secret: it is the MAC that
 * nobody else can make. A SYN travels in the clear, so one who reads along may send the same bytes first; the handle is
 * given out once and with the addresses that it was made for, which is for user space to compare.
 *
 * Nothing here fails a connection. Where there is no room (a SYN with MPTCP has 16 bytes left, with a TCP Fast Open
 * cookie 8) or no memory it goes without, and is counted. SYN cookies lose it: the SYN is gone when the socket is made.
 *
 * Header options in sockops: Linux 5.10, include/uapi/linux/bpf.h at BPF_SOCK_OPS_HDR_OPT_LEN_CB and
 * bpf_load_hdr_opt.
 */
#include "common.h"
#include "siphash.h"

#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10

static __always_inline __u64 *hop_tally(__u32 which)
{
	return bpf_map_lookup_elem(&hop_tallies, &which);
}

static __always_inline bool has_peers(void)
{
	__u64 *networks = hop_tally(HL_HOP_NETWORKS);
	return networks && *networks;
}

static __always_inline void count(__u32 which)
{
	__u64 *counter = hop_tally(which);
	if (counter)
		__sync_fetch_and_add(counter, 1);
}

/* An IPv6 socket that is connected to a mapped address has mapped addresses at both ends. */
static __always_inline void local_addr(struct bpf_sock_ops *ctx, __u8 *addr)
{
	if (ctx->family == AF_INET6) {
		__u32 *words = (__u32 *)addr;
		words[0] = ctx->local_ip6[0];
		words[1] = ctx->local_ip6[1];
		words[2] = ctx->local_ip6[2];
		words[3] = ctx->local_ip6[3];
	} else {
		set_mapped(addr, ctx->local_ip4);
	}
}

static __always_inline void remote_addr(struct bpf_sock_ops *ctx, __u8 *addr)
{
	if (ctx->family == AF_INET6) {
		__u32 *words = (__u32 *)addr;
		words[0] = ctx->remote_ip6[0];
		words[1] = ctx->remote_ip6[1];
		words[2] = ctx->remote_ip6[2];
		words[3] = ctx->remote_ip6[3];
	} else {
		set_mapped(addr, ctx->remote_ip4);
	}
}

/* What this socket would have written is written no more: it is connected, or connects to somewhere else. */
static __always_inline void forget(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct hl_hop_sent *sent;

	if (!(ctx->bpf_sock_ops_cb_flags & BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG) || !sk)
		return;
	sent = bpf_sk_storage_get(&hop_sent, sk, NULL, 0);
	if (!sent)
		return;
	bool flagged = sent->flagged;
	bpf_sk_storage_delete(&hop_sent, sk);
	/* Left set it would cost a call for each packet. */
	if (flagged)
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags & ~BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
}

/* The local end is known and the SYN has not left. */
static __always_inline void on_connect(struct bpf_sock_ops *ctx)
{
	struct hl_hop_network network = {};
	struct hl_hop_offer offer = {};
	struct hl_hop_sent fresh = {}, *sent;
	struct bpf_sock *sk = ctx->sk;
	struct hl_hop_key *key;

	/* A socket may connect again after it was refused. */
	forget(ctx);
	if (!sk || !has_peers())
		return;
	remote_addr(ctx, network.addr);
	network.prefixlen = 128;
	key = bpf_map_lookup_elem(&hop_peers, &network);
	if (!key)
		return;
	fresh.handle = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	fresh.mac = siphash_word(key->k0, key->k1, fresh.handle);
	fresh.flagged = !(ctx->bpf_sock_ops_cb_flags & BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
	local_addr(ctx, offer.source);
	copy_addr(offer.destination, network.addr);
	offer.source_port = ctx->local_port;
	offer.destination_port = bpf_ntohl(ctx->remote_port);
	offer.at_ns = bpf_ktime_get_boot_ns();
	if (bpf_map_update_elem(&hop_offered, &fresh.handle, &offer, BPF_NOEXIST)) {
		count(HL_HOP_LOST);
		return;
	}
	sent = bpf_sk_storage_get(&hop_sent, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sent || bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG)) {
		bpf_map_delete_elem(&hop_offered, &fresh.handle);
		count(HL_HOP_LOST);
		return;
	}
	*sent = fresh;
}

/*
 * A firewall that drops what it does not know would cut this host off from its peers: what was sent twice in vain is
 * sent without, as MPTCP does.
 */
#define MOST_WRITTEN 2

/* Called for every packet of a socket with the flag, and for none (its MSS alone is asked). */
static __always_inline struct hl_hop_sent *sent_by(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk || (ctx->skb_tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != TCP_FLAG_SYN)
		return NULL;
	return bpf_sk_storage_get(&hop_sent, sk, NULL, 0);
}

/* A SYN without room may be sent again with it: a retransmission has neither cookie nor data. So the offer stays. */
static __always_inline void on_length(struct bpf_sock_ops *ctx)
{
	struct hl_hop_sent *sent = sent_by(ctx);

	if (sent && sent->written < MOST_WRITTEN && bpf_reserve_hdr_opt(ctx, HL_HOP_LENGTH, 0))
		count(HL_HOP_NO_ROOM);
}

/* No initialiser: it would be a constant in .rodata, of which clang writes BTF that Linux 5.10 refuses. */
static __always_inline void head(struct hl_hop_option *option, __u8 length)
{
	option->kind = HL_HOP_KIND;
	option->length = length;
	option->magic[0] = HL_HOP_MAGIC >> 8;
	option->magic[1] = HL_HOP_MAGIC & 0xff;
}

static __always_inline void on_write(struct bpf_sock_ops *ctx)
{
	struct hl_hop_sent *sent = sent_by(ctx);
	struct hl_hop_option option = {};

	if (!sent || sent->written >= MOST_WRITTEN)
		return;
	sent->written++;
	head(&option, HL_HOP_LENGTH);
	__builtin_memcpy(option.handle, &sent->handle, sizeof(option.handle));
	__builtin_memcpy(option.mac, &sent->mac, sizeof(option.mac));
	bpf_store_hdr_opt(ctx, &option, sizeof(option), 0);
}

/*
 * Only what begins SSH logins keeps its SYNs (tcp(7), TCP_SAVE_SYN: some hundred bytes for each of its connections): the
 * sshd whose children lineage takes for logins, and init, which listens for a socket-activated one. Listeners from
 * before there were peers are found by user space.
 */
static __always_inline void on_listen(struct bpf_sock_ops *ctx)
{
	struct hl_lineage *line;
	struct hl_key key;
	int one = 1;

	if (!has_peers())
		return;
	line = lineage_of_current(&key);
	if (!line || !(line->flags & (HL_F_SPAWNER | HL_F_DAEMONIZE)))
		return;
	if (line->spawn_kind != HL_SSH && !(line->flags & HL_F_INIT))
		return;
	if (bpf_setsockopt(ctx, SOL_TCP, TCP_SAVE_SYN, &one, sizeof(one)))
		count(HL_HOP_UNSAVED);
}

/*
 * The handshake is complete, so nobody fills this map from an address that is not theirs. A connection without an option
 * (SYN cookies, or from no peer) must not be taken for an earlier one from the same port that had one.
 */
static __always_inline void on_accept(struct bpf_sock_ops *ctx)
{
	struct hl_hop_option option = {};
	struct hl_hop_arrival arrival = {};
	struct hl_hop_ends ends = {};

	if (!has_peers())
		return;
	remote_addr(ctx, ends.client);
	local_addr(ctx, ends.server);
	ends.client_port = bpf_ntohl(ctx->remote_port);
	ends.server_port = ctx->local_port;
	head(&option, 4); /* what is searched for: kind and identifier */
	if (bpf_load_hdr_opt(ctx, &option, sizeof(option), BPF_LOAD_HDR_OPT_TCP_SYN) != HL_HOP_LENGTH) {
		bpf_map_delete_elem(&hop_arrived, &ends);
		return;
	}
	arrival.at_ns = bpf_ktime_get_boot_ns();
	__builtin_memcpy(arrival.handle, option.handle, sizeof(arrival.handle));
	__builtin_memcpy(arrival.mac, option.mac, sizeof(arrival.mac));
	if (bpf_map_update_elem(&hop_arrived, &ends, &arrival, BPF_ANY))
		count(HL_HOP_LOST);
}

SEC("sockops")
int hop_option(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_connect(ctx);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		on_length(ctx);
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		on_write(ctx);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		forget(ctx);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		on_accept(ctx);
		break;
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		on_listen(ctx);
		break;
	}
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
