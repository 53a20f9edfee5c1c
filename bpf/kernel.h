/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The few kernel structures that the programs read, with only the members they use. CO-RE finds the
 * members' real offsets in the running kernel's BTF, so this stands in for a generated vmlinux.h
 * and the objects build on a machine of any kernel.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
struct nsproxy {
	struct net *net_ns;
};
struct user_namespace {
	int level;
};
struct cred {
	kuid_t uid;
	kuid_t euid;
	struct user_namespace *user_ns;
};
struct kernfs_node {
	__u64 id;
};
struct cgroup {
	int level;
	struct kernfs_node *kn;
};
/* before Linux 6.1 */
struct cgroup___ids {
	__u64 ancestor_ids[0];
};
/* Linux 6.1 and later */
struct cgroup___pointers {
	struct cgroup *ancestors[0];
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
	int group_exit_code;
};
struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};
struct qstr {
	const unsigned char *name;
};
struct super_block {
	__u32 s_dev;
};
struct inode {
	unsigned long i_ino;
	unsigned int i_nlink;
	struct super_block *i_sb;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct linux_binprm {
	struct file *file;
	const char *filename;
};
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct upid {
	int nr;
};
struct pid {
	struct hlist_head tasks[4];
	struct upid numbers[1];
};
struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	__u64 start_boottime;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct signal_struct *signal;
	const struct cred *cred;
	struct css_set *cgroups;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct hlist_node pid_links[4];
	kuid_t loginuid;
	unsigned int sessionid;
	unsigned int in_execve : 1;
	int exit_code;
	char comm[16];
};

typedef struct {
	struct net *net;
} possible_net_t;
struct in6_addr_kernel {
	__u8 bytes[16];
};
struct sock_common {
	unsigned short skc_family;
	__u32 skc_rcv_saddr;
	__u16 skc_num;
	possible_net_t skc_net;
	struct {
		__u8 bytes[16];
	} skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	struct pid *sk_peer_pid;
};
struct socket {
	struct sock *sk;
};
struct unix_address {
	int len;
	struct {
		char bytes[110];
	} name[0];
};
struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#define PIDTYPE_TGID 1
#define PF_KTHREAD 0x00200000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_VSOCK 40
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_IGMP 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define IPPROTO_MPTCP 262
#define SOL_TCP 6
#define TCP_SAVE_SYN 27
#define SOL_SOCKET 1
#define SO_BINDTODEVICE 25
#define SO_BINDTOIFINDEX 62
