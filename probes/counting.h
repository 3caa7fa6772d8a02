// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* How the programs count, and tell. */

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

/* Of one socket, and of all. */
#define COUNT(counts, what, number) \
	do { \
		struct figures *all_ = here(); \
		ADD((counts)->what, (number)); \
		if (all_) \
			ADD(all_->sockets.what, (number)); \
	} while (0)

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

/* ---- time with a full send queue: by one of several processors, whoever is first */

static __always_inline void full_until_now(struct socket_counts *counts, bool goes_on)
{
	__u64 since = *(volatile __u64 *)&counts->full_since, now = bpf_ktime_get_ns();

	if (since && __sync_val_compare_and_swap(&counts->full_since, since, goes_on ? now : 0) == since)
		COUNT(counts, full, now - since);
}

/* The kernel takes this mark away once a third of the queue is free, whoever is told of that. */
static __always_inline bool waits_for_room(const struct sock *sk)
{
	return sk->sk_socket->flags & (1 << SOCK_NOSPACE);
}

/* Looked at meanwhile: a send that just filled the queue is followed by none, and there may be room by now. Since
 * when, nobody knows: what was not seen to last is not counted. */
static __always_inline void full_still(const struct sock *sk, struct socket_counts *counts)
{
	__u64 since = *(volatile __u64 *)&counts->full_since;

	if (waits_for_room(sk))
		full_until_now(counts, true);
	else if (since)
		__sync_val_compare_and_swap(&counts->full_since, since, 0);
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
