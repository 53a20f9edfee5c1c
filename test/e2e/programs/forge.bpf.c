// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Puts given bytes into the SYNs of a cgroup's connections, as somebody does who has root on a machine of the network. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define LENGTH 20
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_ACK 0x10

/* Kind, length, magic, handle, MAC; a kind of 0 sends none. */
struct option {
	__u8 bytes[LENGTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct option);
} forged SEC(".maps");

static __always_inline bool is_syn(struct bpf_sock_ops *ctx)
{
	return (ctx->skb_tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

SEC("sockops")
int forge(struct bpf_sock_ops *ctx)
{
	struct option *option;
	__u32 zero = 0;

	option = bpf_map_lookup_elem(&forged, &zero);
	if (!option || option->bytes[0] == 0)
		return 1;
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		if (is_syn(ctx))
			bpf_reserve_hdr_opt(ctx, LENGTH, 0);
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		if (is_syn(ctx))
			bpf_store_hdr_opt(ctx, option, LENGTH, 0);
		break;
	}
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
