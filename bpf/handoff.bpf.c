// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Handoff: a Unix socket by which one tree has another do something for it (a tmux server, a
 * ControlMaster, an agent, a container engine).
 *
 * Known gap: a connect that io_uring makes does not pass the system call's tracepoints.
 */
#include "common.h"

struct sys_enter_connect {
	__u64 common;
	long number;
	__u64 fd;
	__u64 address;
	__u64 length;
};

struct sys_enter_socket {
	__u64 common;
	long number;
	__u64 family;
	__u64 type;
	__u64 protocol;
};

struct sys_exit {
	__u64 common;
	long number;
	long result;
};

struct attempt {
	__u32 fd;
	__u16 family;
	__u16 len;
	char path[HL_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_connect")
int enter_connect(struct sys_enter_connect *ctx)
{
	struct attempt attempt = { .fd = ctx->fd };
	__u64 thread = current_thread();
	__u64 length = ctx->length;

	if (length < 3 || length > 2 + HL_PATH)
		return 0;
	if (bpf_probe_read_user(&attempt.family, sizeof(attempt.family), (void *)ctx->address))
		return 0;
	if (attempt.family != AF_UNIX)
		return 0;
	length -= 2;
	barrier_var(length);
	if (length > HL_PATH)
		return 0;
	if (bpf_probe_read_user(attempt.path, length, (void *)ctx->address + 2))
		return 0;
	attempt.len = length;
	bpf_map_update_elem(&attempts, &thread, &attempt, BPF_ANY);
	return 0;
}

static __always_inline struct socket *socket_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file ? BPF_CORE_READ(file, private_data) : NULL;
}

SEC("tracepoint/syscalls/sys_exit_connect")
int exit_connect(struct sys_exit *ctx)
{
	__u64 thread = current_thread();
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);
	struct hl_handoff_event event = {};
	struct hl_config *conf = get_config();
	struct hl_key key;

	if (!attempt)
		return 0;
	if (ctx->result != 0 || !conf || !(conf->flags & HL_C_READY))
		goto out;
	struct hl_lineage *line = lineage_of_current(&key);
	if (!line || line->kind == HL_SELF)
		goto out;
	/* The credentials of the process that called listen(); an ssh-agent forked after that, so the
	 * pid may be gone: user space then looks for who holds the listening socket. */
	struct socket *socket = socket_of((struct task_struct *)bpf_get_current_task(), attempt->fd);
	struct pid *peer = BPF_CORE_READ(socket, sk, sk_peer_pid);
	if (!peer)
		goto out;
	event.to.tgid = BPF_CORE_READ(peer, numbers[0].nr);
	struct hlist_node *first = BPF_CORE_READ(peer, tasks[PIDTYPE_TGID].first);
	if (first) {
		struct task_struct *task = (void *)first - bpf_core_field_offset(struct task_struct, pid_links) -
					   PIDTYPE_TGID * sizeof(struct { void *a, *b; });
		key_of(task, &event.to);
		struct hl_lineage *to = bpf_map_lookup_elem(&lineage, &event.to);
		if (to) {
			if (to->root == line->root)
				goto out;
			event.to_root = to->root;
			event.to_kind = to->kind;
		}
	}
	if (!is_person(line->kind) && !is_person(event.to_kind))
		goto out;
	line->flags |= HL_F_KNOWN;
	fill_who(&event.who, &key, line);
	event.family = AF_UNIX;
	event.path_len = attempt->len;
	__builtin_memcpy(event.path, attempt->path, HL_PATH);
	send_event(&event.head, HL_EV_HANDOFF, sizeof(event));
out:
	bpf_map_delete_elem(&attempts, &thread);
	return 0;
}

/* Families that leave the host below or beside the hooks above; a hook can't stop them, so they are told. */
SEC("tracepoint/syscalls/sys_enter_socket")
int enter_socket(struct sys_enter_socket *ctx)
{
	__u32 family = ctx->family;
	struct hl_config *conf = get_config();
	struct hl_key key;

	/* AF_PACKET, AF_RDS, AF_CAN, AF_TIPC, AF_BLUETOOTH, AF_VSOCK, AF_SMC, AF_XDP */
	if (family != 17 && family != 21 && family != 29 && family != 30 && family != 31 && family != AF_VSOCK && family != 43 &&
	    family != 44)
		return 0;
	if (!conf || !(conf->flags & HL_C_READY) || !in_scope(conf, (struct task_struct *)bpf_get_current_task()))
		return 0;
	struct hl_lineage *line = lineage_of_current(&key);
	if (line && line->kind == HL_SELF)
		return 0;
	if (line)
		line->flags |= HL_F_KNOWN;
	struct hl_socket_event event = { .family = family, .type = ctx->type & 0xf, .protocol = ctx->protocol };
	fill_who(&event.who, &key, line);
	send_event(&event.head, HL_EV_SOCKET, sizeof(event));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
