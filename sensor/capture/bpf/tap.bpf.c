// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Hands every frame of the port to the AF_XDP socket of its receive queue, and drops it where there is none: a tap lets nothing
// through to the host. Counts both, as a queue without a socket would otherwise lose its frames in silence. Puts the time of arrival
// in front of the frame: the one at which a worker fetches it says nothing about which of two queues was first.
//
// Built, from this folder, by
//   clang-14 -O2 -g -target bpf -mcpu=v3 -I/usr/include/$(gcc -dumpmachine) -fdebug-compilation-dir=. -c tap.bpf.c -o tap.bpf.o
//   llvm-strip-14 -g tap.bpf.o     (keeps the type information; what goes depends on the headers of the machine)
// and committed beside the source, so that no user needs clang; a test builds it again and compares.
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))
// The type and size of a map are read from the type information of these fields.
#define MAP_UINT(name, value) int(*name)[value]
#define MAP_TYPE(name, value) value *name

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*adjust_meta)(struct xdp_md *frame, int by) = (void *)BPF_FUNC_xdp_adjust_meta;
static __u64 (*ktime_get_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static long (*redirect_map)(void *map, __u64 key, __u64 flags) = (void *)BPF_FUNC_redirect_map;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_XSKMAP);
	MAP_UINT(max_entries, 1); // the loader sets the number of receive queues
	MAP_UINT(key_size, sizeof(__u32));
	MAP_UINT(value_size, sizeof(__u32));
} SOCKETS SEC(".maps");

enum { REDIRECTED = 0, NO_SOCKET = 1 };

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 2);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, __u64);
} FRAMES SEC(".maps");

struct stamp {
	__u64 arrived_at; // CLOCK_MONOTONIC
	__u64 mark;
};

// Tells a stamp from whatever lay there before.
#define MARK 0x636f72646f6e7461ULL

static void put_stamp(struct xdp_md *frame)
{
	// A driver without room for it leaves the frame as it is.
	if (adjust_meta(frame, -(int)sizeof(struct stamp)))
		return;
	struct stamp *stamp = (void *)(long)frame->data_meta;
	if ((void *)(stamp + 1) > (void *)(long)frame->data)
		return;
	stamp->arrived_at = ktime_get_ns();
	stamp->mark = MARK;
}

// Multi-buffer frames come only to programs that say they know them.
SEC("xdp.frags")
int tap(struct xdp_md *frame)
{
	put_stamp(frame);
	long verdict = redirect_map(&SOCKETS, frame->rx_queue_index, XDP_DROP);
	__u32 outcome = verdict == XDP_REDIRECT ? REDIRECTED : NO_SOCKET;
	__u64 *frames = map_lookup_elem(&FRAMES, &outcome);
	if (frames)
		*frames += 1;
	return verdict;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
