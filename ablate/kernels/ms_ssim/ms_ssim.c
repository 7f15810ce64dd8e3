// 1 - MS-SSIM of planes and its gradient, each plane streamed through the caches row by row.
//
// With s = x + y and d = x - y there is no mixed moment, and a small difference keeps its digits. G averages under the
// window (11 x 11, separable), where it lies inside the plane; at one level
//     m_s = G s,  m_d = G d,  v_s = G s^2 - m_s^2,  v_d = G d^2 - m_d^2
//     1 - cs = 2 v_d / B,                B = v_s + v_d + 2 C2
//     1 - l  = 2 m_d^2 / D,              D = (m_s - black)^2 + m_d^2 + 2 C1      (at the coarsest level only)
//     e      = mean of 1 - cs, or of 1 - l cs = (1 - l) + (1 - cs) - (1 - l)(1 - cs)
// and over levels j of weights w_j, the planes halved between them,
//     loss = mean over planes of 1 - prod_j relu(1 - e_j)^w_j = -expm1(sum_j w_j log1p(-e_j)).
// Taking the dissimilarity e instead of the similarity keeps six digits of a loss of 1e-5.
//
// Gradient: per window, unscaled, of 1 - e:
//     q_s = d/d(G s^2) = 2 v_d / B^2 l,   q_d = d/d(G d^2) = -2 (v_s + 2 C2) / B^2 l
//     p_s = d/d m_s = -2 m_s q_s + cs 4 m_d^2 (m_s - black) / D^2
//     p_d = d/d m_d = -2 m_d q_d - cs 4 m_d ((m_s - black)^2 + 2 C1) / D^2
// and with G' the adjoint of G, at every pixel
//     d/dx = d/ds + d/dd = G'(p_s + p_d) + 2 s G' q_s + 2 d G' q_d,
// for which three maps are kept: p = p_s + p_d, q_s and q_d. What the levels share is a factor
// k_j = -w_j (prod) / (1 - e_j) / (windows) / (planes) for each, known only at the end; it is applied while the levels'
// gradients are added up, the coarsest first. A plane with a level at or below zero has the loss 1 and no gradient.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 11, REACH = TAPS - 1, MOST_LEVELS = 5, PAD = 32 };

typedef struct {
    float taps[6];  // the first half and the middle of the window; it is symmetric
    float c1, c2, black;  // black: of s, twice that of an image
    float shift;  // taken off s, so that it lies around 0 and its squares keep their digits; black is told without it
    int clipped;  // whether a plane whose similarity is below 0 counts as 0; if not, there is one level of weight 1
    int levels;
    double weights[MOST_LEVELS];
} Settings;

typedef struct {
    float *s, *d;  // the planes
    float *gradient;  // by x; NULL where nobody asks for it
    int height, width;
    double dissimilarity;
} Level;

// Rings of the last 11 rows of squares and of maps, and single rows.
typedef struct {
    float *squares_s, *squares_d, *maps[3], *down[4], *zeros;
    int64_t pitch;
} Rows;

#define ACROSS(t, r, i)                                                                            \
    ((t)[0] * ((r)[i] + (r)[(i) + 10]) + (t)[1] * ((r)[(i) + 1] + (r)[(i) + 9]) +                  \
     (t)[2] * ((r)[(i) + 2] + (r)[(i) + 8]) + (t)[3] * ((r)[(i) + 3] + (r)[(i) + 7]) +             \
     (t)[4] * ((r)[(i) + 4] + (r)[(i) + 6]) + (t)[5] * (r)[(i) + 5])

// Averages 11 rows under the window.
static void down(const float *const rows[TAPS], const float *taps, float *restrict out, int width) {
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4], *r5 = rows[5];
    const float *r6 = rows[6], *r7 = rows[7], *r8 = rows[8], *r9 = rows[9], *r10 = rows[10];
    const float t0 = taps[0], t1 = taps[1], t2 = taps[2], t3 = taps[3], t4 = taps[4], t5 = taps[5];
#pragma omp simd
    for (int i = 0; i < width; i++)
        out[i] = t0 * (r0[i] + r10[i]) + t1 * (r1[i] + r9[i]) + t2 * (r2[i] + r8[i]) + t3 * (r3[i] + r7[i]) +
                 t4 * (r4[i] + r6[i]) + t5 * r5[i];
}

// Computes a row of windows from the vertical averages: returns the sum of dissimilarities and writes the maps.
// `coarsest` is a constant where it is inlined.
static inline __attribute__((always_inline)) float windows(
    const Settings *settings, const Rows *rows, int count, float *restrict p, float *restrict q_s, float *restrict q_d,
    int coarsest) {
    const float *const s = rows->down[0], *const d = rows->down[1], *const ss = rows->down[2], *const dd = rows->down[3];
    const float t[6] = {settings->taps[0], settings->taps[1], settings->taps[2],
                        settings->taps[3], settings->taps[4], settings->taps[5]};
    const float c1 = 2 * settings->c1, c2 = 2 * settings->c2, black = settings->black;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < count; i++) {
        const float m_s = ACROSS(t, s, i), m_d = ACROSS(t, d, i);
        const float v_s = ACROSS(t, ss, i) - m_s * m_s, v_d = ACROSS(t, dd, i) - m_d * m_d;
        const float inverse = 1 / (v_s + v_d + c2);
        float unlike = 2 * v_d * inverse;
        float by_s = 2 * v_d * inverse * inverse, by_d = -2 * (v_s + c2) * inverse * inverse;
        float light_s = 0, light_d = 0;
        if (coarsest) {
            const float bright = m_s - black, a = bright * bright, b = m_d * m_d;
            const float share = 1 / (a + b + c1), darker = 2 * b * share, l = 1 - darker;
            const float slope = 4 * (1 - unlike) * share * share;
            light_s = slope * b * bright;
            light_d = -slope * m_d * (a + c1);
            unlike = darker + unlike - darker * unlike;
            by_s *= l;
            by_d *= l;
        }
        sum += unlike;
        q_s[i] = by_s;
        q_d[i] = by_d;
        const float mean_s = light_s - 2 * m_s * by_s, mean_d = light_d - 2 * m_d * by_d;
        p[i] = mean_s + mean_d;
    }
    return sum;
}

// Spreads the maps' windows back over the pixels of row `row`; maps has rows row - 10 .. row, zeros outside.
static void spread(const Settings *settings, const Rows *rows, const Level *level, int row) {
    const int width = level->width, windows_high = level->height - REACH;
    for (int m = 0; m < 3; m++) {
        const float *ring[TAPS];
        for (int k = 0; k < TAPS; k++) {
            const int from = row - REACH + k;
            ring[k] = from < 0 || from >= windows_high ? rows->zeros : rows->maps[m] + (from % TAPS) * rows->pitch;
        }
        down(ring, settings->taps, rows->down[m], width + REACH);
    }
    const float *const s = level->s + (int64_t)row * width, *const d = level->d + (int64_t)row * width;
    const float *const p = rows->down[0], *const q_s = rows->down[1], *const q_d = rows->down[2];
    const float t[6] = {settings->taps[0], settings->taps[1], settings->taps[2],
                        settings->taps[3], settings->taps[4], settings->taps[5]};
    float *restrict gradient = level->gradient + (int64_t)row * width;
#pragma omp simd
    for (int i = 0; i < width; i++)
        gradient[i] = ACROSS(t, p, i) + 2 * (s[i] * ACROSS(t, q_s, i) + d[i] * ACROSS(t, q_d, i));
}

static void measure(const Settings *settings, const Rows *rows, Level *level, int coarsest) {
    const int height = level->height, width = level->width;
    const int high = height - REACH, wide = width - REACH;
    const int64_t pitch = rows->pitch;
    // The maps lie between 10 zeros and 10 zeros, over which the window hangs when they are spread back.
    for (int m = 0; m < 3; m++) memset(rows->maps[m], 0, sizeof(float) * (size_t)(TAPS * pitch));
    double sum = 0;
    for (int r = 0; r < height; r++) {
        const float *const s = level->s + (int64_t)r * width, *const d = level->d + (int64_t)r * width;
        float *restrict ss = rows->squares_s + (r % TAPS) * pitch, *restrict dd = rows->squares_d + (r % TAPS) * pitch;
#pragma omp simd
        for (int i = 0; i < width; i++) {
            ss[i] = s[i] * s[i];
            dd[i] = d[i] * d[i];
        }
        if (r < REACH) continue;
        const int top = r - REACH;
        const float *of_s[TAPS], *of_d[TAPS], *of_ss[TAPS], *of_dd[TAPS];
        for (int k = 0; k < TAPS; k++) {
            of_s[k] = level->s + (int64_t)(top + k) * width;
            of_d[k] = level->d + (int64_t)(top + k) * width;
            of_ss[k] = rows->squares_s + ((top + k) % TAPS) * pitch;
            of_dd[k] = rows->squares_d + ((top + k) % TAPS) * pitch;
        }
        down(of_s, settings->taps, rows->down[0], width);
        down(of_d, settings->taps, rows->down[1], width);
        down(of_ss, settings->taps, rows->down[2], width);
        down(of_dd, settings->taps, rows->down[3], width);
        float *maps[3];
        for (int m = 0; m < 3; m++) maps[m] = rows->maps[m] + (top % TAPS) * pitch + REACH;
        sum += coarsest ? windows(settings, rows, wide, maps[0], maps[1], maps[2], 1)
                        : windows(settings, rows, wide, maps[0], maps[1], maps[2], 0);
        if (level->gradient) spread(settings, rows, level, top);
    }
    for (int r = high; level->gradient && r < height; r++) spread(settings, rows, level, r);
    level->dissimilarity = sum / ((double)high * (double)wide);
}

// Averages 2 x 2 pixels; a side of odd length has black before its first pixel.
static void halve(const float *from, int height, int width, float black, float *to) {
    const int odd_rows = height % 2, odd_columns = width % 2;
    const int high = (height + odd_rows) / 2, wide = (width + odd_columns) / 2;
    for (int r = 0; r < high; r++) {
        const float *const above = from + (int64_t)(2 * r - odd_rows) * width - odd_columns;
        const float *const below = above + width;
        float *restrict row = to + (int64_t)r * wide;
        if (2 * r < odd_rows) {  // above is black
            row[0] = 0.25f * (2 * black + (odd_columns ? black : below[0]) + below[1]);
#pragma omp simd
            for (int i = 1; i < wide; i++) row[i] = 0.25f * (2 * black + below[2 * i] + below[2 * i + 1]);
            continue;
        }
        row[0] = odd_columns ? 0.25f * (2 * black + above[1] + below[1])
                             : 0.25f * ((above[0] + above[1]) + (below[0] + below[1]));
#pragma omp simd
        for (int i = 1; i < wide; i++)
            row[i] = 0.25f * ((above[2 * i] + above[2 * i + 1]) + (below[2 * i] + below[2 * i + 1]));
    }
}

// Adds a level's gradient, k times, to what the coarser level's says, a quarter for each of four pixels.
static void add_up(Level *fine, const Level *coarse, double factor) {
    const float k = (float)factor;
    const int odd_rows = fine->height % 2, odd_columns = fine->width % 2;
    for (int r = 0; r < fine->height; r++) {
        float *restrict row = fine->gradient + (int64_t)r * fine->width;
        const float *const above = coarse ? coarse->gradient + (int64_t)((r + odd_rows) / 2) * coarse->width : NULL;
        if (!above) {
#pragma omp simd
            for (int i = 0; i < fine->width; i++) row[i] *= k;
        } else if (odd_columns) {
#pragma omp simd
            for (int i = 0; i < fine->width; i++) row[i] = k * row[i] + 0.25f * above[(i + 1) >> 1];
        } else {
#pragma omp simd
            for (int i = 0; i < fine->width; i++) row[i] = k * row[i] + 0.25f * above[i >> 1];
        }
    }
}

// Returns the loss of one plane; writes its gradient by x.
static double plane(
    const Settings *settings, Level *levels, const Rows *rows, const float *x, const float *y, int64_t planes,
    float *gradient) {
    const int last = settings->levels - 1;
    const int64_t pixels = (int64_t)levels[0].height * levels[0].width;
    float *restrict s = levels[0].s, *restrict d = levels[0].d;
#pragma omp simd
    for (int64_t i = 0; i < pixels; i++) {
        s[i] = x[i] + y[i] - settings->shift;
        d[i] = x[i] - y[i];
    }
    double logarithm = 0;
    int dead = 0;
    levels[0].gradient = gradient;
    for (int j = 0; j <= last; j++) {
        if (!gradient) levels[j].gradient = NULL;
        if (j) {
            halve(levels[j - 1].s, levels[j - 1].height, levels[j - 1].width, settings->black, levels[j].s);
            halve(levels[j - 1].d, levels[j - 1].height, levels[j - 1].width, 0, levels[j].d);
        }
        measure(settings, rows, &levels[j], j == last);
        if (settings->weights[j] == 0) continue;  // what has no weight counts for nothing
        dead |= levels[j].dissimilarity >= 1;
        logarithm += settings->weights[j] * log1p(-levels[j].dissimilarity);
    }
    if (!settings->clipped) {
        const double windows = (double)(levels[0].height - REACH) * (double)(levels[0].width - REACH);
        if (gradient) add_up(&levels[0], NULL, -1 / windows / (double)planes);
        return levels[0].dissimilarity;
    }
    if (!gradient) return dead ? 1 : -expm1(logarithm);
    if (dead) {
        memset(gradient, 0, sizeof(float) * (size_t)pixels);
        return 1;
    }
    const double similarity = exp(logarithm);
    for (int j = last; j >= 0; j--) {
        const double windows = (double)(levels[j].height - REACH) * (double)(levels[j].width - REACH);
        const double k = settings->weights[j] == 0
            ? 0
            : -settings->weights[j] * similarity / (1 - levels[j].dissimilarity) / windows / (double)planes;
        add_up(&levels[j], j < last ? &levels[j + 1] : NULL, k);
    }
    return -expm1(logarithm);
}

// Lays out what a thread needs in one piece of memory; returns it, or NULL where there is none.
static float *lay_out(int levels_count, int height, int width, Level *levels, Rows *rows) {
    int64_t pixels = 0;
    for (int j = 0, h = height, w = width; j < levels_count; j++, h = (h + 1) / 2, w = (w + 1) / 2) {
        levels[j].height = h;
        levels[j].width = w;
        pixels += (int64_t)h * w + PAD;
    }
    rows->pitch = width + 2 * REACH + PAD;
    float *const memory = malloc(sizeof(float) * (size_t)(3 * pixels + (5 * TAPS + 5) * rows->pitch));
    if (!memory) return NULL;
    float *next = memory;
    for (int j = 0; j < levels_count; j++) {
        const int64_t size = (int64_t)levels[j].height * levels[j].width + PAD;
        levels[j].s = next;
        levels[j].d = next + size;
        levels[j].gradient = next + 2 * size;
        next += 3 * size;
    }
    float **const rings[5] = {&rows->squares_s, &rows->squares_d, &rows->maps[0], &rows->maps[1], &rows->maps[2]};
    for (int i = 0; i < 5; i++, next += TAPS * rows->pitch) *rings[i] = next;
    for (int i = 0; i < 4; i++, next += rows->pitch) rows->down[i] = next;
    rows->zeros = next;
    memset(rows->zeros, 0, sizeof(float) * (size_t)rows->pitch);
    return memory;
}

// x, y, gradient: planes x height x width, no gradient where it is NULL; losses: one a plane. Returns 0, or 1 where
// there is no memory.
int ms_ssim(
    const Settings *settings, const float *x, const float *y, int64_t planes, int height, int width, int threads,
    double *losses, float *gradient, float *value) {
    int failed = 0;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        Level levels[MOST_LEVELS];
        Rows rows;
        float *const memory = lay_out(settings->levels, height, width, levels, &rows);
        if (!memory) {
#pragma omp atomic write
            failed = 1;
        }
#pragma omp for schedule(dynamic, 1)
        for (int64_t p = 0; p < planes; p++) {
            if (!memory) continue;
            const int64_t offset = p * height * width;
            losses[p] = plane(settings, levels, &rows, x + offset, y + offset, planes, gradient ? gradient + offset : NULL);
        }
        free(memory);
    }
    if (failed) return 1;
    double total = 0;
    for (int64_t p = 0; p < planes; p++) total += losses[p];
    *value = (float)(total / (double)planes);
    return 0;
}
