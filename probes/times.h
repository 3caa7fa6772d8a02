// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* How long calls take. */

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
