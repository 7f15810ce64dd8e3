// A network of convolutions forward and backward: the layers in their order, each with what follows it at every pixel.
//
// Images lie with the channels as the fastest dimension. A layer is a convolution, or a transposed one, then channel norm,
// an activation and the sum with an earlier layer where it has these; or average pooling. Gradients of a layer's output
// come from outside and from the layers that look at it, and are added up before they go on.
#include <math.h>

#include "winograd.h"

enum kind { CONVOLUTION, TRANSPOSED, POOLING };
enum activation { NONE, RELU, LEAKY };
enum { IMAGE = -1, NOTHING = -2 };

struct layer {
    int64_t kind, input, residual;
    int64_t k, stride, top, left, padding;
    int64_t norm, activation;
    struct image in, out;
    int64_t passes_on;  // whether its input's gradient is wanted
    const float *weight, *bias, *scale, *shift;
    float *weight_gradient, *bias_gradient, *scale_gradient, *shift_gradient;  // 0 where not wanted
    float *output, *raw;  // behind everything, and before the norm
    float *gradient;  // of the output, from the layers that look at it
    const float *given;  // the same from outside, or 0
    double slope, epsilon;
    int64_t touched;
};

static struct convolution convolution_of(const struct layer *l, int halves, int threads) {
    int turned = l->kind == TRANSPOSED;
    return (struct convolution){turned ? l->out : l->in, turned ? l->in : l->out, l->k, l->stride, l->top, l->left,
                                l->padding, l->weight, halves, threads};
}

// The 3x3 windows of stride 2 of average pooling; what is outside is not counted.
static void pool(const struct layer *l, const float *input, int64_t images, float *output, float *gradient) {
    int64_t c = l->in.channels;
    for (int64_t n = 0; n < images; n++)
        for (int64_t y = 0; y < l->out.height; y++)
            for (int64_t x = 0; x < l->out.width; x++) {
                int64_t y0 = most(2 * y - l->top, 0), y1 = least(2 * y - l->top + 3, l->in.height);
                int64_t x0 = most(2 * x - l->left, 0), x1 = least(2 * x - l->left + 3, l->in.width);
                float *o = output + ((n * l->out.height + y) * l->out.width + x) * c;
                float count = (float)((y1 - y0) * (x1 - x0));
                for (int64_t i = 0; i < c; i++) {
                    float sum = 0;
                    for (int64_t v = y0; v < y1; v++)
                        for (int64_t u = x0; u < x1; u++) {
                            int64_t at = ((n * l->in.height + v) * l->in.width + u) * c + i;
                            if (gradient)
                                gradient[at] += o[i] / count;
                            else
                                sum += input[at];
                        }
                    if (!gradient) o[i] = sum / count;
                }
            }
}

// Norm, activation and residual of all pixels, from raw where there is a norm, else in place.
static void finish(const struct layer *l, int64_t images, const float *residual, int threads) {
    int64_t c = l->out.channels, pixels = images * l->out.height * l->out.width;
    float slope = l->activation == NONE ? 1.0f : l->activation == RELU ? 0.0f : (float)l->slope;
    float epsilon = (float)l->epsilon;
    if (!l->norm && l->activation == NONE && !residual) return;
#pragma omp parallel for num_threads(threads) if (threads > 1 && pixels * c > 50000)
    for (int64_t p = 0; p < pixels; p++) {
        float *to = l->output + p * c;
        const float *from = l->norm ? l->raw + p * c : to, *scale = l->scale, *shift = l->shift;
        float mean = 0, variance = 0, factor = 1;
        if (l->norm) {
#pragma omp simd reduction(+ : mean)
            for (int64_t i = 0; i < c; i++) mean += from[i];
            mean /= (float)c;
#pragma omp simd reduction(+ : variance)
            for (int64_t i = 0; i < c; i++) variance += (from[i] - mean) * (from[i] - mean);
            factor = 1.0f / sqrtf(variance / (float)c + epsilon);
#pragma omp simd
            for (int64_t i = 0; i < c; i++) to[i] = (from[i] - mean) * factor * scale[i] + shift[i];
        }
        if (l->activation == RELU)
            for (int64_t i = 0; i < c; i++) to[i] = to[i] < 0 ? 0 : to[i];
        else if (l->activation == LEAKY)
            for (int64_t i = 0; i < c; i++) to[i] = to[i] > 0 ? to[i] : slope * to[i];
        if (residual)
            for (int64_t i = 0; i < c; i++) to[i] += residual[p * c + i];
    }
}

// From the gradient of the output to that before the norm; the norm's own gradients are added up.
static void start(const struct layer *l, int64_t images, float *d) {
    int64_t c = l->out.channels, pixels = images * l->out.height * l->out.width;
    float slope = (float)l->slope, epsilon = (float)l->epsilon;
    if (l->scale_gradient) memset(l->scale_gradient, 0, sizeof(float) * c);
    if (l->shift_gradient) memset(l->shift_gradient, 0, sizeof(float) * c);
    for (int64_t p = 0; p < pixels; p++) {
        float *restrict g = d + p * c;
        const float *restrict y = l->output + p * c;
        if (l->activation == RELU)
            for (int64_t i = 0; i < c; i++) g[i] = y[i] <= 0 ? 0 : g[i];
        else if (l->activation == LEAKY)
            for (int64_t i = 0; i < c; i++) g[i] = y[i] > 0 ? g[i] : slope * g[i];
        if (!l->norm) continue;
        const float *restrict z = l->raw + p * c, *restrict scale = l->scale;
        float *restrict scale_gradient = l->scale_gradient, *restrict shift_gradient = l->shift_gradient;
        float mean = 0, variance = 0, along = 0, across = 0;
#pragma omp simd reduction(+ : mean)
        for (int64_t i = 0; i < c; i++) mean += z[i];
        mean /= (float)c;
#pragma omp simd reduction(+ : variance)
        for (int64_t i = 0; i < c; i++) variance += (z[i] - mean) * (z[i] - mean);
        float factor = 1.0f / sqrtf(variance / (float)c + epsilon);
        if (scale_gradient)
            for (int64_t i = 0; i < c; i++) {
                scale_gradient[i] += g[i] * (z[i] - mean) * factor;
                shift_gradient[i] += g[i];
            }
#pragma omp simd reduction(+ : along, across)
        for (int64_t i = 0; i < c; i++) {
            along += g[i] * scale[i];
            across += g[i] * scale[i] * (z[i] - mean);
        }
        along /= (float)c;
        across *= factor * factor / (float)c;
        for (int64_t i = 0; i < c; i++) g[i] = factor * (g[i] * scale[i] - along - across * (z[i] - mean));
    }
}

static void sum_pixels(const float *restrict from, int64_t pixels, int64_t channels, float *restrict sum) {
    memset(sum, 0, sizeof(float) * channels);
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t i = 0; i < channels; i++) sum[i] += from[p * channels + i];
}

static void add(float *restrict to, const float *restrict from, int64_t n, int64_t *touched) {
    if (*touched)
        for (int64_t i = 0; i < n; i++) to[i] += from[i];
    else
        memcpy(to, from, sizeof(float) * n);
    *touched = 1;
}

// Whether products of bfloat16 are compiled here, which `halves` asks for.
int64_t network_has_halves(void) { return HALVES; }

// The floats that `network_forward` and `network_backward` work in.
int64_t network_room(const struct layer *layers, int64_t count, int64_t images) {
    int64_t found = 0;
    for (const struct layer *l = layers; l < layers + count; l++) {
        struct convolution c = convolution_of(l, 0, 1);
        struct image in = padded(&c, 1);
        int64_t whole = images * (most(size_of(l->out), size_of(l->in)) + size_of(in)) + 64 * LANES;
        found = most(found, whole + (l->kind == POOLING ? 0 : room(&c, images)));
        if (l->kind == CONVOLUTION && by_winograd(&c)) found = most(found, tiling_of(&c, images).floats);
    }
    return found;
}

void network_forward(const struct layer *layers, int64_t count, int64_t images, const float *image, float *work,
                     int64_t halves, int64_t threads) {
    for (const struct layer *l = layers; l < layers + count; l++) {
        const float *input = l->input == IMAGE ? image : layers[l->input].output;
        const float *residual = l->residual == NOTHING ? 0 : l->residual == IMAGE ? image : layers[l->residual].output;
        struct convolution c = convolution_of(l, (int)halves, (int)threads);
        float *to = l->norm ? l->raw : l->output;
        if (l->kind == POOLING)
            pool(l, input, images, l->output, 0);
        else if (l->kind == CONVOLUTION && by_winograd(&c))
            gather_by_winograd(&c, input, images, l->bias, to, work);
        else if (l->kind == CONVOLUTION)
            gather(&c, input, images, group_of(&c, images), l->bias, 0, to, work);
        else
            scatter(&c, input, images, group_of(&c, images), l->bias, 0, to, work);
        finish(l, images, residual, (int)threads);
    }
}

// Adds the gradient of a layer's input to where it is kept.
static void pass_on(const struct layer *l, const float *d, int64_t images, float *to, int64_t *touched, float *work,
                    int halves, int threads) {
    struct convolution c = convolution_of(l, halves, threads);
    int64_t n = images * size_of(l->in);
    int winograd = l->kind == CONVOLUTION && by_winograd(&c);
    if (l->kind == POOLING || winograd || (l->kind == CONVOLUTION && l->padding != ZERO)) {
        if (!*touched) memset(to, 0, sizeof(float) * n);
        *touched = 1;
    }
    if (l->kind == POOLING) {
        pool(l, 0, images, (float *)d, to);
    } else if (winograd) {
        scatter_by_winograd(&c, d, images, to, work);
    } else if (l->kind == TRANSPOSED) {
        gather(&c, d, images, group_of(&c, images), 0, (int)*touched, to, work);
    } else if (l->padding == ZERO) {
        scatter(&c, d, images, group_of(&c, images), 0, (int)*touched, to, work);
    } else {
        struct image whole = padded(&c, 1);
        struct convolution inner = c;
        inner.big = whole, inner.top = inner.left = 0, inner.padding = ZERO;
        float *ring = work;
        scatter(&inner, d, images, group_of(&c, images), 0, 0, ring, work + images * size_of(whole) + LANES);
        fold(ring, c.big, images, c.top, c.left, whole.height, whole.width, c.padding, to);
    }
    *touched = 1;
}

void network_backward(struct layer *layers, int64_t count, int64_t images, const float *image, float *image_gradient,
                      float *work, int64_t halves, int64_t threads) {
    int64_t image_touched = 0;
    for (struct layer *l = layers; l < layers + count; l++) l->touched = 0;
    for (struct layer *l = layers + count - 1; l >= layers; l--) {
        // All that is known of the output's gradient.
        if (!l->gradient) continue;
        int64_t n = images * size_of(l->out);
        const float *input = l->input == IMAGE ? image : layers[l->input].output;
        if (l->given) add(l->gradient, l->given, n, &l->touched);
        if (!l->touched) memset(l->gradient, 0, sizeof(float) * n);

        // It goes to the layer that was added as it is, and through activation and norm.
        if (l->residual == IMAGE && image_gradient)
            add(image_gradient, l->gradient, n, &image_touched);
        else if (l->residual >= 0 && layers[l->residual].gradient)
            add(layers[l->residual].gradient, l->gradient, n, &layers[l->residual].touched);
        if (l->kind != POOLING) start(l, images, l->gradient);

        // To the weights, and to the input.
        if (l->bias_gradient) sum_pixels(l->gradient, images * l->out.height * l->out.width, l->out.channels, l->bias_gradient);
        if (l->weight_gradient) {
            struct convolution k = convolution_of(l, (int)halves, (int)threads);
            int turned = l->kind == TRANSPOSED;
            if (!turned && by_winograd(&k))
                weigh_by_winograd(&k, input, l->gradient, images, l->weight_gradient, work);
            else
                weigh(&k, turned ? l->gradient : input, turned ? input : l->gradient, images, group_of(&k, images),
                  l->weight_gradient, work);
        }
        if (l->passes_on && l->input == IMAGE)
            pass_on(l, l->gradient, images, image_gradient, &image_touched, work, (int)halves, (int)threads);
        else if (l->passes_on)
            pass_on(l, l->gradient, images, layers[l->input].gradient, &layers[l->input].touched, work, (int)halves,
                    (int)threads);
    }
}
