// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Never loaded: compiled so that its BTF holds every struct and enum of the ABI for the layouts. */
#include <linux/types.h>
#include "abi.h"

#define KEEP_STRUCT(name) const struct name *keep_##name
#define KEEP_ENUM(name) const enum name keep_##name = 0

KEEP_STRUCT(hl_key);
KEEP_STRUCT(hl_lineage);
KEEP_STRUCT(hl_root);
KEEP_STRUCT(hl_who);
KEEP_STRUCT(hl_route_key);
KEEP_STRUCT(hl_route);
KEEP_STRUCT(hl_config);
KEEP_STRUCT(hl_flow_key);
KEEP_STRUCT(hl_flow);
KEEP_STRUCT(hl_peer);
KEEP_STRUCT(hl_listener_key);
KEEP_STRUCT(hl_listener);
KEEP_STRUCT(hl_hop_option);
KEEP_STRUCT(hl_hop_network);
KEEP_STRUCT(hl_hop_key);
KEEP_STRUCT(hl_hop_offer);
KEEP_STRUCT(hl_hop_ends);
KEEP_STRUCT(hl_hop_arrival);
KEEP_STRUCT(hl_event);
KEEP_STRUCT(hl_root_event);
KEEP_STRUCT(hl_exec_event);
KEEP_STRUCT(hl_exit_event);
KEEP_STRUCT(hl_flow_event);
KEEP_STRUCT(hl_flow_end_event);
KEEP_STRUCT(hl_handoff_event);
KEEP_STRUCT(hl_socket_event);
KEEP_STRUCT(hl_dns_event);
KEEP_STRUCT(hl_task);

KEEP_ENUM(hl_tally);
KEEP_ENUM(hl_hop_tally);
KEEP_ENUM(hl_kind);
KEEP_ENUM(hl_lineage_flag);
KEEP_ENUM(hl_action);
KEEP_ENUM(hl_route_flag);
KEEP_ENUM(hl_config_flag);
KEEP_ENUM(hl_socket_flag);
KEEP_ENUM(hl_loss);
KEEP_ENUM(hl_event_type);
KEEP_ENUM(hl_reason);
