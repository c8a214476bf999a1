// A depthwise convolution, behind a ReLU or not, in one pass, float32, planes of (N, C, H, W) one after the other.
//
// Each plane is copied once into a buffer with a border of zeros, so that every tap is a plain load of eight columns;
// for stride 2 even and odd columns lie apart there. Four rows of eight outputs are kept in registers for all taps.
#include <algorithm>
#include <cstring>
#include <vector>

namespace {

typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int LANES = 8, ROWS = 4;
constexpr int SUMS = 12;  // that are kept in registers at a time, of which there may be 16

int up(int value, int unit) { return (value + unit - 1) / unit * unit; }

struct Taps {
    int kernel, dilation, stride;
    int border() const { return dilation * (kernel / 2); }
    int span() const { return dilation * (kernel - 1); }
};

// A plane with its border, from which out_rows x out_columns outputs are read.
struct Buffer {
    Taps taps;
    int half, pitch;
    std::vector<float> values;

    Buffer(Taps taps, int out_rows, int out_columns) : taps(taps) {
        half = up(out_columns, LANES) + taps.span() / taps.stride + 1;
        pitch = half * taps.stride;
        values.assign(size_t(taps.stride * up(out_rows, ROWS) + taps.span()) * pitch + LANES, 0.0f);
    }

    // Columns apart by ``spread`` and rows too: what a stride has left out is zero.
    void fill(const float* plane, int rows, int columns, bool relu, int spread) {
        const int border = taps.border();
        for (int r = 0; r < rows; ++r) {
            float* row = values.data() + size_t(r * spread + border) * pitch;
            const float* from = plane + size_t(r) * columns;
            if (taps.stride == 1 && spread == 1) {
                float* to = row + border;
                if (relu) for (int x = 0; x < columns; ++x) to[x] = from[x] > 0 ? from[x] : 0.0f;
                else std::memcpy(to, from, sizeof(float) * columns);
            } else {
                for (int x = 0; x < columns; ++x) {
                    const int at = x * spread + border;
                    row[column(at)] = relu && !(from[x] > 0) ? 0.0f : from[x];
                }
            }
        }
    }

    int column(int at) const { return taps.stride == 1 ? at : (at & 1) * half + (at >> 1); }
    const float* tap(int row, int i) const {
        return values.data() + size_t(row * taps.stride + i * taps.dilation) * pitch;
    }
};

// out (rows x columns) = sum over taps of weight * buffer; with ``mask``, zero where that is not positive.
template <int K>
void convolve(const Buffer& in, const float* weight, float* out, int rows, int columns, const float* mask) {
    int offset[K];
    for (int j = 0; j < K; ++j) offset[j] = in.column(j * in.taps.dilation);
    for (int r = 0; r < rows; r += ROWS)
        for (int x = 0; x < columns; x += LANES) {
            Eight sum[ROWS] = {};
            for (int i = 0; i < K; ++i) {
                const float* from[ROWS];
                for (int t = 0; t < ROWS; ++t) from[t] = in.tap(r + t, i) + x;
                for (int j = 0; j < K; ++j) {
                    const float w = weight[i * K + j];
                    for (int t = 0; t < ROWS; ++t) sum[t] += w * *(const Eight*)(from[t] + offset[j]);
                }
            }
            const int most = std::min(LANES, columns - x);
            for (int t = 0; t < ROWS && r + t < rows; ++t) {
                const size_t at = size_t(r + t) * columns + x;
                if (most == LANES) *(Eight*)(out + at) = mask ? (*(const Eight*)(mask + at) > 0 ? sum[t] : Eight{}) : sum[t];
                else for (int l = 0; l < most; ++l) out[at + l] = mask && !(mask[at + l] > 0) ? 0.0f : sum[t][l];
            }
        }
}

// Of the rows ``i`` to ``i`` + I of taps, gradient += over all outputs, their gradient times what each tap read.
template <int K, int I>
void correlate_rows(const Buffer& in, const float* grad, int grad_pitch, int rows, int columns, const int* offset, int i, double* gradient) {
    Eight sum[I][K] = {};
    for (int r = 0; r < rows; ++r) {
        const float* from[I];
        for (int t = 0; t < I; ++t) from[t] = in.tap(r, i + t);
        const float* g = grad + size_t(r) * grad_pitch;
        for (int x = 0; x < columns; x += LANES) {
            const Eight of = *(const Eight*)(g + x);
            for (int t = 0; t < I; ++t)
                for (int j = 0; j < K; ++j) sum[t][j] += of * *(const Eight*)(from[t] + x + offset[j]);
        }
    }
    for (int t = 0; t < I; ++t)
        for (int j = 0; j < K; ++j)
            for (int l = 0; l < LANES; ++l) gradient[(i + t) * K + j] += sum[t][j][l];
}

// gradient (K * K) += over all outputs, their gradient times what each tap read. As many sums as there are registers for
// are kept at the same time, so that one addition need not wait for the last.
template <int K>
void correlate(const Buffer& in, const float* grad, int grad_pitch, int rows, int columns, double* gradient) {
    constexpr int I = std::min(K, SUMS / K);
    int offset[K];
    for (int j = 0; j < K; ++j) offset[j] = in.column(j * in.taps.dilation);
    int i = 0;
    for (; i + I <= K; i += I) correlate_rows<K, I>(in, grad, grad_pitch, rows, columns, offset, i, gradient);
    for (; i < K; ++i) correlate_rows<K, 1>(in, grad, grad_pitch, rows, columns, offset, i, gradient);
}

struct Sizes {
    long n, channels;
    int rows, columns, out_rows, out_columns;
    long plane() const { return long(rows) * columns; }
    long out_plane() const { return long(out_rows) * out_columns; }
};

template <int K>
void forward(const float* x, const float* weight, float* out, Sizes s, Taps taps, bool relu, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Buffer in(taps, s.out_rows, s.out_columns);
#pragma omp for
        for (long p = 0; p < s.n * s.channels; ++p) {
            in.fill(x + p * s.plane(), s.rows, s.columns, relu, 1);
            convolve<K>(in, weight + (p % s.channels) * K * K, out + p * s.out_plane(), s.out_rows, s.out_columns, nullptr);
        }
    }
}

template <int K>
void backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, Sizes s, Taps taps, bool relu, int threads) {
    const Taps back{K, taps.dilation, 1};
    const int pitch = up(s.out_columns, LANES);
    const long share = (s.channels + threads - 1) / threads;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long first = 0; first < s.channels; first += share) {
        const long count = std::min(share, s.channels - first);
        Buffer in(taps, s.out_rows, s.out_columns), spread(back, s.rows, s.columns);
        std::vector<float> wide(size_t(s.out_rows) * pitch, 0.0f), flipped(count * K * K);
        std::vector<double> gradient(count * K * K, 0.0);
        for (long k = 0; k < count * K * K; ++k)
            flipped[k] = weight[(first + k / (K * K)) * K * K + K * K - 1 - k % (K * K)];
        // Image by image, as planes lie: those of one channel are often a multiple of a page apart, where a cache holds few.
        for (long n = 0; n < s.n; ++n)
            for (long c = 0; c < count; ++c) {
                const long p = n * s.channels + first + c;
                const float* g = grad + p * s.out_plane();
                if (grad_x) {
                    spread.fill(g, s.out_rows, s.out_columns, false, taps.stride);
                    convolve<K>(spread, flipped.data() + c * K * K, grad_x + p * s.plane(), s.rows, s.columns, relu ? x + p * s.plane() : nullptr);
                }
                if (grad_weight) {
                    in.fill(x + p * s.plane(), s.rows, s.columns, relu, 1);
                    const float* rows = g;
                    if (pitch != s.out_columns) {
                        for (int r = 0; r < s.out_rows; ++r)
                            std::memcpy(wide.data() + size_t(r) * pitch, g + size_t(r) * s.out_columns, sizeof(float) * s.out_columns);
                        rows = wide.data();
                    }
                    correlate<K>(in, rows, pitch, s.out_rows, s.out_columns, gradient.data() + c * K * K);
                }
            }
        if (grad_weight) for (long k = 0; k < count * K * K; ++k) grad_weight[first * K * K + k] = float(gradient[k]);
    }
}

}  // namespace

extern "C" {

void depthwise(const float* x, const float* weight, float* out, const long* sizes, int kernel, int dilation, int stride, int relu, int threads) {
    const Sizes s{sizes[0], sizes[1], int(sizes[2]), int(sizes[3]), int(sizes[4]), int(sizes[5])};
    const Taps taps{kernel, dilation, stride};
    if (kernel == 3) forward<3>(x, weight, out, s, taps, relu, threads);
    if (kernel == 5) forward<5>(x, weight, out, s, taps, relu, threads);
    if (kernel == 7) forward<7>(x, weight, out, s, taps, relu, threads);
}

// A gradient that is not wanted is null.
void depthwise_backward(const float* x, const float* weight, const float* grad, float* grad_x, float* grad_weight, const long* sizes, int kernel, int dilation, int stride, int relu, int threads) {
    const Sizes s{sizes[0], sizes[1], int(sizes[2]), int(sizes[3]), int(sizes[4]), int(sizes[5])};
    const Taps taps{kernel, dilation, stride};
    if (kernel == 3) backward<3>(x, weight, grad, grad_x, grad_weight, s, taps, relu, threads);
    if (kernel == 5) backward<5>(x, weight, grad, grad_x, grad_weight, s, taps, relu, threads);
    if (kernel == 7) backward<7>(x, weight, grad, grad_x, grad_weight, s, taps, relu, threads);
}
}
