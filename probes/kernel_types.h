/* What the probes know of the kernel's own types: the fields that they read, and no others.
 *
 * Where a field really lies, the loader finds in the running kernel's BTF (CO-RE: `preserve_access_index`), so
 * neither the order here nor what is left out matters. A `___` and what follows it is no part of a type's name:
 * one of several shapes that a type has had. Written by hand: a generated vmlinux.h would be 3 MB.
 */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

/* include/uapi/linux/bpf.h: numbers that never change */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};
enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_CLONE = 1 << 9,
};
enum {
	BPF_SK_STORAGE_GET_F_CREATE = 1,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
};

/* include/uapi/asm-generic/errno*.h, include/linux/socket.h, include/linux/net.h,
 * include/net/tcp_states.h, include/linux/sched.h */
#define EAGAIN 11
#define MSG_PEEK 2
#define AF_INET 2
#define AF_INET6 10
#define SOCK_NOSPACE 2
#define PF_EXITING 4
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_CLOSE_WAIT 8
#define TCP_LISTEN 10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket {
	unsigned long flags;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	int sk_wmem_queued;
	int sk_sndbuf;
	struct socket *sk_socket;
};

struct sk_buff;
struct page;
struct file;

struct iov_iter {
	unsigned long count;
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct sched_info {
	unsigned long long run_delay;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct sched_info sched_info;
	struct signal_struct *signal;
	struct pid *thread_pid;
};

struct pt_regs___x86 {
	unsigned long ax;
	unsigned long di;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 orig_x0;
};

struct pt_regs;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop
