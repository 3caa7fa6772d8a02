// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the kernel is asked to count of one server: see README.md beside this file.
 *
 * One process is observed: `control.target`. What is frequent is added up here, in `figures` (per processor) and
 * in `sockets` (with each socket, freed with it); what is rare is told through a ring buffer. Neither payload
 * bytes nor kernel addresses go out. src/hubbub/observe/kernel/layouts.py has the same structs for Python; a
 * test holds both together.
 */
#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The kernel lends most of its helpers to programs alone that may be had under the GPL, as these may. */
char LICENSE[] SEC("license") = "GPL";

#define NOBODY 0xffffffffu
#define BUCKETS 160
#define SYSCALLS 512
#define THREADS 4096
#define SECOND 1000000000ull
#define DEEPEST 32 /* MAX_PID_NS_LEVEL */

enum call { SEND, RECEIVE, WAIT, SYNC, CALLS };
enum happening_kind { OPENED, CLOSED, RETRANSMIT, RESET_SENT, RESET_RECEIVED, OVERFLOW, FULL };

/* ---- what user space and kernel share */

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

struct figures {
	struct call_figures calls[CALLS];
	__u64 waits[BUCKETS];
};

struct socket_counts {
	__u64 sends;
	__u64 short_sends;
	__u64 send_bytes;
	__u64 receives;
	__u64 receive_bytes;
	__u64 full; /* nanoseconds with a full send queue, up to `full_since` */
	__u64 full_since; /* 0: it is not full */
	__u64 overflows;
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

/* ---- registers, by the names that a processor has for them: one object for all of these */

static __always_inline __s64 first_argument(void *regs)
{
	if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->di))
		return BPF_CORE_READ((struct pt_regs___x86 *)regs, di);
	if (bpf_core_field_exists(((struct pt_regs___arm64 *)0)->orig_x0))
		return BPF_CORE_READ((struct pt_regs___arm64 *)regs, orig_x0);
	return -1;
}

static __always_inline __s64 result_of(void *regs)
{
	if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->ax))
		return BPF_CORE_READ((struct pt_regs___x86 *)regs, ax);
	if (bpf_core_field_exists(((struct pt_regs___arm64 *)0)->regs))
		return BPF_CORE_READ((struct pt_regs___arm64 *)regs, regs[0]);
	return 0;
}

/* ---- counting */

#define ADD(place, number) __sync_fetch_and_add(&(place), (number))

static __always_inline bool ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == *(volatile __u32 *)&control.target;
}

static __always_inline struct figures *here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&figures, &zero);
}

/* Four buckets for each power of two: buckets.py has the same. */
static __always_inline __u32 bucket_of(__u64 value)
{
	__u64 rest = value;
	__u32 power = 0, bucket;

	if (value < 4)
		return value;
	if (rest >> 32) {
		power += 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		power += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		power += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		power += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		power += 2;
		rest >>= 2;
	}
	power += rest >> 1;
	bucket = (power - 1) * 4 + ((value >> (power - 2)) & 3);
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static __always_inline void count_in(__u64 *buckets, __u64 value)
{
	__u32 bucket = bucket_of(value);

	/* The verifier does not follow the arithmetic above, and the compiler must not think that it does. */
	barrier_var(bucket);
	if (bucket < BUCKETS)
		buckets[bucket]++;
}

static __always_inline bool is_inet(const struct sock *sk)
{
	unsigned short family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6;
}

/* ---- telling */

static __always_inline void tell(struct sock *sk, enum happening_kind kind, __u32 times, __u8 before, __u8 after)
{
	struct happening *told = bpf_ringbuf_reserve(&happenings, sizeof(*told), 0);
	const struct sock_common *of = &sk->__sk_common;

	if (!told) {
		ADD(losses.happenings, 1);
		return;
	}
	__builtin_memset(told, 0, sizeof(*told));
	told->at = bpf_ktime_get_ns();
	told->cookie = bpf_get_socket_cookie(sk);
	told->times = times;
	told->kind = kind;
	told->before = before;
	told->after = after;
	told->family = of->skc_family;
	told->local_port = of->skc_num;
	told->peer_port = __builtin_bswap16(of->skc_dport);
	if (told->family == AF_INET6) {
		bpf_probe_read_kernel(told->local, 16, &of->skc_v6_rcv_saddr);
		bpf_probe_read_kernel(told->peer, 16, &of->skc_v6_daddr);
	} else {
		*(__u32 *)told->local = of->skc_rcv_saddr;
		*(__u32 *)told->peer = of->skc_daddr;
	}
	bpf_ringbuf_submit(told, BPF_RB_NO_WAKEUP);
}

/* At most once a second of each socket: a line in trouble must not crowd out all others'. */
static __always_inline bool is_due(__u64 *told)
{
	__u64 now = bpf_ktime_get_ns();

	if (*told && now - *told < SECOND)
		return false;
	*told = now;
	return true;
}

static __always_inline void trace(enum call kind, __u64 cookie, __s32 fd, __s64 result, __u64 now, __u64 took)
{
	struct call_record *record = bpf_ringbuf_reserve(&calls, sizeof(*record), 0);

	if (!record) {
		ADD(losses.calls, 1);
		return;
	}
	record->at = now;
	record->cookie = cookie;
	record->result = result;
	record->took = took;
	record->fd = fd;
	record->kind = kind;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* ---- into sockets, and out of them */

static __always_inline void count_send(struct sock *sk, int result)
{
	struct socket_counts *counts = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!counts) {
		ADD(losses.missed, 1);
		return;
	}
	ADD(counts->sends, 1);
	if (result > 0)
		ADD(counts->send_bytes, result);
	/* The flag alone would not do: a poll sets it, too, when two thirds of the queue are in use. */
	if (result == -EAGAIN || (sk->sk_wmem_queued >= sk->sk_sndbuf && sk->sk_socket->flags & (1 << SOCK_NOSPACE))) {
		ADD(counts->short_sends, 1);
		if (!counts->full_since) {
			counts->full_since = bpf_ktime_get_ns();
			if (is_due(&counts->told_full))
				tell(sk, FULL, 1, 0, 0);
		}
	} else if (counts->full_since) {
		counts->full += bpf_ktime_get_ns() - counts->full_since;
		counts->full_since = 0;
	}
}

static __always_inline void count_receive(struct sock *sk, int result)
{
	struct socket_counts *counts = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!counts) {
		ADD(losses.missed, 1);
		return;
	}
	ADD(counts->receives, 1);
	if (result > 0)
		ADD(counts->receive_bytes, result);
}

static __always_inline void count_call(enum call kind, int result, bool moved)
{
	struct figures *all = here();
	struct call_figures *of;

	if (!all)
		return;
	of = &all->calls[kind];
	ADD(of->count, 1);
	if (result == -EAGAIN) {
		ADD(of->again, 1);
	} else if (result < 0) {
		ADD(of->failed, 1);
	} else if (moved) {
		ADD(of->bytes, result);
		count_in(of->sizes, result);
	}
}

/* For sys_exit: the call that this thread is in went into a socket. */
static __always_inline void mark(struct sock *sk, enum call kind, int result)
{
	if (*(volatile __u32 *)&control.timing) {
		__u32 tid = bpf_get_current_pid_tgid();
		struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

		if (thread && thread->kind == kind + 1) {
			thread->socket = 1;
			if (*(volatile __u32 *)&control.tracing)
				thread->cookie = bpf_get_socket_cookie(sk);
			return;
		}
	}
	if (*(volatile __u32 *)&control.tracing)
		trace(kind, bpf_get_socket_cookie(sk), -1, result, bpf_ktime_get_ns(), 0);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int result, int flags)
{
	if (!ours())
		return 0;
	count_call(SEND, result, true);
	if (is_inet(sk))
		count_send(sk, result);
	mark(sk, SEND, result);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int result, int flags)
{
	bool moved = !(flags & MSG_PEEK);

	if (!ours())
		return 0;
	count_call(RECEIVE, result, moved);
	if (is_inet(sk))
		count_receive(sk, moved ? result : 0);
	mark(sk, RECEIVE, result);
	return 0;
}

/* For kernels before 6.3, which have no sock_send_length: TCP alone. What was only looked at (MSG_PEEK) is
 * counted as received there. */
static __always_inline int sent(struct sock *sk, int result)
{
	if (!ours())
		return 0;
	count_call(SEND, result, true);
	count_send(sk, result);
	mark(sk, SEND, result);
	return 0;
}

static __always_inline int received(struct sock *sk, int result)
{
	if (!ours())
		return 0;
	count_call(RECEIVE, result, true);
	count_receive(sk, result);
	mark(sk, RECEIVE, result);
	return 0;
}

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size, int result)
{
	return sent(sk, result);
}

/* By sendfile, a page at a time; since 6.5 that goes by tcp_sendmsg, too. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_sendpage, struct sock *sk, struct page *page, int offset, unsigned long size, int flags, int result)
{
	return sent(sk, result);
}

/* How many arguments it has, changed in 5.19: the result is asked for. */
SEC("fexit/tcp_recvmsg")
int tcp_recvmsg(__u64 *context)
{
	struct sock *sk = (void *)context[0];
	__u64 result = 0;

	if (bpf_get_func_ret(context, &result))
		return 0;
	return received(sk, (int)result);
}

/* Where functions cannot be traced but kprobes can: sums alone, since a kprobe may not touch a socket's own. */
SEC("kretprobe/tcp_sendmsg")
int tcp_sendmsg_returns(void *regs)
{
	if (ours())
		count_call(SEND, (int)result_of(regs), true);
	return 0;
}

SEC("kretprobe/tcp_sendpage")
int tcp_sendpage_returns(void *regs)
{
	if (ours())
		count_call(SEND, (int)result_of(regs), true);
	return 0;
}

SEC("kretprobe/tcp_recvmsg")
int tcp_recvmsg_returns(void *regs)
{
	if (ours())
		count_call(RECEIVE, (int)result_of(regs), true);
	return 0;
}

/* ---- how long calls take */

static __always_inline void enter(enum call kind, __s32 fd, bool socket)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (!thread) {
		struct thread fresh = {};

		bpf_map_update_elem(&threads, &tid, &fresh, BPF_NOEXIST);
		thread = bpf_map_lookup_elem(&threads, &tid);
		if (!thread)
			return;
	}
	thread->fd = fd;
	thread->cookie = 0;
	thread->socket = socket;
	thread->kind = kind + 1;
	thread->began = bpf_ktime_get_ns();
}

static __always_inline void leave(__s64 result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);
	__u64 now, took;
	__u32 kind;

	if (!thread || !thread->kind)
		return;
	kind = thread->kind - 1;
	thread->kind = 0;
	if (kind >= CALLS || (kind <= RECEIVE && !thread->socket))
		return;
	now = bpf_ktime_get_ns();
	took = now - thread->began;
	struct figures *all = here();
	if (!all)
		return;
	barrier_var(kind); /* the verifier has forgotten what was compared, the compiler has not */
	struct call_figures *of = &all->calls[kind & (CALLS - 1)];
	ADD(of->timed, 1);
	if (kind > RECEIVE && result < 0)
		ADD(of->timed_failed, 1);
	count_in(of->took, took);
	if (*(volatile __u32 *)&control.tracing)
		trace(kind, thread->cookie, thread->fd, result, now, took);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long number)
{
	__u32 kind;

	if (number < 0 || number >= SYSCALLS)
		return 0;
	kind = settings.call_of[number];
	if (!kind || !ours())
		return 0;
	enter(kind - 1, *(volatile __u32 *)&control.tracing ? first_argument(regs) : -1, false);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result)
{
	if (ours())
		leave(result);
	return 0;
}

/* Where there is no sys_enter, but kprobes are. Nobody tells of which socket they are. */
SEC("kprobe/__sys_sendmsg")
int sys_sendmsg(void *regs)
{
	if (ours())
		enter(SEND, first_argument(regs), true);
	return 0;
}

SEC("kretprobe/__sys_sendmsg")
int sys_sendmsg_returns(void *regs)
{
	if (ours())
		leave(result_of(regs));
	return 0;
}

SEC("kprobe/__sys_recvmsg")
int sys_recvmsg(void *regs)
{
	if (ours())
		enter(RECEIVE, first_argument(regs), true);
	return 0;
}

SEC("kretprobe/__sys_recvmsg")
int sys_recvmsg_returns(void *regs)
{
	if (ours())
		leave(result_of(regs));
	return 0;
}

/* ---- threads */

/* `run_delay` is all that a thread has waited so far. It grows when a thread gets a processor, so what it has
 * grown by is seen when the thread gives the processor up again. */
SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempted, struct task_struct *before, struct task_struct *after)
{
	struct figures *all;
	struct thread *thread;
	__u64 delay;
	__u32 tid;

	if ((__u32)before->tgid != *(volatile __u32 *)&control.target)
		return 0;
	tid = before->pid;
	delay = before->sched_info.run_delay;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread) {
		struct thread fresh = {.run_delay = delay};

		/* Once more after its end: who would forget it then? */
		if (!(before->flags & PF_EXITING))
			bpf_map_update_elem(&threads, &tid, &fresh, BPF_NOEXIST);
		return 0;
	}
	all = here();
	if (all && thread->run_delay)
		count_in(all->waits, delay - thread->run_delay);
	thread->run_delay = delay;
	return 0;
}

/* A number may be another process's later: nothing of that one is counted. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u32 tid;

	if ((__u32)task->tgid != *(volatile __u32 *)&control.target)
		return 0;
	tid = task->pid;
	bpf_map_delete_elem(&threads, &tid);
	if (task->signal->live.counter == 0)
		control.target = NOBODY;
	return 0;
}

/* ---- what is rare */

static __always_inline struct socket_counts *known(struct sock *sk)
{
	return bpf_sk_storage_get(&sockets, sk, 0, 0);
}

/* A socket of ours is known from listen() or connect() on, one that is accepted from its listener. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int before, int after)
{
	if (after == TCP_LISTEN || after == TCP_SYN_SENT) {
		if (ours())
			bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		return 0;
	}
	if (after != TCP_ESTABLISHED && before != TCP_ESTABLISHED)
		return 0;
	if (known(sk))
		tell(sk, after == TCP_ESTABLISHED ? OPENED : CLOSED, 1, before, after);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk, struct sk_buff *packet)
{
	struct socket_counts *counts = known(sk);

	if (!counts)
		return 0;
	counts->retransmits++;
	if (is_due(&counts->told_retransmit)) {
		tell(sk, RETRANSMIT, counts->retransmits, 0, 0);
		counts->retransmits = 0;
	}
	return 0;
}

/* A reset that answers no connection has no socket. */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk, struct sk_buff *packet)
{
	if (sk && known(sk))
		tell(sk, RESET_SENT, 1, 0, 0);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk)
{
	if (known(sk))
		tell(sk, RESET_RECEIVED, 1, 0, 0);
	return 0;
}

SEC("tp_btf/sock_rcvqueue_full")
int BPF_PROG(sock_rcvqueue_full, struct sock *sk, struct sk_buff *packet)
{
	struct socket_counts *counts = known(sk);

	if (!counts)
		return 0;
	ADD(counts->overflows, 1);
	counts->overflows_untold++;
	if (is_due(&counts->told_overflow)) {
		tell(sk, OVERFLOW, counts->overflows_untold, 0, 0);
		counts->overflows_untold = 0;
	}
	return 0;
}

/* ---- asked for by user space */

/* Which number has a process in the kernel's first PID namespace? The answer is at most one. */
SEC("iter/task")
int find_process(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct pid *pid;
	__u32 level, depth, tgid;

	if (!task || task->pid != task->tgid)
		return 0;
	pid = task->thread_pid;
	if (!pid)
		return 0;
	depth = pid->level;
	for (level = 0; level <= DEEPEST; level++) {
		char *number;
		struct pid_namespace *namespace = 0;
		int nr = 0;

		if (level > depth)
			break;
		number = (char *)pid + bpf_core_field_offset(struct pid, numbers)
			 + level * bpf_core_type_size(struct upid);
		bpf_probe_read_kernel(&nr, sizeof(nr), number + bpf_core_field_offset(struct upid, nr));
		bpf_probe_read_kernel(&namespace, sizeof(namespace), number + bpf_core_field_offset(struct upid, ns));
		if ((__u32)nr == control.wanted_pid && BPF_CORE_READ(namespace, ns.inum) == control.wanted_namespace) {
			tgid = task->tgid;
			bpf_seq_write(context->meta->seq, &tgid, sizeof(tgid));
			break;
		}
	}
	return 0;
}

/* The sockets that the process has already: from now on they are known. */
SEC("iter/task_file")
int adopt_sockets(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || (__u32)task->tgid != control.target)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (sk && is_inet(sk) && !bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE))
		ADD(losses.missed, 1);
	return 0;
}

/* All sockets that are known, but those that listen. */
SEC("iter/bpf_sk_storage_map")
int read_sockets(struct bpf_iter__bpf_sk_storage_map *context)
{
	struct sock *sk = context->sk;
	struct socket_counts *counts = context->value;
	struct socket_row row = {};
	__u64 since;

	if (!sk || !counts || sk->__sk_common.skc_state == TCP_LISTEN)
		return 0;
	since = counts->full_since;
	row.cookie = bpf_get_socket_cookie(sk);
	row.sends = counts->sends;
	row.short_sends = counts->short_sends;
	row.send_bytes = counts->send_bytes;
	row.receives = counts->receives;
	row.receive_bytes = counts->receive_bytes;
	row.full = counts->full + (since ? bpf_ktime_get_ns() - since : 0);
	row.overflows = counts->overflows;
	bpf_seq_write(context->meta->seq, &row, sizeof(row));
	return 0;
}
