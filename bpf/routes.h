/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the routing table says of a destination. */
#pragma once

#include "common.h"

static __always_inline bool find_route(struct hl_config *conf, const struct hl_socket *sock, struct hl_route *found)
{
	struct hl_route_cache_key cache = { .table = conf->table, .transport = sock->transport, .port = sock->port };
	struct hl_route_key key = { .prefixlen = 160, .generation = conf->table & 0xff, .transport = sock->transport };
	struct hl_route *route, *exact;

	copy_addr(cache.addr, sock->addr);
	route = bpf_map_lookup_elem(&route_cache, &cache);
	if (route) {
		*found = *route;
		return true;
	}
	copy_addr(key.addr, sock->addr);
	route = bpf_map_lookup_elem(&routes, &key);
	key.port_hi = sock->port >> 8;
	key.port_lo = sock->port & 0xff;
	exact = bpf_map_lookup_elem(&routes, &key);
	/* The longer prefix wins; between equals, the named port. */
	if (exact && (!route || exact->prefix >= route->prefix))
		route = exact;
	if (!route)
		return false;
	*found = *route;
	bpf_map_update_elem(&route_cache, &cache, found, BPF_ANY);
	return true;
}

/* A datagram can't be held while somebody decides: what would need that is denied. */
static __always_inline __u8 action_for(const struct hl_socket *sock, const struct hl_route *route)
{
	return sock->transport == IPPROTO_UDP && route->action == HL_INSPECT ? HL_DENY : route->action;
}
