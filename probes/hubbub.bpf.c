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

#include "shared.h"
#include "counting.h"
#include "sockets.h"
#include "times.h"

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

/* A socket of ours is known from listen() or connect() on, one that is accepted from its listener: what this one
 * counts, others would begin with. So a listener's are no changes, nor is what leads up to `established`. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int before, int after)
{
	struct socket_counts *counts;

	if (after == TCP_LISTEN || after == TCP_SYN_SENT) {
		if (ours())
			bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		return 0;
	}
	counts = known(sk);
	if (!counts || before == TCP_LISTEN)
		return 0;
	COUNT(counts, state_changes, 1);
	if (after != TCP_ESTABLISHED && after != TCP_CLOSE_WAIT)
		full_until_now(counts, false); /* nothing more is sent */
	if (after == TCP_ESTABLISHED || before == TCP_ESTABLISHED)
		tell(sk, after == TCP_ESTABLISHED ? OPENED : CLOSED, 1, before, after);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk, struct sk_buff *packet)
{
	struct socket_counts *counts = known(sk);
	struct figures *all;

	if (!counts)
		return 0;
	if ((all = here()))
		ADD(all->sockets.retransmits, 1);
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
	struct socket_counts *counts = sk ? known(sk) : 0;

	if (!counts)
		return 0;
	if (sk->__sk_common.skc_state != TCP_LISTEN)
		COUNT(counts, resets_sent, 1);
	tell(sk, RESET_SENT, 1, 0, 0);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk)
{
	struct socket_counts *counts = known(sk);

	if (!counts)
		return 0;
	COUNT(counts, resets_received, 1);
	tell(sk, RESET_RECEIVED, 1, 0, 0);
	return 0;
}

SEC("tp_btf/sock_rcvqueue_full")
int BPF_PROG(sock_rcvqueue_full, struct sock *sk, struct sk_buff *packet)
{
	struct socket_counts *counts = known(sk);

	if (!counts)
		return 0;
	COUNT(counts, overflows, 1);
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

	if (!sk || !counts || sk->__sk_common.skc_state == TCP_LISTEN)
		return 0;
	full_still(sk, counts);
	row.cookie = bpf_get_socket_cookie(sk);
	row.sends = counts->sends;
	row.short_sends = counts->short_sends;
	row.send_bytes = counts->send_bytes;
	row.receives = counts->receives;
	row.receive_bytes = counts->receive_bytes;
	row.full = counts->full;
	row.overflows = counts->overflows;
	row.resets_sent = counts->resets_sent;
	row.resets_received = counts->resets_received;
	row.state_changes = counts->state_changes;
	bpf_seq_write(context->meta->seq, &row, sizeof(row));
	return 0;
}
