/* Convolutions between a big image and a small one: small[y][x] = sum of w big[y s + ky - top][x s + kx - left].
 *
 * A convolution goes from big to small (`gather`), a transposed one from small to big (`scatter`); each is the other's
 * backward pass. Weights are (small channels, big channels, k, k) for both, as torch has them.
 */
#include "products.h"

enum padding { ZERO, REFLECT, REPEAT };

struct image {
    int64_t height, width, channels;
};
INLINE int64_t size_of(struct image i) { return i.height * i.width * i.channels; }

struct convolution {
    struct image big, small;
    int64_t k, stride, top, left, padding;
    const float *weight;
    int halves, threads;  /* halves: factors are rounded to bfloat16, and sums are float32 */
};

INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t floored(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

/* The row or column that a padded place shows, or -1 for zero. */
INLINE int64_t shown(int64_t i, int64_t size, int64_t padding) {
    if (i >= 0 && i < size) return i;
    if (padding == ZERO) return -1;
    if (padding == REPEAT) return i < 0 ? 0 : size - 1;
    i = i < 0 ? -i : 2 * (size - 1) - i;
    return i >= 0 && i < size ? i : -1;
}

/* Copies n floats, which `halves` rounds to half their room. */
INLINE void copy(void *to, const float *from, int64_t n, int halves) {
    if (halves)
        halve(to, from, n);
    else
        memcpy(to, from, sizeof(float) * n);
}

/* Copies images into `to` (images, height, width, channels), `top` and `left` places in, and fills the rest. Of halves one 0
 * follows, since sums of an odd length read on. */
static void pad(const float *from, struct image of, int64_t images, int64_t top, int64_t left, int64_t height,
                int64_t width, int64_t padding, void *padded, int halves) {
    int64_t c = of.channels, inside = least(of.width, width - left), pixel = (halves ? 2 : 4) * c;
    char *to = padded;
    for (int64_t n = 0; n < images; n++)
        for (int64_t y = 0; y < height; y++, to += width * pixel) {
            int64_t row = shown(y - top, of.height, padding);
            if (row < 0) {
                memset(to, 0, width * pixel);
                continue;
            }
            const float *line = from + (n * of.height + row) * of.width * c;
            copy(to + left * pixel, line, inside * c, halves);
            for (int64_t x = 0; x < width; x++) {
                if (x == left) x += inside;
                if (x >= width) break;
                int64_t column = shown(x - left, of.width, padding);
                if (column < 0)
                    memset(to + x * pixel, 0, pixel);
                else
                    copy(to + x * pixel, line + column * c, c, halves);
            }
        }
    if (halves) memset(to, 0, 2);
}

/* Adds what `pad` has copied back to where it came from: its adjoint. */
static void fold(const float *from, struct image of, int64_t images, int64_t top, int64_t left, int64_t height,
                 int64_t width, int64_t padding, float *to) {
    int64_t c = of.channels;
    for (int64_t n = 0; n < images; n++)
        for (int64_t y = 0; y < height; y++) {
            int64_t row = shown(y - top, of.height, padding);
            if (row < 0) continue;
            const float *line = from + (n * height + y) * width * c;
            float *sum = to + (n * of.height + row) * of.width * c;
            for (int64_t x = 0; x < width; x++) {
                int64_t column = shown(x - left, of.width, padding);
                if (column < 0) continue;
                for (int64_t i = 0; i < c; i++) sum[column * c + i] += line[x * c + i];
            }
        }
}

/* How many outputs side by side are computed as one: few channels would leave lanes idle. */
INLINE int64_t side_by_side(int64_t channels, int64_t width) {
    return most(1, least(LANES / channels, width));
}

/* The padded size of the big image; wide enough for whole blocks of `block` outputs. */
INLINE struct image padded(const struct convolution *c, int64_t block) {
    int64_t columns = divided_up(c->small.width, block) * block;
    return (struct image){(c->small.height - 1) * c->stride + c->k, (columns - 1) * c->stride + c->k, c->big.channels};
}

/* One row of panels, n numbers `apart` in the weights, from column `first` on. */
INLINE void pack_row(const float *w, int64_t apart, int64_t rows, int64_t places, int64_t columns, int64_t r, int64_t k,
                     int64_t first, int64_t n, float *b) {
    while (n > 0) {
        int64_t many = least(n, PANEL - first % PANEL);
        float *to = b + packed(rows, places, columns, r, k, first);
        for (int64_t i = 0; i < many; i++) to[i] = w[i * apart];
        first += many, n -= many, w += many * apart;
    }
}

/* Panels of the weights for `gather`: rows ky, places (kx, big channel), columns (output of the block, small channel). */
static void pack_gather(const struct convolution *c, int64_t block, float *b) {
    int64_t s = c->small.channels, i = c->big.channels, k = c->k, all = i * k * k;
    int64_t places = ((block - 1) * c->stride + k) * i, columns = block * s;
    if (block > 1 || columns % LANES) memset(b, 0, sizeof(float) * packed_size(k, places, columns));
    for (int64_t o = 0; o < s; o += LANES) {
        int64_t whole = block == 1 && s - o >= LANES ? all / LANES * LANES : 0, many = least(LANES, s - o);
        int64_t width = columns - o / PANEL * PANEL > LANES ? PANEL : LANES, j = 0, place = 0;
        float *panel = b + packed(k, places, columns, 0, 0, o);
        const float *w = c->weight + o * all;
        // Whole vectors of outputs: as many weights of each at a time.
        for (int64_t m = 0; m < whole; m += LANES) {
            vector row[LANES];
            UNROLL for (int l = 0; l < LANES; l++) row[l] = at_vector(w + l * all + m);
            transpose(row);
            for (int l = 0; l < LANES; l++) {
                put(panel + (place / k * places + place % k * i + j) * width, row[l]);
                if (++place == k * k) place = 0, j++;
            }
        }
        for (int64_t m = whole; m < all; m++)
            for (int64_t q = 0, y = m % (k * k) / k, x = m % (k * k) % k; q < block; q++)
                pack_row(w + m, all, k, places, columns, y, (q * c->stride + x) * i + m / (k * k), q * s + o, many, b);
    }
}

/* small (images, ...) = bias + sum of w big; `work` has room for the padded images, panels, pixels and biases. */
static void gather(const struct convolution *c, const float *big, int64_t images, int64_t group, const float *bias,
                   int add, float *small, float *work) {
    int64_t block = side_by_side(c->small.channels, c->small.width), columns = block * c->small.channels;
    struct image in = padded(c, block);
    int64_t places = ((block - 1) * c->stride + c->k) * in.channels, across = divided_up(c->small.width, block);
    float *b = work, *repeated = b + packed_size(c->k, places, columns);
    struct pixel *at = (struct pixel *)(repeated + columns + LANES);
    float *a = (float *)(at + group * c->small.height * across);

    // Weights and biases, once.
    pack_gather(c, block, b);
    if (c->halves) pair_places(b, c->k, places, columns);
    for (int64_t n = 0; bias && n < columns; n++) repeated[n] = bias[n % c->small.channels];

    // As many images at a time as the caches hold.
    for (int64_t n = 0; n < images; n += group) {
        int64_t many = least(group, images - n), pixels = 0;
        pad(big + n * c->big.height * c->big.width * in.channels, c->big, many, c->top, c->left, in.height, in.width,
            c->padding, a, c->halves);
        for (int64_t m = 0; m < many; m++)
            for (int64_t y = 0; y < c->small.height; y++)
                for (int64_t x = 0; x < across; x++)
                    at[pixels++] = (struct pixel){
                        ((m * in.height + y * c->stride) * in.width + x * block * c->stride) * in.channels,
                        ((m * c->small.height + y) * c->small.width + x * block) * c->small.channels,
                        least(block, c->small.width - x * block) * c->small.channels};
        multiply(a, at, pixels, c->k, in.width * in.channels, places, b, columns, bias ? repeated : 0, add,
                 small + n * c->small.height * c->small.width * c->small.channels, c->halves, c->threads);
    }
}

/* From which small places one phase of the big image's is made: big place s Y + phase of Y + from to Y + to. */
struct reach {
    int64_t from, to;
};

INLINE struct reach reach(int64_t phases_from, int64_t phases_to, int64_t before, int64_t k, int64_t stride) {
    struct reach found = {0, 0};
    for (int64_t q = phases_from; q < phases_to; q++)
        for (int64_t i = 0; i < k; i++)
            if ((q + before - i) % stride == 0) {
                int64_t d = floored(q + before - i, stride);
                found.from = least(found.from, d);
                found.to = most(found.to, d);
            }
    return found;
}

/* Panels of the weights for one phase of `scatter`: rows of small, places (column of small, its channel), columns (phase,
 * big channel). */
static void pack_scatter(const struct convolution *c, int64_t phase_y, struct reach down, int64_t phase_x,
                         int64_t phases, struct reach along, float *b) {
    int64_t s = c->small.channels, i = c->big.channels, k = c->k;
    int64_t rows = down.to - down.from + 1, places = (along.to - along.from + 1) * s, columns = phases * i;
    // Of stride 1 every place has a weight.
    if (c->stride > 1 || rows * places > k * k * s || columns != i || i % LANES)
        memset(b, 0, sizeof(float) * packed_size(rows, places, columns));
    int64_t all = k * k, end = s * i * all;
    for (int64_t j = 0; j < i; j += LANES) {
        int64_t many = least(LANES, i - j), width = columns - j / PANEL * PANEL > LANES ? PANEL : LANES;
        float *panel = b + packed(rows, places, columns, 0, 0, j);
        for (int64_t o = 0; o < s; o++) {
            // The weights of 16 big channels lie one after the other; this phase has some of each.
            int64_t first = (o * i + j) * all, turned = phases == 1 && many == LANES && all <= LANES;
            vector row[LANES];
            turned = turned && first + (LANES - 1) * all + LANES <= end;
            if (turned) {
                UNROLL for (int l = 0; l < LANES; l++) row[l] = at_vector(c->weight + first + l * all);
                transpose(row);
            }
            for (int64_t y = (phase_y + c->top) % c->stride; y < k; y += c->stride)
                for (int64_t x = 0; x < k; x++)
                    for (int64_t q = 0; q < phases; q++) {
                        int64_t above = phase_y + c->top - y, before = phase_x + q + c->left - x;
                        if (before % c->stride) continue;
                        int64_t down_by = floored(above, c->stride) - down.from;
                        int64_t place = (floored(before, c->stride) - along.from) * s + o;
                        if (turned)
                            put(panel + (down_by * places + place) * width, row[y * k + x]);
                        else
                            pack_row(c->weight + first + y * k + x, all, rows, places, columns, down_by, place, q * i + j,
                                     many, b);
                    }
        }
    }
}

/* big (images, ...) = bias + sum of w small; the big image is taken as it is, without padding. */
static void scatter(const struct convolution *c, const float *small, int64_t images, int64_t group, const float *bias,
                    int add, float *big, float *work) {
    // Of few channels all phases of a row are computed as one, and of stride 1 several places.
    int64_t i = c->big.channels, phases = i * c->stride <= LANES ? c->stride : 1, columns = phases * i;
    for (int64_t phase_y = 0; phase_y < c->stride; phase_y++)
        for (int64_t phase_x = 0; phase_x < c->stride; phase_x += phases) {
            struct reach down = reach(phase_y, phase_y + 1, c->top, c->k, c->stride);
            struct reach along = reach(phase_x, phase_x + phases, c->left, c->k, c->stride);
            int64_t rows = down.to - down.from + 1, places = (along.to - along.from + 1) * c->small.channels;
            int64_t high = divided_up(c->big.height - phase_y, c->stride);
            int64_t wide = divided_up(c->big.width - phase_x, c->stride);
            struct image in = {high + rows - 1, wide + along.to - along.from, c->small.channels};
            float *b = work, *repeated = b + packed_size(rows, places, columns);
            struct pixel *at = (struct pixel *)(repeated + columns + LANES);
            float *a = (float *)(at + group * high * wide);
            pack_scatter(c, phase_y, down, phase_x, phases, along, b);
            if (c->halves) pair_places(b, rows, places, columns);
            for (int64_t n = 0; bias && n < columns; n++) repeated[n] = bias[n % i];
            for (int64_t n = 0; n < images; n += group) {
                int64_t many = least(group, images - n), pixels = 0;
                pad(small + n * c->small.height * c->small.width * in.channels, c->small, many, -down.from,
                    -along.from, in.height, in.width, ZERO, a, c->halves);
                for (int64_t m = 0; m < many; m++)
                    for (int64_t y = 0; y < high; y++)
                        for (int64_t x = 0; x < wide; x++) {
                            int64_t column = x * c->stride + phase_x;
                            at[pixels++] = (struct pixel){
                                ((m * in.height + y) * in.width + x) * in.channels,
                                ((m * c->big.height + y * c->stride + phase_y) * c->big.width + column) * i,
                                least(phases, c->big.width - column) * i};
                        }
                multiply(a, at, pixels, rows, in.width * in.channels, places, b, columns, bias ? repeated : 0, add,
                         big + n * c->big.height * c->big.width * i, c->halves, c->threads);
            }
        }
}

/* gradient (as the weights) = sum over pixels of big small. */
static void weigh(const struct convolution *c, const float *big, const float *small, int64_t images, int64_t group,
                  float *gradient, float *work) {
    struct image in = padded(c, 1);
    int64_t s = c->small.channels, i = c->big.channels, k = c->k, places = k * i;
    // Pixels of halves come in pairs of a row, the last of an odd number with a 0.
    int64_t step = c->halves ? 2 : 1, width = divided_up(c->small.width, step) * step;
    int64_t tiles = c->halves && has_tiles(), pixels = c->small.height * width, turned = s <= FEW && !tiles;
    float *sum = work, *a = sum + k * places * s, *g = a + group * in.height * in.width * i + MOST * LANES;
    struct walk walk = {0, c->small.height, width / step,
                        in.height * in.width * i, c->stride * in.width * i, step * c->stride * i,
                        pixels * s, width * s, step * s};
    if (turned)
        walk = (struct walk){0, walk.height, walk.width, walk.v_image, walk.v_row, walk.v_step,
                             walk.u_image, walk.u_row, walk.u_step};
    memset(sum, 0, sizeof(float) * k * places * s);
    for (int64_t n = 0; n < images; n += group) {
        walk.images = least(group, images - n);
        pad(big + n * c->big.height * c->big.width * i, c->big, walk.images, c->top, c->left, in.height, in.width,
            c->padding, a, 0);
        pad(small + n * c->small.height * c->small.width * s, c->small, walk.images, 0, 0, c->small.height, width, ZERO, g, 0);
        if (c->halves) {
            pair_up(a, walk.images * in.height * in.width * i, c->stride * i);
            pair_up(g, walk.images * pixels * s, s);
        }
        if (tiles)
            correlate_by_tiles(a, places, k, in.width * i, g, s, &walk, sum, g + walk.images * pixels * s + MOST * LANES,
                               c->threads);
        for (int64_t y = 0; y < k && !tiles; y++)
            if (turned)
                correlate(g, s, a + y * in.width * i, places, &walk, sum + y * places * s, places, c->halves,
                          c->threads);
            else
                correlate(a + y * in.width * i, places, g, s, &walk, sum + y * places * s, s, c->halves,
                          c->threads);
    }
    int64_t all = i * k * k, whole = turned ? 0 : all / LANES * LANES;
    for (int64_t o = 0; o < s; o += LANES) {
        int64_t many = least(LANES, s - o), j = 0, place = 0;
        float *to = gradient + o * all;
        for (int64_t m = 0; m < whole; m += LANES) {
            vector part[LANES];
            for (int l = 0; l < LANES; l++) {
                part[l] = at_vector(sum + (place / k * places + place % k * i + j) * s + o);
                if (++place == k * k) place = 0, j++;
            }
            transpose(part);
            for (int64_t l = 0; l < many; l++) put(to + l * all + m, part[l]);
        }
        for (int64_t m = whole; m < all; m++)
            for (int64_t l = 0, y = m % (k * k) / k, x = m % (k * k) % k; l < many; l++) {
                int64_t at = x * i + m / (k * k);
                to[l * all + m] = sum[y * places * s + (turned ? (o + l) * places + at : at * s + o + l)];
            }
    }
}

/* How many images at a time leave their padded form in the caches. */
static int64_t group_of(const struct convolution *c, int64_t images) {
    int64_t one = (c->big.height + c->k) * (c->big.width + c->k) * c->big.channels;
    return most(1, least(images, most(65536 / one, 256 / (c->small.height * c->small.width))));
}

/* The numbers of floats that any of the three needs for its work, generously. */
static int64_t room(const struct convolution *c, int64_t images) {
    int64_t group = group_of(c, images), k = c->k + LANES, width = most(c->big.width, c->small.width * c->stride) + 2 * k;
    int64_t height = most(c->big.height, c->small.height * c->stride) + 2 * k;
    int64_t channels = most(c->big.channels, c->small.channels);
    int64_t weights = c->k * k * 2 * (c->big.channels + LANES) * (c->small.channels + LANES);
    int64_t turned = (channels + 2 * SIDE) * BATCH;
    return 2 * group * height * width * channels + 4 * group * height * width + weights + turned + 8 * channels + 64 * LANES;
}
