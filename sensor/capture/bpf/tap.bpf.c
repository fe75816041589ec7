// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Hands every frame of the port to the AF_XDP socket of its receive queue, and drops it where there is none: a tap lets nothing
// through to the host. Counts both, as a queue without a socket would otherwise lose its frames in silence.
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

// Multi-buffer frames come only to programs that say they know them.
SEC("xdp.frags")
int tap(struct xdp_md *frame)
{
	long verdict = redirect_map(&SOCKETS, frame->rx_queue_index, XDP_DROP);
	__u32 outcome = verdict == XDP_REDIRECT ? REDIRECTED : NO_SOCKET;
	__u64 *frames = map_lookup_elem(&FRAMES, &outcome);
	if (frames)
		*frames += 1;
	return verdict;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
