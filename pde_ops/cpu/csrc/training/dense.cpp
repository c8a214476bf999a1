// A dense 3x3 convolution of stride and padding 1, float32, planes of (N, C, H, W) one after the other, and both of its
// gradients in one pass.
//
// A register holds eight pixels of one channel, so that any number of channels is as quick as a multiple of eight. Each
// image is copied once, with a border of zeros, so that every tap is a plain load.
#include <algorithm>
#include <cstring>
#include <vector>

#include "gradient.h"

namespace {

typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int LANES = 8, TAPS = 9, LINE = 16;  // a cache's line
constexpr int GROUP = 5;  // outputs whose sums are kept in registers at a time: the quickest number, see `width`
constexpr int MOST_ROWS = 4;
constexpr int BESIDE = 4;  // output channels of which the gradients of three taps are
constexpr int PIXELS = 1024;  // over which these are added up in registers, of as many images as that takes
constexpr long FLUSH = 4096;  // pixels whose products are added up before a sum in double takes them over

Eight load(const float* from) { return *(const Eight*)from; }
int up(int value, int unit) { return (value + unit - 1) / unit * unit; }

struct Sizes {
    long n;
    int in, out, rows, columns;
    long plane() const { return long(rows) * columns; }
};

// Planes of ``images`` images with their borders: rows and columns begin at -1. Column 0 is where a register's load does
// not cross a cache's line; what is before it and after the last one are the same zeros.
struct Planes {
    int images, rows, columns, pitch;
    long one, plane;  // of an image, and of all, in values
    std::vector<float> values;
    float* start;

    // With room for ``spare`` planes of zeros after the last channel.
    Planes(int images, int channels, int rows, int columns, int spare = 0)
        : images(images), rows(rows), columns(columns), pitch(up(columns + 1, LANES)), one(long(rows + MOST_ROWS + 1) * pitch), plane(images * one), values((channels + spare) * plane + LANES + 2 * LINE, 0.0f) {
        start = values.data() + LINE - (size_t)values.data() / sizeof(float) % LINE;
    }

    void fill(int image, const float* from, int channels) {
        for (int c = 0; c < channels; ++c)
            for (int r = 0; r < rows; ++r, from += columns)
                std::memcpy(at(image, c, r, 0), from, sizeof(float) * columns);
    }

    float* at(int image, int channel, int row, int column) const {
        return start + channel * plane + image * one + (row + 1) * pitch + column;
    }
};

// How many outputs are computed for the last ``left`` ones. Two rows of five take less time than two of three or four, or
// of six, with four rows of one or two a little behind (with AVX2: 38, 22, 22, 27 and 20 billion products a second).
constexpr int width(int left) { return left > 2 ? GROUP : left; }

// By groups of outputs, then channels, then taps: the weights of the group side by side, with zeros for outputs that are
// not there. ``transposed``: outputs and channels, and the order of the taps, the other way round, as the gradient of the
// input asks for.
std::vector<float> packed(const float* weight, int outputs, int channels, bool transposed) {
    std::vector<float> made;
    for (int first = 0; first < outputs; first += GROUP)
        for (int c = 0; c < channels; ++c)
            for (int t = 0; t < TAPS; ++t)
                for (int o = first; o < first + width(outputs - first); ++o)
                    made.push_back(o >= outputs ? 0.0f : transposed ? weight[(long(c) * outputs + o) * TAPS + TAPS - 1 - t] : weight[(long(o) * channels + c) * TAPS + t]);
    return made;
}

template <int O>
void convolve(const Planes& in, int image, int channels, const float* weight, float* out, int outputs) {
    constexpr int ROWS = O > 2 ? 2 : MOST_ROWS;
    const long plane = long(in.rows) * in.columns;
    for (int r = 0; r < in.rows; r += ROWS)
        for (int x = 0; x < in.columns; x += LANES) {
            Eight sum[O][ROWS] = {};
            const float* w = weight;
            for (int c = 0; c < channels; ++c)
                for (int i = 0; i < 3; ++i) {
                    const float* from = in.at(image, c, r + i - 1, x - 1);
                    for (int j = 0; j < 3; ++j, w += O) {
                        Eight pixels[ROWS];
                        for (int t = 0; t < ROWS; ++t) pixels[t] = load(from + t * in.pitch + j);
                        for (int o = 0; o < O; ++o)
                            for (int t = 0; t < ROWS; ++t) sum[o][t] += w[o] * pixels[t];
                    }
                }
            const int most = std::min(LANES, in.columns - x), rows = std::min(ROWS, in.rows - r);
            for (int o = 0; o < outputs; ++o)
                for (int t = 0; t < rows; ++t) {
                    float* to = out + o * plane + long(r + t) * in.columns + x;
                    if (most == LANES) *(Eight*)to = sum[o][t];
                    else std::memcpy(to, &sum[o][t], sizeof(float) * most);
                }
        }
}

// out (outputs planes) = weight * in, by `packed` weights.
void convolve_all(const Planes& in, int image, int channels, int outputs, const float* weight, float* out) {
    const long plane = long(in.rows) * in.columns;
    for (int o = 0; o < outputs; o += GROUP, weight += long(GROUP) * channels * TAPS, out += GROUP * plane) {
        const int left = std::min(GROUP, outputs - o), wide = width(left);
        (wide == 1 ? convolve<1> : wide == 2 ? convolve<2> : convolve<GROUP>)(in, image, channels, weight, out, left);
    }
}

// sums (outputs x channels x TAPS) += over all pixels of ``count`` images, grad times what each tap read; of BESIDE outputs
// at a time, or the spare planes after them, and one row of taps.
void correlate(const Planes& grad, const Planes& in, int count, int outputs, int channels, Eight* sums) {
    for (int o = 0; o < outputs; o += BESIDE)
        for (int c = 0; c < channels; ++c)
            for (int i = 0; i < 3; ++i) {
                Eight total[BESIDE][3] = {};
                for (int n = 0; n < count; ++n)
                    for (int r = 0; r < in.rows; ++r) {
                        const float *g = grad.at(n, o, r, 0), *from = in.at(n, c, r + i - 1, -1);
                        for (int x = 0; x < in.columns; x += LANES) {
                            const Eight read[3] = {load(from + x), load(from + x + 1), load(from + x + 2)};
                            for (int k = 0; k < BESIDE; ++k) {
                                const Eight of = load(g + k * grad.plane + x);
                                for (int j = 0; j < 3; ++j) total[k][j] += of * read[j];
                            }
                        }
                    }
                for (int k = 0; k < std::min(BESIDE, outputs - o); ++k)
                    for (int j = 0; j < 3; ++j) sums[(long(o + k) * channels + c) * TAPS + i * 3 + j] += total[k][j];
            }
}

void forward(const float* x, const float* weight, float* out, Sizes s, int threads) {
    const std::vector<float> weights = packed(weight, s.out, s.in, false);
#pragma omp parallel num_threads(threads)
    {
        Planes in(1, s.in, s.rows, s.columns);
#pragma omp for
        for (long n = 0; n < s.n; ++n) {
            in.fill(0, x + n * s.in * s.plane(), s.in);
            convolve_all(in, 0, s.in, s.out, weights.data(), out + n * s.out * s.plane());
        }
    }
}

void backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, Sizes s, int threads) {
    const std::vector<float> weights = packed(weight, s.in, s.out, true);
    const size_t size = grad_weight ? size_t(s.out) * s.in * TAPS : 0;
    std::vector<Gradient<Eight>> parts(threads, Gradient<Eight>(size));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; ++t) {
        const long images = std::max<long>(1, PIXELS / s.plane()), end = s.n * (t + 1) / threads;
        Planes in(images, s.in, s.rows, s.columns), grads(images, s.out, s.rows, s.columns, BESIDE - 1);
        Gradient<Eight>& own = parts[t];
        for (long n = s.n * t / threads; n < end; n += images) {
            const int count = std::min(images, end - n);
            for (int k = 0; k < count; ++k) {
                grads.fill(k, grad + (n + k) * s.out * s.plane(), s.out);
                if (grad_x) convolve_all(grads, k, s.out, s.in, weights.data(), grad_x + (n + k) * s.in * s.plane());
                if (size) in.fill(k, x + (n + k) * s.in * s.plane(), s.in);
            }
            if (size) correlate(grads, in, count, s.out, s.in, own.sums.data());
            if ((own.held += count * s.plane()) >= FLUSH) own.flush();
        }
        own.flush();
    }
    add_up(parts, grad_weight);
}

Sizes read(const long* sizes) { return {sizes[0], int(sizes[1]), int(sizes[2]), int(sizes[3]), int(sizes[4])}; }

}  // namespace

extern "C" {

// Whether it has been measured to be quicker than oneDNN: with AVX2, not with AVX-512, where both hold more in a register.
int dense_pays() {
#if defined(__AVX2__) && !defined(__AVX512F__)
    return 1;
#else
    return 0;
#endif
}

void dense(const float* x, const float* weight, float* out, const long* sizes, int threads) {
    forward(x, weight, out, read(sizes), threads);
}

// A gradient that is not wanted is null.
void dense_backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, const long* sizes, int threads) {
    backward(x, weight, grad, grad_x, grad_weight, read(sizes), threads);
}
}
