// Convolutions of many shapes in memory that ends where none may be read or written: a program of its own.
//
// The room to work in holds NaN, and none of it may reach a result. Prints how many shapes there were and in how many it
// did; reading or writing beyond is a segmentation fault.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "winograd.h"

#define PAGE 65536  // a multiple of what any system here has

enum { ZEROS, DRAWN, NANS };
struct held {
    float *at;
    char *from;
    int64_t pages, count;
};

static struct held guarded(int64_t count, int filled) {
    int64_t bytes = sizeof(float) * count, pages = divided_up(bytes, PAGE);
    char *from = mmap(0, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (from == MAP_FAILED || mprotect(from + PAGE, pages * PAGE, PROT_READ | PROT_WRITE)) exit(2);
    struct held found = {(float *)(from + PAGE + pages * PAGE - bytes), from, pages, count};
    for (int64_t i = 0; i < count && filled != ZEROS; i++)
        found.at[i] = filled == NANS ? __builtin_nanf("") : (float)rand() / (float)RAND_MAX - 0.5f;
    return found;
}

static void release(struct held memory) { munmap(memory.from, (memory.pages + 2) * PAGE); }

static int with_nan(struct held memory) {
    for (int64_t i = 0; i < memory.count; i++)
        if (memory.at[i] != memory.at[i]) return 1;
    return 0;
}

// One convolution forward and backward, each way that there is; returns whether a result has NaN.
static int try(struct convolution c, int64_t images) {
    int winograd = by_winograd(&c);
    struct tiling t = tiling_of(&c, images);
    struct held weight = guarded(size_of((struct image){c.k, c.k, c.small.channels * c.big.channels}), DRAWN);
    struct held gradient = guarded(weight.count, ZEROS), bias = guarded(most(c.small.channels, c.big.channels), DRAWN);
    struct held big = guarded(images * size_of(c.big), DRAWN), small = guarded(images * size_of(c.small), ZEROS);
    struct held back = guarded(big.count, ZEROS), work = guarded(winograd ? t.floats : room(&c, images), NANS);
    int64_t group = group_of(&c, images);
    c.weight = weight.at;
    if (winograd) {
        gather_by_winograd(&c, big.at, images, bias.at, small.at, work.at);
        weigh_by_winograd(&c, big.at, small.at, images, gradient.at, work.at);
        scatter_by_winograd(&c, small.at, images, back.at, work.at);
    } else {
        gather(&c, big.at, images, group, bias.at, 0, small.at, work.at);
        weigh(&c, big.at, small.at, images, group, gradient.at, work.at);
        scatter(&c, small.at, images, group, bias.at, 0, back.at, work.at);
    }
    int found = with_nan(small) || with_nan(gradient) || with_nan(back);
    struct held all[] = {weight, gradient, bias, big, small, back, work};
    for (int i = 0; i < 7; i++) release(all[i]);
    return found;
}

int main(void) {
    const int64_t channels[] = {1, 3, 5, 16, 17, 32, 33, 48, 70}, kernels[] = {1, 2, 3, 4, 7}, heights[] = {1, 2, 7, 16, 33};
    int64_t cases = 0, wrong = 0, number = 0;
    for (int halves = 0; halves <= HALVES; halves++)
        for (int y = 0; y < 5; y++)
            for (int k = 0; k < 5; k++)
                for (int64_t stride = 1; stride <= least(2, kernels[k]); stride++)
                    for (int i = 0; i < 9; i++)
                        for (int s = 0; s < 9; s++) {
                            if (number++ % EVERY) continue;
                            struct image big = {heights[y], heights[y] + 1, channels[i]};
                            struct image small = {divided_up(big.height, stride), divided_up(big.width, stride), channels[s]};
                            int64_t tall = (small.height - 1) * stride + kernels[k] - big.height;
                            int64_t wide = (small.width - 1) * stride + kernels[k] - big.width;
                            struct convolution c = {big, small, kernels[k], stride, most(tall, 0) / 2, most(wide, 0) / 2,
                                                    ZERO, 0, halves, 1};
                            cases++, wrong += try(c, 1 + number % 3);
                        }
    printf("%ld shapes, %ld with NaN\n", (long)cases, (long)wrong);
    return wrong > 0;
}
