/* 3x3 convolutions of stride 1 with 16 products for each 2x2 outputs of a channel where the definition has 36.
 *
 * Winograd's F(2x2, 3x3) (Lavin and Gray 2016): y = A^T [(G w G^T) (B^T d B)] A, summed over channels before A, on tiles d
 * of 4x4 inputs that overlap by two. Its factors are 0, 1 and 1/2, so that it rounds no worse than the sum itself; larger
 * tiles would. The backward pass is the adjoint of each step.
 */
#include "convolutions.h"

#define PLACES 16
#define LOTS LANES /* of input channels whose weights are turned at a time */
#ifndef WINOGRAD_FROM
#define WINOGRAD_FROM 32 /* channels on both sides */
#endif

/* Whether a convolution is computed so: enough channels that the products outweigh the transforms, in whole vectors, and
 * products that cost something, which those of tiles do not. */
static int by_winograd(const struct convolution *c) {
    if (c->halves && has_tiles()) return 0;
    int64_t i = c->big.channels, s = c->small.channels;
    return c->k == 3 && c->stride == 1 && i % LANES == 0 && s % LANES == 0 && i >= WINOGRAD_FROM && s >= WINOGRAD_FROM;
}

/* The tiles of an image by place: how far a tile's channels lie from the next one's, a place's tiles from the next one's,
 * and where in the room to work in they begin. Both are a little further apart than they are long, as a place's weights
 * are: at a distance of a power of two they would meet in few sets of the caches. */
struct places {
    int64_t channels, apart, place, at;
};

/* Tiles of some images, the padded size of one, and the room to work in: where each part of it begins, and how many floats
 * it has. */
struct tiling {
    int64_t images, down, across, count;
    struct image in;
    struct places big, small;
    int64_t place_weights;
    int64_t weights, padded, pixels, floats;
};

INLINE struct places places_of(struct image image, int64_t tiles, int64_t at) {
    int64_t apart = image.channels + LANES;
    return (struct places){image.channels, apart, (tiles + TILE) * apart, at};
}

/* As many images at a time as leave their places in the outer cache. */
static struct tiling tiling_of(const struct convolution *c, int64_t images) {
    struct tiling t = {.down = divided_up(c->small.height, 2), .across = divided_up(c->small.width, 2)};
    int64_t one = PLACES * t.down * t.across * (c->big.channels + c->small.channels);
    t.images = most(1, least(images, 2000000 / one));
    t.count = t.images * t.down * t.across;
    t.in = (struct image){2 * t.down + 2, 2 * t.across + 2, c->big.channels};
    t.place_weights = c->big.channels * c->small.channels + 5 * LANES;

    // One part behind the other, in whole vectors.
    t.big = places_of(c->big, t.count, 0);
    t.small = places_of(c->small, t.count, PLACES * t.big.place);
    t.weights = t.small.at + PLACES * t.small.place;
    t.padded = t.weights + PLACES * t.place_weights + LANES;
    t.pixels = t.padded + t.in.height * t.in.width * t.in.channels;
    t.floats = t.pixels + divided_up(t.count * sizeof(struct pixel), sizeof(float)) + LANES;
    return t;
}

/* out[m][lane] = w[lane apart + m] for `many` m; nothing is read from `end` on. */
INLINE void turn(const float *w, int64_t apart, int64_t many, const float *end, float *out) {
    for (int64_t m = 0; m < many; m += LANES) {
        vector row[LANES];
        if (w + (LANES - 1) * apart + m + LANES <= end)
            UNROLL for (int l = 0; l < LANES; l++) row[l] = at_vector(w + l * apart + m);
        else
            for (int l = 0; l < LANES; l++) {
                row[l] = (vector){0};
                memcpy(&row[l], w + l * apart + m, sizeof(float) * least(LANES, many - m));
            }
        transpose(row);
        for (int64_t n = 0; n < least(LANES, many - m); n++) put(out + (m + n) * LANES, row[n]);
    }
}

/* The weights of each place in panels; `adjoint` has rows of small channels and columns of big ones. */
static void transform_weights(const struct convolution *c, const struct tiling *t, int adjoint, float *u) {
    int64_t i = c->big.channels, rows = adjoint ? c->small.channels : i, columns = adjoint ? i : c->small.channels;
    int64_t next_row = adjoint ? i * 9 : 9, next_column = adjoint ? 9 : i * 9;
    for (int64_t n = 0; n < columns; n += LANES)
        for (int64_t r = 0; r < rows; r += LOTS) {
            float turned[LOTS * 9 * LANES];
            int64_t many = least(LOTS, rows - r);
            const float *w = c->weight + n * next_column + r * next_row, *end = c->weight + 9 * rows * columns;
            if (adjoint)
                for (int64_t q = 0; q < many; q++) turn(w + q * next_row, next_column, 9, end, turned + q * 9 * LANES);
            else
                turn(w, next_column, 9 * many, end, turned);
            for (int64_t q = 0; q < many; q++) {
                vector half[4][3];
                for (int x = 0; x < 3; x++) {
                    const float *g = turned + (q * 9 + x) * LANES;
                    vector top = at_vector(g), middle = at_vector(g + 3 * LANES), bottom = at_vector(g + 6 * LANES);
                    half[0][x] = top, half[3][x] = bottom;
                    half[1][x] = 0.5f * (top + middle + bottom), half[2][x] = 0.5f * (top - middle + bottom);
                }
                float *to = u + packed(1, rows, columns, 0, r + q, n);
                for (int y = 0; y < 4; y++) {
                    vector left = half[y][0], middle = half[y][1], right = half[y][2];
                    put(to + (4 * y) * t->place_weights, left);
                    put(to + (4 * y + 1) * t->place_weights, 0.5f * (left + middle + right));
                    put(to + (4 * y + 2) * t->place_weights, 0.5f * (left - middle + right));
                    put(to + (4 * y + 3) * t->place_weights, right);
                }
            }
        }
    for (int64_t p = 0; c->halves && p < PLACES; p++) pair_places(u + p * t->place_weights, 1, rows, columns);
}

/* The places of all tiles of the big image, which is padded in `a`, one image at a time. */
static void transform_big(const struct convolution *c, const struct tiling *t, const float *big, int64_t images, float *a,
                          float *v) {
    int64_t i = c->big.channels, row = t->in.width * i, place = t->big.place;
    for (int64_t n = 0; n < images; n++, big += c->big.height * c->big.width * i) {
        pad(big, c->big, 1, c->top, c->left, t->in.height, t->in.width, c->padding, a, 0);
        for (int64_t y = 0; y < t->down; y++)
            for (int64_t x = 0; x < t->across; x++, v += t->big.apart)
                for (int64_t j = 0; j < i; j += LANES) {
                    const float *d = a + 2 * y * row + 2 * x * i + j;
                    vector half[4][4];
                    UNROLL for (int q = 0; q < 4; q++) {
                        vector d0 = at_vector(d + q * i), d1 = at_vector(d + row + q * i);
                        vector d2 = at_vector(d + 2 * row + q * i), d3 = at_vector(d + 3 * row + q * i);
                        half[0][q] = d0 - d2, half[1][q] = d1 + d2, half[2][q] = d2 - d1, half[3][q] = d1 - d3;
                    }
                    float *to = v + j;
                    UNROLL for (int p = 0; p < 4; p++, to += 4 * place) {
                        put(to, half[p][0] - half[p][2]), put(to + place, half[p][1] + half[p][2]);
                        put(to + 2 * place, half[p][2] - half[p][1]), put(to + 3 * place, half[p][1] - half[p][3]);
                    }
                }
    }
}

/* The adjoint: the places' gradients, summed where tiles overlap, and brought from the padded image to the big one's. */
static void gather_big(const struct convolution *c, const struct tiling *t, const float *v, int64_t images, float *a,
                       float *big) {
    int64_t i = c->big.channels, row = t->in.width * i, place = t->big.place;
    for (int64_t n = 0; n < images; n++, big += c->big.height * c->big.width * i) {
        memset(a, 0, sizeof(float) * t->in.height * row);
        for (int64_t y = 0; y < t->down; y++)
            for (int64_t x = 0; x < t->across; x++, v += t->big.apart)
                for (int64_t j = 0; j < i; j += LANES) {
                    float *d = a + 2 * y * row + 2 * x * i + j;
                    const float *from = v + j;
                    vector half[4][4];
                    UNROLL for (int p = 0; p < 4; p++, from += 4 * place) {
                        vector v0 = at_vector(from), v1 = at_vector(from + place), v2 = at_vector(from + 2 * place);
                        vector v3 = at_vector(from + 3 * place);
                        half[p][0] = v0, half[p][1] = v1 - v2 + v3, half[p][2] = v1 + v2 - v0, half[p][3] = -v3;
                    }
                    UNROLL for (int q = 0; q < 4; q++) {
                        vector h0 = half[0][q], h1 = half[1][q], h2 = half[2][q], h3 = half[3][q];
                        float *to = d + q * i;
                        put(to, at_vector(to) + h0);
                        put(to + row, at_vector(to + row) + (h1 - h2 + h3));
                        put(to + 2 * row, at_vector(to + 2 * row) + (h1 + h2 - h0));
                        put(to + 3 * row, at_vector(to + 3 * row) - h3);
                    }
                }
        fold(a, c->big, 1, c->top, c->left, t->in.height, t->in.width, c->padding, big);
    }
}

/* The small image from its places. */
static void gather_small(const struct convolution *c, const struct tiling *t, const float *m, int64_t images,
                         const float *bias, float *small) {
    int64_t s = c->small.channels, high = c->small.height, wide = c->small.width, row = wide * s, place = t->small.place;
    for (int64_t n = 0; n < images; n++, small += high * row)
        for (int64_t y = 0; y < high; y += 2)
            for (int64_t x = 0; x < wide; x += 2, m += t->small.apart)
                for (int64_t j = 0; j < s; j += LANES) {
                    vector half[2][4], offset = bias ? at_vector(bias + j) : (vector){0};
                    UNROLL for (int q = 0; q < 4; q++) {
                        const float *from = m + j + q * place;
                        vector m0 = at_vector(from), m1 = at_vector(from + 4 * place);
                        vector m2 = at_vector(from + 8 * place), m3 = at_vector(from + 12 * place);
                        half[0][q] = m0 + m1 + m2, half[1][q] = m1 - m2 - m3;
                    }
                    float *to = small + y * row + x * s + j;
                    UNROLL for (int p = 0; p < 2; p++) {
                        if (y + p >= high) break;
                        put(to + p * row, half[p][0] + half[p][1] + half[p][2] + offset);
                        if (x + 1 < wide) put(to + p * row + s, half[p][1] - half[p][2] - half[p][3] + offset);
                    }
                }
}

/* The adjoint: the places of the small image's gradient. */
static void transform_small(const struct convolution *c, const struct tiling *t, const float *small, int64_t images,
                            float *m) {
    int64_t s = c->small.channels, high = c->small.height, wide = c->small.width, row = wide * s, place = t->small.place;
    for (int64_t n = 0; n < images; n++, small += high * row)
        for (int64_t y = 0; y < high; y += 2)
            for (int64_t x = 0; x < wide; x += 2, m += t->small.apart)
                for (int64_t j = 0; j < s; j += LANES) {
                    const float *from = small + y * row + x * s + j;
                    vector g[2][2], none = {0};
                    UNROLL for (int p = 0; p < 2; p++) {
                        g[p][0] = y + p < high ? at_vector(from + p * row) : none;
                        g[p][1] = y + p < high && x + 1 < wide ? at_vector(from + p * row + s) : none;
                    }
                    vector down[4][2];
                    UNROLL for (int q = 0; q < 2; q++) {
                        down[0][q] = g[0][q], down[1][q] = g[0][q] + g[1][q];
                        down[2][q] = g[0][q] - g[1][q], down[3][q] = -g[1][q];
                    }
                    float *to = m + j;
                    UNROLL for (int p = 0; p < 4; p++, to += 4 * place) {
                        vector left = down[p][0], right = down[p][1];
                        put(to, left), put(to + place, left + right);
                        put(to + 2 * place, left - right), put(to + 3 * place, -right);
                    }
                }
}

/* One product for each place: of the tiles of one image, which halves leave rounded, and weights. */
static void multiply_places(const struct convolution *c, const struct tiling *t, int64_t images, const struct places *of,
                            const struct places *into, float *work) {
    int64_t tiles = images * t->down * t->across;
    float *from = work + of->at, *to = work + into->at, *u = work + t->weights;
    struct pixel *at = (struct pixel *)(work + t->pixels);
    for (int64_t p = 0; p < tiles; p++) at[p] = (struct pixel){p * of->apart, p * into->apart, into->channels};
    for (int64_t p = 0; p < PLACES; p++, from += of->place, to += into->place, u += t->place_weights) {
        if (c->halves) halve(from, from, tiles * of->apart);
        multiply(from, at, tiles, 1, 0, of->channels, u, into->channels, 0, 0, to, c->halves, c->threads);
    }
}

/* small (images, ...) = bias + sum of w big. */
static void gather_by_winograd(const struct convolution *c, const float *big, int64_t images, const float *bias,
                               float *small, float *work) {
    struct tiling t = tiling_of(c, images);
    transform_weights(c, &t, 0, work + t.weights);
    for (int64_t n = 0; n < images; n += t.images) {
        int64_t many = least(t.images, images - n);
        transform_big(c, &t, big + n * size_of(c->big), many, work + t.padded, work + t.big.at);
        multiply_places(c, &t, many, &t.big, &t.small, work);
        gather_small(c, &t, work + t.small.at, many, bias, small + n * size_of(c->small));
    }
}

/* big (images, ...) += the adjoint of that, without the bias. */
static void scatter_by_winograd(const struct convolution *c, const float *small, int64_t images, float *big, float *work) {
    struct tiling t = tiling_of(c, images);
    transform_weights(c, &t, 1, work + t.weights);
    for (int64_t n = 0; n < images; n += t.images) {
        int64_t many = least(t.images, images - n);
        transform_small(c, &t, small + n * size_of(c->small), many, work + t.small.at);
        multiply_places(c, &t, many, &t.small, &t.big, work);
        gather_big(c, &t, work + t.big.at, many, work + t.padded, big + n * size_of(c->big));
    }
}

/* gradient (as the weights) = sum over pixels of big small. */
static void weigh_by_winograd(const struct convolution *c, const float *big, const float *small, int64_t images,
                              float *gradient, float *work) {
    struct tiling t = tiling_of(c, images);
    int64_t i = c->big.channels, s = c->small.channels;
    float *v = work + t.big.at, *m = work + t.small.at, *u = work + t.weights;
    memset(u, 0, sizeof(float) * PLACES * t.place_weights);
    for (int64_t n = 0; n < images; n += t.images) {
        int64_t many = least(t.images, images - n), tiles = many * t.down * t.across, step = c->halves ? 2 : 1;
        struct walk walk = {1, 1, divided_up(tiles, step), 0, 0, step * t.big.apart, 0, 0, step * t.small.apart};
        transform_big(c, &t, big + n * size_of(c->big), many, work + t.padded, v);
        transform_small(c, &t, small + n * size_of(c->small), many, m);
        for (int64_t p = 0; p < PLACES; p++) {
            float *left = v + p * t.big.place, *right = m + p * t.small.place;
            if (c->halves) pair_up(left, tiles * t.big.apart, t.big.apart), pair_up(right, tiles * t.small.apart, t.small.apart);
            correlate(left, i, right, s, &walk, u + p * t.place_weights, s, c->halves, c->threads);
        }
    }
    for (int64_t n = 0; n < s; n += LANES)
        for (int64_t r = 0; r < i; r += LOTS) {
            float found[LOTS * 9 * LANES];
            int64_t many = least(LOTS, i - r);
            for (int64_t q = 0; q < many; q++) {
                const float *from = u + (r + q) * s + n;
                vector half[3][4];
                UNROLL for (int x = 0; x < 4; x++) {
                    vector u0 = at_vector(from + x * t.place_weights), u1 = at_vector(from + (4 + x) * t.place_weights);
                    vector u2 = at_vector(from + (8 + x) * t.place_weights), u3 = at_vector(from + (12 + x) * t.place_weights);
                    vector even = 0.5f * (u1 + u2);
                    half[0][x] = u0 + even, half[1][x] = 0.5f * (u1 - u2), half[2][x] = even + u3;
                }
                UNROLL for (int y = 0; y < 3; y++) {
                    vector even = 0.5f * (half[y][1] + half[y][2]);
                    float *to = found + (q * 9 + 3 * y) * LANES;
                    put(to, half[y][0] + even), put(to + LANES, 0.5f * (half[y][1] - half[y][2]));
                    put(to + 2 * LANES, even + half[y][3]);
                }
            }
            for (int64_t k = 0; k < 9 * many; k += LANES) {
                vector row[LANES];
                for (int l = 0; l < LANES; l++) row[l] = at_vector(found + (k + l) * LANES);
                transpose(row);
                for (int64_t l = 0; l < LANES; l++) put(gradient + ((n + l) * i + r) * 9 + k, row[l]);
            }
        }
}
