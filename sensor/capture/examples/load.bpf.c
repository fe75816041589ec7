// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Sends the frame it is run with out of its interface again and again (BPF_PROG_TEST_RUN with live frames), each time from another of
// many flows and not before its time: a load for benchmarks that no socket could make. Never part of the sensor.
//
// Built as bpf/tap.bpf.c says, and committed beside the source.
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))
#define MAP_UINT(name, value) int(*name)[value]
#define MAP_TYPE(name, value) value *name

static void *(*map_lookup_elem)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static __u64 (*ktime_get_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;

struct pace {
	__u64 gap_nanos;
	__u64 flow_mask; // flows less one, a power of two less one
	__u64 due;
	__u64 sent;
	__u64 late; // times the pace was given up
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, __u32);
	MAP_TYPE(value, struct pace);
} PACE SEC(".maps");

// A frame waits for at most about this many looks at the clock, so that the verifier sees an end.
#define MOST_LOOKS 2048
// What was missed by more is not made up for: it would come as a burst.
#define SLACK_NANOS 1000000

SEC("xdp")
int load(struct xdp_md *frame)
{
	__u32 first = 0;
	struct pace *pace = map_lookup_elem(&PACE, &first);
	__u8 *bytes = (void *)(long)frame->data;
	if (!pace || bytes + 42 > (__u8 *)(long)frame->data_end)
		return XDP_ABORTED;
	__u64 now = ktime_get_ns();
	if (!pace->due)
		pace->due = now;
	for (int looks = 0; looks < MOST_LOOKS && now < pace->due; looks++)
		now = ktime_get_ns();
	pace->due += pace->gap_nanos;
	if (now > pace->due + SLACK_NANOS) {
		pace->due = now;
		pace->late++;
	}
	// An odd factor visits every flow once before the first comes again, in no order that a cache could guess.
	__u32 flow = (pace->sent * 2654435761ULL) & pace->flow_mask;
	pace->sent++;
	bytes[27] = flow >> 16;
	bytes[28] = flow >> 8;
	bytes[29] = flow;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
