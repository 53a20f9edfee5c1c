// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Packets: the backstop behind the connect hooks, byte counts of UDP, and the DNS answers that name
 * addresses. Established TCP leaves after one flag test.
 */
#include "routes.h"
#include <linux/ip.h>
#include <linux/ipv6.h>

#define TCP_FLAGS 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define ICMP_ECHO 8
#define ICMPV6_ECHO_REQUEST 128
#define DNS_PORT 53

struct packet {
	__u32 l4;
	__u8 protocol;
	__u16 source_port; /* UDP's, where they were read */
	__u16 port;
	__u8 source[16];
	__u8 destination[16];
};

struct dns_scratch {
	struct hl_dns_event event;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dns_scratch);
} dns_buffer SEC(".maps");

/*
 * Extension headers are not walked: a local socket that sends them on a TCP or UDP flow has its
 * record already, and a packet whose first header is none of the known ones is refused.
 */
static __always_inline bool parse(struct __sk_buff *skb, struct packet *packet)
{
	if (skb->protocol == bpf_htons(0x0800)) {
		struct iphdr ip;
		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return false;
		packet->l4 = ip.ihl * 4;
		packet->protocol = ip.protocol;
		set_mapped(packet->source, ip.saddr);
		set_mapped(packet->destination, ip.daddr);
		return true;
	}
	if (skb->protocol == bpf_htons(0x86dd)) {
		struct ipv6hdr ip;
		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return false;
		packet->l4 = sizeof(ip);
		packet->protocol = ip.nexthdr;
		__builtin_memcpy(packet->source, &ip.saddr, 16);
		__builtin_memcpy(packet->destination, &ip.daddr, 16);
		return true;
	}
	return false;
}

static __always_inline bool parse_ports(struct __sk_buff *skb, struct packet *packet)
{
	__u8 ports[4];

	if (bpf_skb_load_bytes(skb, packet->l4, ports, sizeof(ports)))
		return false;
	packet->source_port = ports[0] << 8 | ports[1];
	packet->port = ports[2] << 8 | ports[3];
	return true;
}

static __always_inline bool is_at(const struct hl_socket *sock, const __u8 *addr, __u16 port)
{
	return sock->port == port && same_addr(sock->addr, addr);
}

/*
 * The record that speaks for datagrams to or from an address: of the hook that let one pass by name, else of the
 * connect. One that names another address is returned where there is none better: see `judge`.
 */
static __always_inline struct hl_socket *datagrams(struct bpf_sock *sk, const __u8 *addr, __u16 port)
{
	struct hl_socket *by_name = bpf_sk_storage_get(&sent, sk, NULL, 0), *connected;

	if (by_name && is_at(by_name, addr, port))
		return by_name;
	connected = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	return connected ? connected : by_name;
}

/*
 * What a hook decided is believed for the address and the routing table that it was decided for. A connect that
 * failed after its hook leaves a socket with the peer it had before; netfilter may have rewritten the address; and a
 * connected socket passes no hook after a reload: the packet's own destination is looked up then.
 */
static __always_inline void judge(struct hl_config *conf, struct hl_socket *sock, const struct packet *packet)
{
	bool same = is_at(sock, packet->destination, packet->port);
	struct hl_route route = {};
	__u8 action = HL_DENY;

	if ((sock->flags & (HL_S_SELF | HL_S_BEFORE)) || (same && sock->table == conf->table))
		return;
	struct hl_socket now = *sock;
	copy_addr(now.addr, packet->destination);
	now.port = packet->port;
	now.table = conf->table;
	if (find_route(conf, &now, &route))
		action = action_for(&now, &route);
	now.route = route.id;
	now.route_flags = route.flags;
	if (!same || now.action != action) {
		end_datagrams(sock);
		now.action = action;
		now.id = mint_id(conf);
		now.bytes_up = 0;
		now.bytes_down = 0;
		now.flags &= ~HL_S_OPEN;
	}
	*sock = now;
}

static __always_inline int refuse(struct hl_config *conf, struct __sk_buff *skb, struct packet *packet, __u8 flags, bool drop)
{
	struct hl_flow_event event = {
		.id = mint_id(conf), .transport = packet->protocol, .reason = HL_BACKSTOP,
		.action = drop ? HL_DENY : HL_DIRECT, .flags = flags,
	};
	if ((packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP) && parse_ports(skb, packet)) {
		event.source_port = packet->source_port;
		event.port = packet->port;
	}
	copy_addr(event.addr, packet->destination);
	copy_addr(event.source_addr, packet->source);
	send_event(&event.head, HL_EV_FLOW, sizeof(event));
	return !drop;
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	struct hl_config *conf = get_config();
	struct packet packet = {};
	struct bpf_sock *sk = skb->sk;
	struct hl_socket *sock;

	if (!sk)
		return 1;
	if (!conf || !(conf->flags & HL_C_READY))
		return 1;
	if (!parse(skb, &packet))
		return 0;
	if (packet.protocol == IPPROTO_TCP) {
		__u8 flags = 0;
		if (bpf_skb_load_bytes(skb, packet.l4 + TCP_FLAGS, &flags, 1))
			return 0;
		if ((flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
			return 1;
	}
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (packet.protocol == IPPROTO_TCP) {
		sock = bpf_sk_storage_get(&sockets, sk, NULL, 0);
		return sock || is_loopback(packet.destination) ? 1 : refuse(conf, skb, &packet, 0, true);
	}
	if (packet.protocol == IPPROTO_UDP) {
		if (!parse_ports(skb, &packet))
			return 0;
		sock = datagrams(sk, packet.destination, packet.port);
		if (sock) {
			/* a connected socket passes no hook any more when it sends */
			if (is_revoked(sock->who.root))
				return 0;
			judge(conf, sock, &packet);
			if (!(sock->flags & HL_S_OPEN) && !(sock->flags & HL_S_SELF)) {
				/* the first packet of a connected socket; one report for each connect */
				bool denied = sock->action == HL_DENY;
				sock->flags |= HL_S_OPEN;
				if (!(sock->route_flags & HL_R_QUIET))
					tell_flow(sock, sock->action, denied ? HL_BY_ROUTE : HL_ALLOWED);
			}
			if (sock->action == HL_DENY)
				return 0;
			__u32 header = packet.l4 + 8;
			if (skb->len > header)
				__sync_fetch_and_add(&sock->bytes_up, skb->len - header);
			return 1;
		}
		if (is_loopback(packet.destination))
			return 1;
		/* Every new UDP socket has met connect or sendmsg; this one was connected before the
		 * programs were attached. It is recorded once and counted from here on. */
		struct hl_socket before = { .flags = HL_S_BEFORE | HL_S_OPEN, .transport = IPPROTO_UDP, .action = HL_DIRECT };
		bpf_sk_storage_get(&sockets, sk, &before, BPF_SK_STORAGE_GET_F_CREATE);
		return refuse(conf, skb, &packet, HL_S_BEFORE, false);
	}
	if (is_loopback(packet.destination))
		return 1;
	/* The kernel's own ICMP socket is raw and answers or reports; it does not ask. */
	if (packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6) {
		__u8 type = 0;
		if (bpf_skb_load_bytes(skb, packet.l4, &type, 1))
			return 0;
		bool echo = packet.protocol == IPPROTO_ICMP ? type == ICMP_ECHO : type == ICMPV6_ECHO_REQUEST;
		if (!echo || (conf->flags & HL_C_PING))
			return 1;
		return refuse(conf, skb, &packet, 0, true);
	}
	/* MLD is hop-by-hop options before ICMPv6 (RFC 3810 section 5), IGMP is the kernel's. */
	if (packet.protocol == IPPROTO_IGMP || packet.protocol == 0)
		return 1;
	return refuse(conf, skb, &packet, 0, true);
}

SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
	struct packet packet = {};
	struct bpf_sock *sk = skb->sk;
	struct hl_socket *sock;
	__u32 zero = 0;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != IPPROTO_UDP || !parse(skb, &packet) || packet.protocol != IPPROTO_UDP ||
	    !parse_ports(skb, &packet))
		return 1;
	sock = datagrams(sk, packet.source, packet.source_port);
	if (!sock)
		return 1;
	__u32 start = packet.l4 + 8;
	if (skb->len <= start)
		return 1;
	__u32 len = skb->len - start;
	__sync_fetch_and_add(&sock->bytes_down, len);
	/* The answer is believed only from the resolver that was asked. */
	if (!(sock->route_flags & HL_R_DNS) || !is_at(sock, packet.source, DNS_PORT))
		return 1;
	struct dns_scratch *scratch = bpf_map_lookup_elem(&dns_buffer, &zero);
	if (!scratch)
		return 1;
	if (len > HL_DNS_MAX)
		len = HL_DNS_MAX;
	/* Not zero, as the verifier of Linux 6.1 wants to see it. */
	__u64 kept = len - 1;
	barrier_var(kept);
	kept = (kept & (HL_DNS_MAX - 1)) + 1;
	if (bpf_skb_load_bytes(skb, start, scratch->event.data, kept))
		return 1;
	scratch->event.root = sock->who.root;
	scratch->event.len = kept;
	kept += offsetof(struct hl_dns_event, data);
	if (kept > sizeof(scratch->event))
		return 1;
	send_event(&scratch->event.head, HL_EV_DNS, kept);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
