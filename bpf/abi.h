/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the kernel half and user space agree on. Every struct here is read in TypeScript through
 * layouts generated from the compiled objects' BTF; a change that alters one raises HL_ABI,
 * which is part of the pin path, so that an old daemon's maps are never read with new eyes.
 *
 * Addresses are 16 bytes everywhere; IPv4 is written as the mapped address ::ffff:a.b.c.d.
 * Ports are in host byte order. Times are nanoseconds since boot, suspended time included.
 */
#pragma once

#define HL_ABI 2

#define HL_NAME 16
#define HL_PATH 108
#define HL_ARGV_MAX 4096
#define HL_FILENAME_MAX 256
#define HL_DNS_MAX 2048 /* a power of two; resolvers ask for 1232 (RFC 9715) */

enum hl_kind {
	HL_UNATTRIBUTED = 0,
	HL_SSH = 1,
	HL_CONSOLE = 2,
	HL_JOB = 3,
	HL_SERVICE = 4,
	HL_CRON = 5,
	HL_AT = 6,
	HL_USER_MANAGER = 7,
	HL_CONTAINER = 8,
	HL_SELF = 9,
};

enum hl_lineage_flag {
	HL_F_SPAWNER = 1,   /* each fork begins a new root of kind spawn_kind */
	HL_F_DAEMONIZE = 2, /* an sshd that will fork itself into the background first */
	HL_F_KNOWN = 4,     /* user space has heard of this process: report its exit */
	HL_F_INIT = 8,      /* keeps HL_F_SPAWNER across exec */
};

/* A process on this boot: pids are reused, pid and start time are not. */
struct hl_key {
	__u32 tgid;
	__u32 pad;
	__u64 start_ns;
};

struct hl_lineage {
	__u64 root;          /* the login, or the unattended root */
	struct hl_key owner; /* the process that executed the program this one runs */
	__u32 image;         /* which exec of the owner that was */
	__u32 execs;         /* of this process itself */
	__u8 kind;
	__u8 spawn_kind;
	__u8 flags;
	__u8 pad[5];
};

struct hl_root {
	struct hl_key leader; /* its end is the end of the session */
	__u32 live; /* processes, updated by atomic add */
	__u8 kind;
	__u8 pad[3];
};

/* Who does something, as frozen at the moment of doing. */
struct hl_who {
	struct hl_key proc;
	struct hl_key owner;
	__u64 root;
	__u32 image;
	__u32 uid;
	__u8 kind;
	__u8 pad[7];
};

enum hl_action { HL_INSPECT = 1, HL_DIRECT = 2, HL_DENY = 3 };

enum hl_route_flag {
	HL_R_QUIET = 1, /* no hop for it: loopback services of the host itself */
	HL_R_DNS = 2,   /* answers on this route name addresses */
};

struct hl_route_key {
	__u32 prefixlen; /* bits of everything below: 32 + address bits */
	__u8 generation;
	__u8 transport;
	__u8 port_hi;
	__u8 port_lo;
	__u8 addr[16];
};

struct hl_route {
	__u32 id;
	__u8 action;
	__u8 flags;
	__u8 prefix; /* address bits, 0..128 */
	__u8 pad;
};

/* A destination that was looked up before. */
struct hl_route_cache_key {
	__u32 table;
	__u8 transport;
	__u8 pad;
	__u16 port;
	__u8 addr[16];
};

enum hl_tally {
	HL_TALLY_LISTENERS = 0,   /* entries of the listeners map; the kernel's to count */
	HL_TALLY_REVOCATIONS = 1, /* entries of the revoked map; user space's */
	HL_TALLY_MAX = 2,
};

enum hl_config_flag {
	HL_C_PING = 1,    /* ping sockets are allowed */
	HL_C_READY = 2,   /* there is a routing table; before that nothing is decided */
	HL_C_OBSERVE = 4, /* sockets outside the allowlist are recorded, not refused */
	HL_C_SEEDED = 8,  /* processes from before the programs are known: one that is not came from nowhere */
};

struct hl_config {
	__u8 proxy4[16]; /* ::ffff:127.0.0.1 */
	__u8 proxy6[16];
	__u64 netns_cookie;
	__u64 epoch_us;    /* realtime minus boottime, set once when the map is made */
	__u64 scope_id;    /* cgroup id; 0 is the whole machine */
	__u64 build;       /* of the loaded programs */
	__u32 scope_level;
	__u32 self_tgid;
	__u16 proxy4_port;
	__u16 proxy6_port;
	__u32 table; /* number of the routing table; its low byte is the generation of its keys */
	__u8 flags;
	__u8 pad[3];
};

enum hl_socket_flag {
	HL_S_SELF = 1,
	HL_S_FIN_SENT = 2,
	HL_S_FIN_RECEIVED = 4,
	HL_S_LOST = 8, /* its flow record could not be written, or two claim one key */
	HL_S_OPEN = 16, /* reported to user space */
	HL_S_FOREIGN_NETNS = 32,
	HL_S_BEFORE = 64, /* was there before the programs were */
	HL_S_LISTENER = 128, /* route holds its network namespace */
};

struct hl_socket {
	struct hl_who who;
	__u64 id;
	__u64 bytes_up;
	__u64 bytes_down;
	__u32 route;
	__u16 port;
	__u8 action;
	__u8 transport;
	__u8 addr[16];
	__u8 route_flags;
	__u8 flags;
	__u8 pad[2];
	__u32 table; /* the routing table that it was decided by */
};

/* The client's end of a redirected connection, as the proxy sees it. */
struct hl_flow_key {
	__u8 addr[16];
	__u16 port;
	__u8 pad[6];
};

struct hl_flow {
	struct hl_who who;
	__u64 id;
	__u64 at_ns;
	__u32 route;
	__u16 port;
	__u8 transport;
	__u8 flags;
	__u8 addr[16];
};

/* Where a redirected connection was to go, by its local end. */
struct hl_peer {
	__u8 addr[16];
	__u16 port;
	__u8 pad[6];
};

struct hl_listener_key {
	__u8 addr[16];
	__u32 netns;
	__u16 port;
	__u16 pad;
};

struct hl_listener {
	struct hl_key proc;
	__u64 root;
	__u8 kind;
	__u8 pad[7];
};

/*
 * The TCP option of a SYN towards a peer: an experimental kind with an identifier of its own (RFC 4727, RFC 6994),
 * then a handle that is used once and its MAC. A SYN with MSS, SACK, timestamps and window scale has 20 bytes left.
 */
#define HL_HOP_KIND 254
#define HL_HOP_LENGTH 20
#define HL_HOP_MAGIC 18508 /* "HL", in the order of the wire */

struct hl_hop_option {
	__u8 kind;
	__u8 length;
	__u8 magic[2];
	__u8 handle[8];
	__u8 mac[8]; /* SipHash-2-4 of the handle */
};

/* A network of a peer: bits of the address, of which IPv4 is the last 32. */
struct hl_hop_network {
	__u32 prefixlen;
	__u8 addr[16];
};

/* By which this host signs handles towards a peer. */
struct hl_hop_key {
	__u64 k0;
	__u64 k1;
};

/* What a connecting socket writes into its SYN. */
struct hl_hop_sent {
	__u64 handle;
	__u64 mac;
	__u8 flagged; /* the callback flag is set for this alone */
	__u8 written; /* SYNs that had it */
	__u8 pad[6];
};

struct hl_hop_offer {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u8 pad[4];
	__u64 at_ns;
};

/* A connection to a listener of this host. */
struct hl_hop_ends {
	__u8 client[16];
	__u8 server[16];
	__u16 client_port;
	__u16 server_port;
};

/* The bytes of an option as they came: whose they are is for user space to find out. */
struct hl_hop_arrival {
	__u64 at_ns;
	__u8 handle[8];
	__u8 mac[8];
};

/* Not in hl_tally and hl_loss, which can't grow without another HL_ABI. */
enum hl_hop_tally {
	HL_HOP_NETWORKS = 0,  /* entries of hop_peers; user space's to count */
	HL_HOP_NO_ROOM = 1,   /* SYNs in which other options left no room */
	HL_HOP_LOST = 2,      /* connections without an option, or arrivals not kept, for want of memory */
	HL_HOP_UNSAVED = 3,   /* listeners of sshd that would not keep the SYN */
	HL_HOP_TALLY_MAX = 4,
};

enum hl_loss {
	HL_LOSS_EVENT = 0,   /* ring buffer full */
	HL_LOSS_LINEAGE = 1, /* a process could not be remembered */
	HL_LOSS_ROOT = 2,    /* a login could not be remembered */
	HL_LOSS_FLOW = 3,    /* a flow could not be written: the proxy refuses it */
	HL_LOSS_SOCKET = 4,  /* socket storage failed: the connect was refused */
	HL_LOSS_MAX = 5,
};

enum hl_event_type {
	HL_EV_ROOT = 1,
	HL_EV_ROOT_END = 2,
	HL_EV_EXEC = 3,
	HL_EV_EXIT = 4,
	HL_EV_FLOW = 5,
	HL_EV_FLOW_END = 6,
	HL_EV_HANDOFF = 7,
	HL_EV_SOCKET = 8,
	HL_EV_DNS = 9,
};

struct hl_event {
	__u64 at_ns;
	__u32 type;
	__u32 size;
};

struct hl_root_event {
	struct hl_event head;
	__u64 root;
	struct hl_key proc;
	struct hl_key parent;
	__u64 parent_root;
	__u8 kind;
	__u8 pad[7];
};

struct hl_exec_event {
	struct hl_event head;
	struct hl_who who;     /* owner is the process itself */
	struct hl_key parent;  /* the process that executed the program below which this one runs */
	__u32 parent_image;
	__u32 ppid;
	__u32 loginuid;
	__u32 sessionid;
	__u64 ino;
	__u32 dev;
	__u32 argv_bytes;      /* as executed */
	__u16 argv_len;        /* as kept */
	__u16 filename_len;
	__u8 deleted;
	__u8 pad[3];
	char name[64];         /* of the file that runs, from its directory entry */
	char data[HL_FILENAME_MAX + HL_ARGV_MAX]; /* the name given to execve, then argv */
};

struct hl_exit_event {
	struct hl_event head;
	struct hl_key proc;
	__u64 root;
	__u32 code; /* as wait(2) reports it */
	__u32 execs;
};

enum hl_reason {
	HL_ALLOWED = 0,
	HL_BY_ROUTE = 1,
	HL_REVOKED = 2,
	HL_NETNS = 3,    /* another network namespace: the proxy can't be reached from there */
	HL_PROXY = 4,    /* straight to the proxy's own port */
	HL_RESOURCES = 5,
	HL_NO_ROUTE = 6,
	HL_BACKSTOP = 7, /* a packet of a protocol or socket that no hook had seen */
	HL_DEVICE = 8,   /* bound to a device, and the kernel does not let go */
};

struct hl_flow_event {
	struct hl_event head;
	struct hl_who who;
	__u64 id;
	__u32 route;
	__u16 port;
	__u16 source_port;
	__u8 addr[16];
	__u8 source_addr[16];
	__u8 action;
	__u8 transport; /* IP protocol number */
	__u8 reason;
	__u8 flags;
	__u8 pad[4];
};

struct hl_flow_end_event {
	struct hl_event head;
	__u64 id;
	__u64 bytes_up;
	__u64 bytes_down;
	struct hl_who who;
	__u32 route;
	__u16 port;
	__u8 transport;
	__u8 unclaimed; /* redirected, and the proxy has not taken it (yet) */
	__u8 addr[16];
	__u8 source_addr[16];
	__u16 source_port;
	__u8 refused; /* the SYN was answered by a reset or by nothing: nobody will take it */
	__u8 pad[5];
};

struct hl_handoff_event {
	struct hl_event head;
	struct hl_who who;
	struct hl_key to;
	__u64 to_root;
	__u32 family; /* AF_UNIX; AF_INET for a loopback port, with the address in path */
	__u16 port;
	__u8 to_kind;
	__u8 path_len;
	char path[HL_PATH];  /* as the client named it */
	char bound[HL_PATH]; /* as the listener bound it, where that process has gone: ssh renames its socket */
	__u8 bound_len;
	__u8 pad[3];
};

struct hl_socket_event {
	struct hl_event head;
	struct hl_who who;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 refused;
};

struct hl_dns_event {
	struct hl_event head;
	__u64 root;
	__u32 len;
	__u32 pad;
	__u8 data[HL_DNS_MAX];
};

/* What the task iterator writes, one for each process. */
struct hl_task {
	struct hl_key proc;
	__u32 ppid;
	__u32 uid;
	__u32 loginuid;
	__u32 sessionid;
	__u8 in_scope;
	__u8 kernel_thread;
	__u8 executing; /* in the midst of execve: it may have another executable already, but not been told of it */
	__u8 pad[5];
	char comm[HL_NAME];
};
