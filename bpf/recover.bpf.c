// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Recover: the processes that were there before the programs, with the exact start times that
 * /proc rounds to clock ticks.
 */
#include "common.h"

#define SEQ_WRITE(seq, what) bpf_seq_write(seq, what, sizeof(*(what)))

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct hl_config *conf = get_config();
	struct hl_task out = {};

	if (!task || !conf || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	/* A zombie has had its exit reported; it waits for its parent to read it. */
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		return 0;
	key_of(task, &out.proc);
	out.ppid = BPF_CORE_READ(task, real_parent, tgid);
	out.uid = BPF_CORE_READ(task, cred, uid.val);
	out.loginuid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : -1;
	out.sessionid = bpf_core_field_exists(task->sessionid) ? BPF_CORE_READ(task, sessionid) : -1;
	out.in_scope = in_scope(conf, task);
	out.kernel_thread = (BPF_CORE_READ(task, flags) & PF_KTHREAD) != 0;
	out.executing = bpf_core_field_exists(task->in_execve) ? BPF_CORE_READ_BITFIELD_PROBED(task, in_execve) : 1;
	BPF_CORE_READ_STR_INTO(&out.comm, task, comm);
	SEQ_WRITE(ctx->meta->seq, &out);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
