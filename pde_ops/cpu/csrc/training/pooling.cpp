// The largest or the mean of 3x3 pixels around each one, or each second one, float32, planes of (N, C, H, W) one after
// the other. Pixels beyond the border do not count. Nothing is kept for the backward pass but the input.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace {

typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int Mask __attribute__((vector_size(32)));
constexpr int LANES = 8, SIDE = 3, TAPS = SIDE * SIDE;

Eight load(const float* from) { return *(const Eight*)from; }

struct Sizes {
    long planes;
    int rows, columns, stride;
    int out_rows() const { return (rows + stride - 1) / stride; }
    int out_columns() const { return (columns + stride - 1) / stride; }
    long plane() const { return long(rows) * columns; }
    long out_plane() const { return long(out_rows()) * out_columns(); }
};

// A plane with a border of one pixel; tap k of the pixel (r, c) is at ``tap(r, k) + c``.
struct Bordered {
    int rows, columns, pitch;
    std::vector<float> values;

    Bordered(Sizes s, float border) : rows(s.rows), columns(s.columns), pitch((s.columns + LANES - 1) / LANES * LANES + 2) {
        values.assign(size_t(rows + 2) * pitch + LANES, border);
    }

    float* row(int r) { return values.data() + size_t(r + 1) * pitch + 1; }
    const float* tap(int r, int k) const { return values.data() + size_t(r + k / SIDE) * pitch + k % SIDE; }

    void fill(const float* plane) {
        for (int r = 0; r < rows; ++r) std::memcpy(row(r), plane + size_t(r) * columns, sizeof(float) * columns);
    }

    // So that each second pixel has a value, where the stride is 2; the others stay as they are.
    void spread(const float* plane, Sizes s) {
        for (int r = 0; r < s.out_rows(); ++r)
            for (int c = 0; c < s.out_columns(); ++c) row(r * s.stride)[c * s.stride] = plane[size_t(r) * s.out_columns() + c];
    }
};

// ``value(r, c)``, for eight columns from c on, of each pixel that the stride leaves, one after the other.
template <class Value>
void write(float* out, Sizes s, Value value) {
    for (int r = 0; r < s.rows; r += s.stride)
        for (int c = 0; c < s.columns; c += LANES) {
            const Eight found = value(r, c);
            const int most = std::min(LANES, s.columns - c);
            if (s.stride == 1 && most == LANES) *(Eight*)out = found, out += LANES;
            else for (int l = 0; l < most; l += s.stride) *out++ = found[l];
        }
}

// A NaN wins, as in torch.
Eight larger(Eight one, Eight two) { return (two > one) | (two != two) ? two : one; }

Eight largest(const Bordered& in, int r, int c) {
    Eight best = load(in.tap(r, 0) + c);
    for (int k = 1; k < TAPS; ++k) best = larger(best, load(in.tap(r, k) + c));
    return best;
}

Eight sum(const Bordered& in, int r, int c) {
    Eight total = load(in.tap(r, 0) + c);
    for (int k = 1; k < TAPS; ++k) total += load(in.tap(r, k) + c);
    return total;
}

// One over the number of pixels that count.
struct Shares {
    std::vector<float> rows, columns;
    explicit Shares(Sizes s) : rows(along(s.rows)), columns(along(s.columns)) {}

    static std::vector<float> along(int size) {
        std::vector<float> shares(size + LANES, 1.0f / SIDE);
        for (int at : {0, size - 1}) shares[at] = 1.0f / (SIDE - (at == 0) - (at == size - 1));
        return shares;
    }
    Eight at(int r, int c) const { return load(columns.data() + c) * rows[r]; }
};

void max_forward(const float* x, float* out, Sizes s, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Bordered in(s, -std::numeric_limits<float>::infinity());
#pragma omp for
        for (long p = 0; p < s.planes; ++p) {
            in.fill(x + p * s.plane());
            write(out + p * s.out_plane(), s, [&](int r, int c) { return largest(in, r, c); });
        }
    }
}

// Each gradient goes to the first of the largest pixels, row by row.
void max_backward(const float* x, const float* grad, float* grad_x, Sizes s, int threads) {
    const Sizes each{s.planes, s.rows, s.columns, 1};
#pragma omp parallel num_threads(threads)
    {
        Bordered in(s, -std::numeric_limits<float>::infinity()), from(s, 0.0f), chosen(s, -1.0f);
#pragma omp for
        for (long p = 0; p < s.planes; ++p) {
            in.fill(x + p * s.plane());
            from.spread(grad + p * s.out_plane(), s);
            for (int r = 0; r < s.rows; r += s.stride)
                for (int c = 0; c < s.columns; c += LANES) {
                    Eight best = load(in.tap(r, 0) + c), which = {};
                    for (int k = 1; k < TAPS; ++k) {
                        const Eight value = load(in.tap(r, k) + c);
                        const Mask above = value > best;
                        best = above ? value : best;
                        which = above ? Eight{} + float(k) : which;
                    }
                    std::memcpy(chosen.row(r) + c, &which, sizeof(float) * std::min(LANES, s.columns - c));
                }
            write(grad_x + p * s.plane(), each, [&](int r, int c) {
                Eight total = {};
                for (int k = 0; k < TAPS; ++k) {  // the pixel is tap k of the one that is opposite
                    const int opposite = TAPS - 1 - k;
                    const Mask own = load(chosen.tap(r, opposite) + c) == float(k);
                    total += (Eight)(own & (Mask)load(from.tap(r, opposite) + c));
                }
                return total;
            });
        }
    }
}

void mean_forward(const float* x, float* out, Sizes s, int threads) {
    const Shares shares(s);
#pragma omp parallel num_threads(threads)
    {
        Bordered in(s, 0.0f);
#pragma omp for
        for (long p = 0; p < s.planes; ++p) {
            in.fill(x + p * s.plane());
            write(out + p * s.out_plane(), s, [&](int r, int c) { return sum(in, r, c) * shares.at(r, c); });
        }
    }
}

void mean_backward(const float* grad, float* grad_x, Sizes s, int threads) {
    const Shares shares(s);
    const Sizes each{s.planes, s.rows, s.columns, 1};
#pragma omp parallel num_threads(threads)
    {
        Bordered from(s, 0.0f);
#pragma omp for
        for (long p = 0; p < s.planes; ++p) {
            from.spread(grad + p * s.out_plane(), s);
            for (int r = 0; r < s.rows; r += s.stride)
                for (int c = 0; c < s.columns; c += s.stride) from.row(r)[c] *= shares.rows[r] * shares.columns[c];
            write(grad_x + p * s.plane(), each, [&](int r, int c) { return sum(from, r, c); });
        }
    }
}

Sizes read(const long* sizes) { return {sizes[0], int(sizes[1]), int(sizes[2]), int(sizes[3])}; }

}  // namespace

extern "C" {

void pool(const float* x, float* out, const long* sizes, int mean, int threads) {
    (mean ? mean_forward : max_forward)(x, out, read(sizes), threads);
}

// The mean's needs no x.
void pool_backward(const float* x, const float* grad, float* grad_x, const long* sizes, int mean, int threads) {
    if (mean) mean_backward(grad, grad_x, read(sizes), threads);
    else max_backward(x, grad, grad_x, read(sizes), threads);
}
}
