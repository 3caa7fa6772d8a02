// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What goes into sockets, and out of them. */

/* Was less taken than `asked`? Where that is not known: the queue is full, and the socket waits for room. The flag
 * alone would not do: a poll sets it, too, when two thirds of the queue are in use. */
static __always_inline bool is_short(struct sock *sk, int result, __u64 asked)
{
	if (result < 0)
		return result == -EAGAIN;
	if (asked)
		return (__u32)result < asked;
	return sk->sk_wmem_queued >= sk->sk_sndbuf && waits_for_room(sk);
}

static __always_inline void count_send(struct sock *sk, int result, __u64 asked)
{
	struct socket_counts *counts = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!counts) {
		ADD(losses.missed, 1);
		return;
	}
	ADD(counts->sends, 1);
	if (result > 0)
		ADD(counts->send_bytes, result);
	if (counts->asked) {
		asked = counts->asked;
		counts->asked = 0;
	}
	if (is_short(sk, result, asked)) {
		COUNT(counts, short_sends, 1);
		if (!counts->full_since) {
			counts->full_since = bpf_ktime_get_ns();
			if (is_due(&counts->told_full))
				tell(sk, FULL, 1, 0, 0);
		}
	} else if (counts->full_since) {
		full_until_now(counts, false);
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
		count_send(sk, result, 0);
	mark(sk, SEND, result);
	return 0;
}

/* How much a send was asked to take, where a kernel tells (Linux 6.16): what is left, as each packet begins. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tcp_sendmsg_locked, struct sock *sk, struct msghdr *message, struct sk_buff *packet, int most)
{
	struct socket_counts *counts;

	if (!ours())
		return 0;
	counts = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (counts && !counts->asked)
		counts->asked = message->msg_iter.count;
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
static __always_inline int sent(struct sock *sk, int result, __u64 asked)
{
	if (!ours())
		return 0;
	count_call(SEND, result, true);
	count_send(sk, result, asked);
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
	return sent(sk, result, size);
}

/* By sendfile, a page at a time; since 6.5 that goes by tcp_sendmsg, too. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(tcp_sendpage, struct sock *sk, struct page *page, int offset, unsigned long size, int flags, int result)
{
	return sent(sk, result, size);
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
