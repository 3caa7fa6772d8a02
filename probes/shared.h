// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What user space and the programs share, and the maps that hold it. */
#define NOBODY 0xffffffffu
#define BUCKETS 160
#define SYSCALLS 512
#define THREADS 4096
#define SECOND 1000000000ull
#define DEEPEST 32 /* MAX_PID_NS_LEVEL */

enum call { SEND, RECEIVE, WAIT, SYNC, CALLS };
enum happening_kind { OPENED, CLOSED, RETRANSMIT, RESET_SENT, RESET_RECEIVED, OVERFLOW, FULL };

/* `.data`: written by user space, but for `target`, which ends with the process. */
struct control {
	__u32 target; /* thread group, by its number in the kernel's first PID namespace */
	__u32 tracing; /* somebody wants a record of each call */
	__u32 timing; /* sys_enter and sys_exit are attached */
	__u32 wanted_pid; /* for `find_process`: this number … */
	__u32 wanted_namespace; /* … in the PID namespace with this inode */
} control = {.target = NOBODY};

/* `.bss`: written by the kernel. */
struct losses {
	__u64 happenings; /* that did not fit into their ring */
	__u64 calls; /* records of calls, likewise */
	__u64 missed; /* calls on sockets that were counted in `figures` alone */
} losses = {};

struct call_figures {
	__u64 count;
	__u64 bytes;
	__u64 failed;
	__u64 again;
	__u64 timed;
	__u64 timed_failed;
	__u64 sizes[BUCKETS];
	__u64 took[BUCKETS];
};

/* Of all sockets together, those that are gone too. */
struct socket_sums {
	__u64 short_sends;
	__u64 full; /* nanoseconds */
	__u64 retransmits;
	__u64 overflows;
	__u64 resets_sent;
	__u64 resets_received;
	__u64 state_changes;
};

struct figures {
	struct call_figures calls[CALLS];
	__u64 waits[BUCKETS];
	struct socket_sums sockets;
};

struct socket_counts {
	__u64 sends;
	__u64 short_sends;
	__u64 send_bytes;
	__u64 receives;
	__u64 receive_bytes;
	__u64 asked; /* bytes, of the send that is under way; 0: not known */
	__u64 full; /* nanoseconds with a full send queue, up to `full_since` */
	__u64 full_since; /* 0: it is not full */
	__u64 overflows;
	__u64 resets_sent;
	__u64 resets_received;
	__u64 state_changes; /* from `established` on, which counts as the first */
	__u64 told_full; /* when it was told last, */
	__u64 told_retransmit;
	__u64 told_overflow;
	__u32 retransmits; /* and how many came since */
	__u32 overflows_untold;
};

struct socket_row {
	__u64 cookie;
	__u64 sends;
	__u64 short_sends;
	__u64 send_bytes;
	__u64 receives;
	__u64 receive_bytes;
	__u64 full;
	__u64 overflows;
	__u64 resets_sent;
	__u64 resets_received;
	__u64 state_changes;
};

struct happening {
	__u64 at; /* CLOCK_MONOTONIC */
	__u64 cookie;
	__u32 times;
	__u16 family;
	__u16 local_port;
	__u16 peer_port;
	__u8 kind;
	__u8 before; /* TCP's states */
	__u8 after;
	__u8 spare[3];
	__u8 local[16];
	__u8 peer[16];
};

struct call_record {
	__u64 at; /* when it ended */
	__u64 cookie; /* 0: no socket */
	__s64 result; /* bytes, or -errno */
	__u64 took; /* 0: not known */
	__s32 fd; /* -1: not known */
	__u32 kind;
};

/* `.rodata`: written before the programs are loaded. */
const volatile struct settings {
	__u8 call_of[SYSCALLS]; /* by the number of a system call: its kind, from 1 on; 0: not of interest */
	/* None of them: so that the object's BTF describes what goes through rings and iterators. */
	struct happening happening[0];
	struct call_record call_record[0];
	struct socket_row socket_row[0];
} settings = {};

/* What a thread is at. Found by its number, in memory of its own: nothing is allocated at a switch of tasks. */
struct thread {
	__u64 run_delay;
	__u64 began;
	__u64 cookie;
	__s32 fd;
	__u32 kind; /* from 1 on; 0: it is in no call of interest */
	__u32 socket; /* the call went into a socket */
	__u32 spare;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct figures);
} figures SEC(".maps");

/* A listening socket's goes on to those that it accepts (CLONE), so these are known before anything is sent. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct socket_counts);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} happenings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} calls SEC(".maps");
