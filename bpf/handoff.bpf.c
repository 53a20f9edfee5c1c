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
	__u64 thread = bpf_get_current_pid_tgid();
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

/* Who listens at the other end, if the process is still there: the one that called listen(). */
static __always_inline struct task_struct *task_of(struct pid *pid)
{
	struct hlist_node *first = BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first);

	if (!first)
		return NULL;
	return (void *)first - bpf_core_field_offset(struct task_struct, pid_links) - PIDTYPE_TGID * sizeof(struct { void *a, *b; });
}

/* The accepting end shares the listener's address: the name as it was bound, which ssh renames later. */
static __always_inline void bound_name(struct socket *socket, struct hl_handoff_event *event)
{
	struct unix_sock *near = (struct unix_sock *)BPF_CORE_READ(socket, sk);
	struct unix_sock *far = (struct unix_sock *)BPF_CORE_READ(near, peer);
	struct unix_address *address = far ? BPF_CORE_READ(far, addr) : NULL;
	__u32 len = address ? BPF_CORE_READ(address, len) : 0;

	if (len <= 2 || len > 2 + HL_PATH)
		return;
	event->bound_len = len - 2;
	bpf_probe_read_kernel(event->bound, HL_PATH, (void *)address + bpf_core_field_offset(struct unix_address, name) + 2);
}

static __always_inline void connected(struct attempt *attempt)
{
	struct hl_key key, to = {};
	__u64 to_root = 0;
	__u8 to_kind = HL_UNATTRIBUTED;
	struct hl_lineage *line = lineage_of_current(&key);

	if (!line || line->kind == HL_SELF)
		return;
	struct socket *socket = socket_of((struct task_struct *)bpf_get_current_task(), attempt->fd);
	struct pid *peer = BPF_CORE_READ(socket, sk, sk_peer_pid);
	if (!peer)
		return;
	struct task_struct *task = task_of(peer);
	if (task) {
		key_of(task, &to);
		struct hl_lineage *server = bpf_map_lookup_elem(&lineage, &to);
		if (server) {
			if (server->root == line->root)
				return;
			to_root = server->root;
			to_kind = server->kind;
		}
	}
	/* A server that forked after listen() (ssh-agent, ssh -f) can't be told from here. */
	if (!is_person(line->kind) && !is_person(to_kind))
		return;
	struct hl_handoff_event *event = RESERVE_EVENT(HL_EV_HANDOFF, hl_handoff_event);
	if (!event)
		return;
	line->flags |= HL_F_KNOWN;
	fill_who(&event->who, &key, line);
	event->to = to;
	event->to.tgid = BPF_CORE_READ(peer, numbers[0].nr);
	event->to_root = to_root;
	event->to_kind = to_kind;
	event->family = AF_UNIX;
	event->path_len = attempt->len;
	__builtin_memcpy(event->path, attempt->path, HL_PATH);
	if (!task)
		bound_name(socket, event);
	bpf_ringbuf_submit(event, 0);
}

SEC("tracepoint/syscalls/sys_exit_connect")
int exit_connect(struct sys_exit *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);
	struct hl_config *conf = get_config();

	if (!attempt)
		return 0;
	if (ctx->result == 0 && conf && (conf->flags & HL_C_READY))
		connected(attempt);
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
