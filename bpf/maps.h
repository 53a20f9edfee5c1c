/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The maps that all objects share. The loader pins each under its name and the objects reuse the
 * pins, so they outlive the daemon. Sizes are never changed in place: that raises HL_ABI.
 */
#pragma once

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hl_config);
} config SEC(".maps");

/* The last id minted on each CPU: two in one microsecond must differ. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} minted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HL_LOSS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/* Preallocated: a fork must not have to allocate where the allocator may be what is being traced. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__type(key, struct hl_key);
	__type(value, struct hl_lineage);
} lineage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct hl_root);
} roots SEC(".maps");

/*
 * Roots that may not connect any more. Written by user space alone, and apart from the roots, whose count
 * of the living is the kernel's: to read, change and write back the two together would lose one of them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u32);
} revoked SEC(".maps");

/* Base names of the programs whose forks are logins or jobs of their own → enum hl_kind. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[HL_NAME]);
	__type(value, __u32);
} spawners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct hl_route_key);
	__type(value, struct hl_route);
} routes SEC(".maps");

/* In front of the routing table: walking its trie costs ten times a hash lookup. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct hl_route_cache_key);
	__type(value, struct hl_route);
} route_cache SEC(".maps");

/* How many entries rarely used maps have: most connects need not look into them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HL_TALLY_MAX);
	__type(key, __u32);
	__type(value, __u64);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hl_socket);
} sockets SEC(".maps");

/* Where an unconnected UDP socket, or a connected one in passing, has last sent to by name. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hl_socket);
} sent SEC(".maps");

/* Not an LRU: an evicted flow would be a connection without an owner. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct hl_flow_key);
	__type(value, struct hl_flow);
} flows SEC(".maps");

/* For getpeername on MPTCP sockets alone; a forgotten one shows the proxy's address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct hl_flow_key);
	__type(value, struct hl_peer);
} peers SEC(".maps");

/* Ports on loopback or any address where a process of a person's login listens. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct hl_listener_key);
	__type(value, struct hl_listener);
} listeners SEC(".maps");

/* Where the peers are. A SYN to anywhere else carries no option of ours. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct hl_hop_network);
	__type(value, struct hl_hop_key);
} hop_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HL_HOP_TALLY_MAX);
	__type(key, __u32);
	__type(value, __u64);
} hop_tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hl_hop_sent);
} hop_sent SEC(".maps");

/*
 * By handle. An LRU, as the one below: whoever opens connections by the thousand can push out what nobody has asked
 * for yet, which is then unlinked and never wrong; a map that fills up would go on refusing everybody.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct hl_hop_offer);
} hop_offered SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct hl_hop_ends);
	__type(value, struct hl_hop_arrival);
} hop_arrived SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} events SEC(".maps");
