// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Lineage: which login each process descends from.
 *
 * A root (a login, or an unattended service or job) is minted at a fork, before the new process has run
 * one instruction, and everything below inherits it. Only a process that runs as root in the initial
 * user namespace and is not below any person's login can become a spawner of roots, so a user's own
 * `sshd -p 2222`, or a root shell's, stays in the tree of the login that started it.
 */
#include "common.h"

struct scratch {
	struct hl_exec_event exec;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} exec_scratch SEC(".maps");

static __always_inline bool add_root(__u64 id, __u8 kind, const struct hl_key *leader)
{
	struct hl_root root = { .leader = *leader, .live = 1, .kind = kind };
	if (bpf_map_update_elem(&roots, &id, &root, BPF_ANY)) {
		count_loss(HL_LOSS_ROOT);
		return false;
	}
	return true;
}

static __always_inline void leave_root(__u64 id)
{
	struct hl_root *root = bpf_map_lookup_elem(&roots, &id);
	if (!root)
		return;
	__sync_fetch_and_add(&root->live, -1);
	if (*(volatile __u32 *)&root->live != 0)
		return;
	/* Two last processes may both read 0; one delete succeeds. */
	if (bpf_map_delete_elem(&roots, &id))
		return;
	struct hl_root_event end = { .root = id };
	send_event(&end.head, HL_EV_ROOT_END, sizeof(end));
}

static __always_inline void tell_root(__u64 id, __u8 kind, const struct hl_key *proc, const struct hl_key *parent,
				      __u64 parent_root)
{
	struct hl_root_event event = { .root = id, .proc = *proc, .parent = *parent, .parent_root = parent_root, .kind = kind };
	send_event(&event.head, HL_EV_ROOT, sizeof(event));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct hl_key parent_key, child_key;
	struct hl_lineage *from, line;
	struct hl_config *conf;

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0;
	key_of(parent, &parent_key);
	from = bpf_map_lookup_elem(&lineage, &parent_key);
	if (!from)
		return 0;
	conf = get_config();
	if (!conf)
		return 0;
	key_of(child, &child_key);
	line = *from;
	line.execs = 0;
	line.flags &= ~HL_F_KNOWN;
	if (line.flags & HL_F_DAEMONIZE) {
		/* sshd without -D: the child is the listener, the parent is about to exit */
		line.flags = HL_F_SPAWNER;
		from->flags &= ~HL_F_DAEMONIZE;
	} else if (line.flags & HL_F_SPAWNER) {
		line.root = mint_id(conf);
		line.kind = line.spawn_kind;
		/* A job of cron or a service of init may fork again before it execs: each is a root of
		 * its own. An sshd child is one login, however it forks. */
		line.flags = HL_F_KNOWN | (line.spawn_kind == HL_SSH ? 0 : HL_F_SPAWNER);
		line.owner = child_key;
		line.image = 0;
		if (!add_root(line.root, line.kind, &child_key))
			return 0;
		if (bpf_map_update_elem(&lineage, &child_key, &line, BPF_ANY)) {
			count_loss(HL_LOSS_LINEAGE);
			leave_root(line.root);
			return 0;
		}
		tell_root(line.root, line.kind, &child_key, &parent_key, from->root);
		return 0;
	}
	if (bpf_map_update_elem(&lineage, &child_key, &line, BPF_ANY)) {
		count_loss(HL_LOSS_LINEAGE);
		return 0;
	}
	struct hl_root *root = bpf_map_lookup_elem(&roots, &line.root);
	if (root)
		__sync_fetch_and_add(&root->live, 1);
	return 0;
}

#define LETTER(c) (1ull << ((c) - 64))
#define STAYS (LETTER('D') | LETTER('d') | LETTER('t') | LETTER('T') | LETTER('R'))
#define TAKES_ARGUMENT                                                                                       \
	(LETTER('C') | LETTER('c') | LETTER('E') | LETTER('f') | LETTER('g') | LETTER('h') | LETTER('k') | \
	 LETTER('o') | LETTER('p') | LETTER('u'))

/*
 * sshd's own options (sshd(8)): does it stay in the foreground, or serve one connection that inetd or
 * systemd accepted? Reads clusters such as -De and passes over options' arguments. Written without
 * branches: a verifier that follows each of 192 characters both ways gives up.
 */
static __always_inline void sshd_options(const char *args, __u32 len, __u32 *foreground, __u32 *inetd)
{
	__u32 after_nul = 0, skip = 0, cluster = 0, took = 0, stays = 0, inet = 0;

	for (__u32 i = 0; i < 192; i++) {
		if (i >= len)
			break;
		__u32 c = (__u8)args[i];
		__u32 nul = (c - 1) >> 31;
		__u32 dash = ((c ^ '-') - 1) >> 31;
		__u32 letter = (c >> 6) & 1;
		__u64 index = (c - 64) & 63;

		cluster = (cluster & ~nul & ~took) | (after_nul & dash & ~skip);
		__u32 takes = (TAKES_ARGUMENT >> index) & letter & cluster;
		stays |= (STAYS >> index) & letter & cluster;
		inet |= (LETTER('i') >> index) & letter & cluster;
		skip = (nul & took) | (skip & ~nul);
		took = takes;
		after_nul = nul;
		barrier_var(cluster);
		barrier_var(stays);
		barrier_var(inet);
		barrier_var(skip);
		barrier_var(took);
		barrier_var(after_nul);
	}
	*foreground = stays & 1;
	*inetd = inet & 1;
}

static __always_inline bool may_spawn(struct task_struct *task, const struct hl_lineage *line)
{
	return !is_person(line->kind) && line->kind != HL_SELF && BPF_CORE_READ(task, cred, euid.val) == 0 &&
	       BPF_CORE_READ(task, cred, user_ns, level) == 0;
}

/* Gives the image's process a root of its own. */
static __always_inline void become_root(struct hl_config *conf, struct hl_lineage *line, const struct hl_key *key, __u8 kind)
{
	__u64 old = line->root, id = mint_id(conf);

	if (!add_root(id, kind, key))
		return;
	line->root = id;
	line->kind = kind;
	tell_root(id, kind, key, &line->owner, old);
	leave_root(old);
}

static __always_inline void consider_spawner(struct hl_config *conf, struct task_struct *task, struct hl_lineage *line,
					     const struct hl_key *key, struct hl_exec_event *event)
{
	char name[HL_NAME] = {};
	__u32 *kind;
	bool was = (line->flags & HL_F_SPAWNER) && line->spawn_kind == HL_SSH;

	if (!(line->flags & HL_F_INIT))
		line->flags &= ~(HL_F_SPAWNER | HL_F_DAEMONIZE);
	if (!may_spawn(task, line))
		return;
	__builtin_memcpy(name, event->name, HL_NAME - 1);
	kind = bpf_map_lookup_elem(&spawners, name);
	if (!kind)
		return;
	if (*kind == HL_CONSOLE) {
		become_root(conf, line, key, HL_CONSOLE);
		return;
	}
	line->spawn_kind = *kind;
	if (*kind != HL_SSH) {
		line->flags |= HL_F_SPAWNER;
		return;
	}
	__u32 foreground = 0, inetd = 0;
	__u32 at = event->filename_len & (HL_FILENAME_MAX - 1);
	sshd_options(event->data + at, event->argv_len, &foreground, &inetd);
	if (inetd)
		become_root(conf, line, key, HL_SSH);
	else if (foreground || was) /* a listener that SIGHUP made exec itself stays one */
		line->flags |= HL_F_SPAWNER;
	else
		line->flags |= HL_F_DAEMONIZE;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct hl_config *conf = get_config();
	__u32 zero = 0;
	struct scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	struct hl_lineage *line;
	struct hl_key key;

	if (!conf || !scratch)
		return 0;
	struct hl_exec_event *event = &scratch->exec;
	key_of(task, &key);
	line = bpf_map_lookup_elem(&lineage, &key);
	if (!line) {
		/* Nothing is known of how it came to be: a root that says so, never someone's login. */
		if (!(conf->flags & HL_C_SEEDED) || !in_scope(conf, task))
			return 0;
		struct hl_lineage fresh = { .owner = key, .kind = HL_UNATTRIBUTED };
		fresh.root = mint_id(conf);
		if (!add_root(fresh.root, HL_UNATTRIBUTED, &key))
			return 0;
		if (bpf_map_update_elem(&lineage, &key, &fresh, BPF_ANY)) {
			count_loss(HL_LOSS_LINEAGE);
			bpf_map_delete_elem(&roots, &fresh.root);
			return 0;
		}
		line = bpf_map_lookup_elem(&lineage, &key);
		if (!line)
			return 0;
		struct hl_key none = {};
		tell_root(line->root, HL_UNATTRIBUTED, &key, &none, 0);
	}
	if (line->kind == HL_SELF)
		return 0;

	event->parent = line->owner;
	event->parent_image = line->image;
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->loginuid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : -1;
	event->sessionid = bpf_core_field_exists(task->sessionid) ? BPF_CORE_READ(task, sessionid) : -1;

	struct file *file = BPF_CORE_READ(bprm, file);
	event->ino = BPF_CORE_READ(file, f_inode, i_ino);
	event->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	event->deleted = BPF_CORE_READ(file, f_inode, i_nlink) == 0;
	__builtin_memset(event->name, 0, sizeof(event->name));
	bpf_probe_read_kernel_str(event->name, sizeof(event->name), BPF_CORE_READ(file, f_path.dentry, d_name.name));

	long got = bpf_probe_read_kernel_str(event->data, HL_FILENAME_MAX - 1, BPF_CORE_READ(bprm, filename));
	__u32 named = got > 0 ? got : 0;
	event->filename_len = named;
	unsigned long start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	__u64 len = end > start ? end - start : 0;
	event->argv_bytes = len;
	if (len > HL_ARGV_MAX)
		len = HL_ARGV_MAX;
	barrier_var(len);
	if (len > HL_ARGV_MAX)
		len = HL_ARGV_MAX;
	barrier_var(named);
	named &= HL_FILENAME_MAX - 1;
	if (bpf_probe_read_user(event->data + named, len, (void *)start))
		len = 0;
	event->argv_len = len;

	line->execs += 1;
	consider_spawner(conf, task, line, &key, event);
	line->owner = key;
	line->image = line->execs;
	line->flags |= HL_F_KNOWN;
	fill_who(&event->who, &key, line);

	__u32 size = offsetof(struct hl_exec_event, data) + named + len;
	if (size > sizeof(*event))
		size = sizeof(*event);
	send_event(&event->head, HL_EV_EXEC, size);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct hl_lineage *line;
	struct hl_key key;

	/* signal->live has been lowered already: only the last thread goes on. Two that race may both
	 * read 0; the delete below lets one through. */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	key_of(task, &key);
	line = bpf_map_lookup_elem(&lineage, &key);
	if (!line)
		return 0;
	struct hl_exit_event event = { .proc = key, .root = line->root, .execs = line->execs };
	bool known = line->flags & HL_F_KNOWN;
	if (line->kind == HL_SELF)
		known = false;
	if (bpf_map_delete_elem(&lineage, &key))
		return 0;
	int code = BPF_CORE_READ(task, signal, group_exit_code);
	event.code = code ? code : BPF_CORE_READ(task, exit_code);
	if (known)
		send_event(&event.head, HL_EV_EXIT, sizeof(event));
	if (event.root)
		leave_root(event.root);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
