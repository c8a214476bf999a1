// A 1x1 convolution, float32, planes of (N, C, H, W) one after the other, and both of its gradients in one pass.
//
// Channels of one pixel lie a plane apart, often a multiple of a page, where a cache holds few of them. So the channels
// of TILE pixels are copied side by side first, and all that is done with them reads the copy. Of planes that are large
// enough these are 256, a quarter of a page, so that a processor sees in which direction it goes on.
#include <algorithm>
#include <cstring>
#include <vector>

#include "gradient.h"

namespace {

// ROWS x WIDE sums of LANES are kept in registers: AVX-512 has 32 of them, AVX2 16.
#ifdef __AVX512F__
constexpr int LANES = 16, ROWS = 8;
#else
constexpr int LANES = 8, ROWS = 4;
#endif
constexpr int WIDE = 2, PART = 64, LARGE = 256;
constexpr long FEW = 64;  // channels of which LARGE pixels do not leave the cache
typedef float Lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
constexpr long FLUSH = 4096;  // pixels whose products are added up before a sum in double takes them over

Lanes load(const float* from) { return *(const Lanes*)from; }

struct Sizes {
    long n, in, out, plane;
};

// ``count`` pixels of ``channels`` planes, side by side; pixels beyond are zero.
template <int TILE>
void gather(const float* from, long plane, int channels, int count, float* tile) {
    for (int c = 0; c < channels; ++c) {
        std::memcpy(tile + c * TILE, from + c * plane, sizeof(float) * count);
        if (count < TILE) std::memset(tile + c * TILE + count, 0, sizeof(float) * (TILE - count));
    }
}

// By groups of ROWS outputs: the weights of a channel of theirs side by side. ``weight`` (o, c) is at o * so + c * sc.
std::vector<float> packed(const float* weight, int outputs, int channels, long so, long sc) {
    std::vector<float> made(size_t((outputs + ROWS - 1) / ROWS) * ROWS * channels, 0.0f);
    for (int o = 0; o < outputs; ++o)
        for (int c = 0; c < channels; ++c)
            made[(size_t(o / ROWS) * channels + c) * ROWS + o % ROWS] = weight[o * so + c * sc];
    return made;
}

// out (outputs planes, ``count`` pixels of each) = weight * tile.
template <int TILE>
void multiply(const float* weight, const float* tile, int channels, int outputs, float* out, long plane, int count) {
    for (int o = 0; o < outputs; o += ROWS, weight += size_t(channels) * ROWS) {
        const int most = std::min(ROWS, outputs - o);
        for (int p = 0; p < count; p += WIDE * LANES) {
            Lanes total[ROWS][WIDE] = {};
            for (int c = 0; c < channels; ++c)
                for (int v = 0; v < WIDE; ++v) {
                    const Lanes x = load(tile + c * TILE + p + v * LANES);
                    for (int r = 0; r < ROWS; ++r) total[r][v] += weight[c * ROWS + r] * x;
                }
            for (int r = 0; r < most; ++r) {
                float* to = out + (o + r) * plane + p;
                if (p + WIDE * LANES <= count)
                    for (int v = 0; v < WIDE; ++v) *(Lanes*)(to + v * LANES) = total[r][v];
                else std::memcpy(to, total[r], sizeof(float) * (count - p));
            }
        }
    }
}

// sums (outputs x channels) += over PART of the tile's pixels, grad times x.
template <int TILE>
void correlate(const float* grad, const float* x, int outputs, int channels, Lanes* sums) {
    for (int o = 0; o < outputs; o += ROWS)
        for (int c = 0; c < channels; c += WIDE) {
            const int rows = std::min(ROWS, outputs - o), columns = std::min(WIDE, channels - c);
            Lanes total[ROWS][WIDE] = {};
            for (int p = 0; p < PART; p += LANES)
                for (int v = 0; v < WIDE; ++v) {
                    const Lanes at = load(x + (c + v) * TILE + p);
                    for (int r = 0; r < ROWS; ++r) total[r][v] += load(grad + (o + r) * TILE + p) * at;
                }
            for (int r = 0; r < rows; ++r)
                for (int v = 0; v < columns; ++v) sums[long(o + r) * channels + c + v] += total[r][v];
        }
}

template <int TILE>
void forward(const float* x, const float* weight, float* out, Sizes s, int threads) {
    const std::vector<float> weights = packed(weight, s.out, s.in, s.in, 1);
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> tile(size_t(s.in) * TILE);
#pragma omp for
        for (long n = 0; n < s.n; ++n)
            for (long p = 0; p < s.plane; p += TILE) {
                const int count = int(std::min<long>(TILE, s.plane - p));
                gather<TILE>(x + n * s.in * s.plane + p, s.plane, s.in, count, tile.data());
                multiply<TILE>(weights.data(), tile.data(), s.in, s.out, out + n * s.out * s.plane + p, s.plane, count);
            }
    }
}

template <int TILE>
void backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, Sizes s, int threads) {
    const std::vector<float> weights = packed(weight, s.in, s.out, 1, s.in);
    const size_t size = grad_weight ? size_t(s.out) * s.in : 0;
    std::vector<Gradient<Lanes>> parts(threads, Gradient<Lanes>(size));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; ++t) {
        // With room for the rows of the last group that are not there.
        std::vector<float> xs(size_t(s.in + WIDE) * TILE, 0.0f), grads(size_t(s.out + ROWS) * TILE, 0.0f);
        Gradient<Lanes>& own = parts[t];
        for (long n = s.n * t / threads; n < s.n * (t + 1) / threads; ++n)
            for (long p = 0; p < s.plane; p += TILE) {
                const int count = int(std::min<long>(TILE, s.plane - p));
                gather<TILE>(grad + n * s.out * s.plane + p, s.plane, s.out, count, grads.data());
                if (grad_x) multiply<TILE>(weights.data(), grads.data(), s.out, s.in, grad_x + n * s.in * s.plane + p, s.plane, count);
                if (!size) continue;
                gather<TILE>(x + n * s.in * s.plane + p, s.plane, s.in, count, xs.data());
                for (int part = 0; part < count; part += PART) {
                    correlate<TILE>(grads.data() + part, xs.data() + part, s.out, s.in, own.sums.data());
                    if ((own.held += std::min(PART, count - part)) >= FLUSH) own.flush();
                }
            }
        own.flush();
    }
    add_up(parts, grad_weight);
}

bool large(Sizes s) { return s.plane >= LARGE && std::max(s.in, s.out) <= FEW; }

Sizes read(const long* sizes) { return {sizes[0], sizes[1], sizes[2], sizes[3]}; }

}  // namespace

extern "C" {

void pointwise(const float* x, const float* weight, float* out, const long* sizes, int threads) {
    const Sizes s = read(sizes);
    (large(s) ? forward<LARGE> : forward<PART>)(x, weight, out, s, threads);
}

// A gradient that is not wanted is null.
void pointwise_backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, const long* sizes, int threads) {
    const Sizes s = read(sizes);
    (large(s) ? backward<LARGE> : backward<PART>)(x, weight, grad, grad_x, grad_weight, s, threads);
}
}
