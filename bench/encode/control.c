/* What the machine gives a program that shares nothing between its threads:
 * hashes 16-byte keys and probes a table of 8 MB, on 1 thread and on N, and
 * prints the wall seconds of each. Built and run by bench/encode. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TABLE = 1 << 20, MAX_THREADS = 256 };

static uint64_t *table;
static uint64_t sums[MAX_THREADS * 8]; /* one cache line each */

struct part {
	uint64_t begin, end;
	int index;
};

static void *work(void *argument)
{
	const struct part *part = argument;
	uint64_t sum = 0;
	for (uint64_t i = part->begin; i < part->end; i++) {
		uint64_t hash = i * 0x9E3779B97F4A7C15u;
		hash ^= hash >> 32;
		hash *= 0xD6E8FEB86659FD93u;
		hash ^= hash >> 32;
		sum += table[hash & (TABLE - 1)];
	}
	sums[part->index * 8] = sum;
	return NULL;
}

static double run(int threads, uint64_t keys)
{
	pthread_t handles[MAX_THREADS];
	struct part parts[MAX_THREADS];
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < threads; i++) {
		parts[i] = (struct part){keys * i / threads, keys * (i + 1) / threads, i};
		if (pthread_create(&handles[i], NULL, work, &parts[i]) != 0)
			exit(1);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(handles[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) + (end.tv_nsec - start.tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	uint64_t keys = 100 * 1000 * 1000, sum = 0;
	table = malloc(TABLE * sizeof *table);
	if (table == NULL)
		return 1;
	for (int i = 0; i < TABLE; i++)
		table[i] = (uint64_t)i * i;
	run(1, keys / 10);
	for (int i = 1; i < argc; i++) {
		int threads = atoi(argv[i]);
		if (threads < 1 || threads > MAX_THREADS)
			return 1;
		double seconds = run(threads, keys);
		printf("%d %.6f\n", threads, seconds);
	}
	for (int i = 0; i < MAX_THREADS; i++)
		sum += sums[i * 8];
	return sum == 42; /* keeps the work alive */
}
