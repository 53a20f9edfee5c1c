/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What every concern needs: who the current task is, minting ids, handing events over. */
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "maps.h"

static __always_inline struct hl_config *get_config(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline __u64 *tally(__u32 which)
{
	return bpf_map_lookup_elem(&tallies, &which);
}

static __always_inline __u32 netns_of_current(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	return BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
}

static __always_inline bool is_revoked(__u64 root)
{
	__u64 *count = tally(HL_TALLY_REVOCATIONS);
	return count && *count && bpf_map_lookup_elem(&revoked, &root);
}

static __always_inline void count_loss(__u32 what)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &what);
	if (count)
		*count += 1;
}

static __always_inline void send_event(struct hl_event *event, __u32 type, __u64 size)
{
	event->at_ns = bpf_ktime_get_boot_ns();
	event->type = type;
	event->size = size;
	if (bpf_ringbuf_output(&events, event, size, 0))
		count_loss(HL_LOSS_EVENT);
}

/* Room for an event too large for the stack; NULL is counted as a loss. Every byte is zero. */
#define RESERVE_EVENT(kind, struct_type)                                                    \
	({                                                                                  \
		struct struct_type *reserved = bpf_ringbuf_reserve(&events, sizeof(*reserved), 0); \
		if (reserved) {                                                             \
			__builtin_memset(reserved, 0, sizeof(*reserved));                   \
			reserved->head.at_ns = bpf_ktime_get_boot_ns();                     \
			reserved->head.type = kind;                                         \
			reserved->head.size = sizeof(*reserved);                            \
		} else {                                                                    \
			count_loss(HL_LOSS_EVENT);                                          \
		}                                                                           \
		reserved;                                                                   \
	})

/*
 * Microseconds since the Unix epoch, then eight bits of CPU. Minting happens in process context, where
 * two on one CPU within a microsecond can only follow each other; 255 is left to user space.
 */
static __always_inline __u64 mint_id(struct hl_config *conf)
{
	__u32 zero = 0;
	__u64 now = bpf_ktime_get_boot_ns() / 1000 + conf->epoch_us;
	__u64 *last = bpf_map_lookup_elem(&minted, &zero);
	if (last) {
		if (now <= *last)
			now = *last + 1;
		*last = now;
	}
	return now << 8 | bpf_get_smp_processor_id() % 255;
}

static __always_inline void key_of(struct task_struct *task, struct hl_key *key)
{
	key->tgid = BPF_CORE_READ(task, tgid);
	key->pad = 0;
	key->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
}

/* Since Linux 5.11 the current task can be read as it lies, which spares three calls for each connect. */
static __always_inline void key_of_current(struct hl_key *key)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		key_of((struct task_struct *)bpf_get_current_task(), key);
		return;
	}
	struct task_struct *task = bpf_get_current_task_btf();
	key->tgid = task->tgid;
	key->pad = 0;
	key->start_ns = task->group_leader->start_boottime;
}

static __always_inline struct hl_lineage *lineage_of_current(struct hl_key *key)
{
	key_of_current(key);
	return bpf_map_lookup_elem(&lineage, key);
}

static __always_inline void fill_who(struct hl_who *who, const struct hl_key *key, const struct hl_lineage *line)
{
	who->proc = *key;
	who->uid = (__u32)bpf_get_current_uid_gid();
	if (line) {
		who->owner = line->owner;
		who->root = line->root;
		who->image = line->image;
		who->kind = line->kind;
	} else {
		who->owner = *key;
		who->kind = HL_UNATTRIBUTED;
	}
}

static __always_inline bool is_person(__u8 kind)
{
	return kind == HL_SSH || kind == HL_CONSOLE || kind == HL_JOB;
}

static __always_inline bool in_scope(struct hl_config *conf, struct task_struct *task)
{
	struct cgroup *group, *ancestor;
	__u64 id = 0;
	__u32 level = conf->scope_level;

	if (!conf->scope_id)
		return true;
	group = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	if (!group || BPF_CORE_READ(group, level) < (int)level)
		return false;
	if (bpf_core_field_exists(struct cgroup___ids, ancestor_ids)) {
		void *ids = (void *)group + bpf_core_field_offset(struct cgroup___ids, ancestor_ids);
		bpf_probe_read_kernel(&id, sizeof(id), ids + level * sizeof(id));
		return id == conf->scope_id;
	}
	void *pointers = (void *)group + bpf_core_field_offset(struct cgroup___pointers, ancestors);
	ancestor = NULL;
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor), pointers + level * sizeof(ancestor));
	return ancestor && BPF_CORE_READ(ancestor, kn, id) == conf->scope_id;
}

static __always_inline bool is_mapped(const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;
	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

static __always_inline void set_mapped(__u8 *addr, __u32 ip4)
{
	__u32 *words = (__u32 *)addr;
	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = ip4;
}

static __always_inline void copy_addr(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, 16);
}

static __always_inline bool same_addr(const __u8 *a, const __u8 *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;
	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static __always_inline bool is_loopback(const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;
	if (is_mapped(addr))
		return addr[12] == 127;
	return words[0] == 0 && words[1] == 0 && words[2] == 0 && words[3] == bpf_htonl(1);
}

static __always_inline bool is_any(const __u8 *addr)
{
	const __u32 *words = (const __u32 *)addr;
	return words[0] == 0 && words[1] == 0 && words[3] == 0 && (words[2] == 0 || is_mapped(addr));
}

/* A flow without a TCP handshake to tell it by, or one that is refused. */
static __always_inline void tell_flow(const struct hl_socket *sock, __u8 action, __u8 reason)
{
	struct hl_flow_event event = {
		.who = sock->who, .id = sock->id, .route = sock->route, .port = sock->port,
		.action = action, .transport = sock->transport, .reason = reason, .flags = sock->flags,
	};
	copy_addr(event.addr, sock->addr);
	send_event(&event.head, HL_EV_FLOW, sizeof(event));
}

/* A UDP flow has ended, with its socket or because the socket turned to another destination. */
static __always_inline void end_datagrams(const struct hl_socket *sock)
{
	if (sock->transport != IPPROTO_UDP || !sock->id || !(sock->flags & HL_S_OPEN) || (sock->flags & HL_S_SELF) ||
	    sock->action == HL_DENY || (sock->route_flags & HL_R_QUIET))
		return;
	struct hl_flow_end_event *event = RESERVE_EVENT(HL_EV_FLOW_END, hl_flow_end_event);
	if (!event)
		return;
	event->id = sock->id;
	event->bytes_up = sock->bytes_up;
	event->bytes_down = sock->bytes_down;
	event->who = sock->who;
	event->route = sock->route;
	event->port = sock->port;
	event->transport = sock->transport;
	copy_addr(event->addr, sock->addr);
	bpf_ringbuf_submit(event, 0);
}
