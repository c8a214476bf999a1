// Batch norm by the batch's own statistics, with a ReLU behind it or not, float32, planes of (N, C, H, W) one after
// the other. Nothing is kept for the backward pass but the input and two numbers a channel.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int Mask __attribute__((vector_size(32)));
constexpr int LANES = 8;
constexpr long CHUNK = 4096;  // floats of a channel that are added up before a sum in double takes them over

Eight load(const float* from) { return *(const Eight*)from; }

Eight positive(Eight value, Eight where) {
    const Mask mask = where > 0;
    return (Eight)((Mask)value & mask);
}

// Two sums over a channel, plane by plane.
struct Sums {
    Eight first[2] = {}, second[2] = {};  // side by side, so that one addition need not wait for the last
    double one = 0, two = 0;
    long held = 0;

    void end_plane(long size, const Eight (&one_side)[2], const Eight (&other_side)[2]) {
        for (int s = 0; s < 2; ++s) {
            first[s] = one_side[s];
            second[s] = other_side[s];
        }
        held += size;
        if (held >= CHUNK) flush();
    }

    void flush() {
        for (int s = 0; s < 2; ++s) {
            for (int l = 0; l < LANES; ++l) {
                one += first[s][l];
                two += second[s][l];
            }
            first[s] = second[s] = Eight{};
        }
        held = 0;
    }
};

// Of what a plane is above ``shift``, and of its square.
void moments(const float* x, long size, float shift, Sums& sums) {
    // In registers: whatever lies behind ``sums`` could be what ``x`` points to.
    Eight first[2] = {sums.first[0], sums.first[1]}, second[2] = {sums.second[0], sums.second[1]};
    long i = 0;
    for (; i + 2 * LANES <= size; i += 2 * LANES)
        for (int s = 0; s < 2; ++s) {
            const Eight d = load(x + i + s * LANES) - shift;
            first[s] += d;
            second[s] += d * d;
        }
    for (; i < size; ++i) {
        const float d = x[i] - shift;
        sums.one += d;
        sums.two += double(d) * d;
    }
    sums.end_plane(size, first, second);
}

template <bool RELU>
void scaled(const float* x, float* out, long size, float scale, float shift) {
    long i = 0;
    for (; i + LANES <= size; i += LANES) {
        const Eight y = load(x + i) * scale + shift;
        *(Eight*)(out + i) = RELU ? positive(y, y) : y;
    }
    for (; i < size; ++i) {
        const float y = x[i] * scale + shift;
        out[i] = RELU && !(y > 0) ? 0.0f : y;
    }
}

struct Channel {
    float mean, scale, shift;
};

// Of the gradient, and of its product with what the input is above its mean.
template <bool RELU>
void gradient_sums(const float* x, const float* grad, long size, Channel c, Sums& sums) {
    Eight first[2] = {sums.first[0], sums.first[1]}, second[2] = {sums.second[0], sums.second[1]};
    long i = 0;
    for (; i + 2 * LANES <= size; i += 2 * LANES)
        for (int s = 0; s < 2; ++s) {
            const Eight at = load(x + i + s * LANES);
            Eight g = load(grad + i + s * LANES);
            if (RELU) g = positive(g, at * c.scale + c.shift);
            first[s] += g;
            second[s] += g * (at - c.mean);
        }
    for (; i < size; ++i) {
        if (RELU && !(x[i] * c.scale + c.shift > 0)) continue;
        sums.one += grad[i];
        sums.two += double(grad[i]) * (x[i] - c.mean);
    }
    sums.end_plane(size, first, second);
}

template <bool RELU>
void gradients(const float* x, const float* grad, float* out, long size, Channel c, float offset, float slope) {
    long i = 0;
    for (; i + LANES <= size; i += LANES) {
        const Eight at = load(x + i);
        Eight g = load(grad + i);
        if (RELU) g = positive(g, at * c.scale + c.shift);
        *(Eight*)(out + i) = c.scale * (g - offset - (at - c.mean) * slope);
    }
    for (; i < size; ++i) {
        const float g = RELU && !(x[i] * c.scale + c.shift > 0) ? 0.0f : grad[i];
        out[i] = c.scale * (g - offset - (x[i] - c.mean) * slope);
    }
}

struct Sizes {
    long n, channels, plane;
    long at(long image, long channel) const { return (image * channels + channel) * plane; }
    // Channels of a thread. It goes through them image by image, as they lie: planes of one channel are a multiple of a
    // page apart, where a cache holds few of them, and a second pass would read all from memory again.
    long share(int threads) const { return (channels + threads - 1) / threads; }
};

template <bool RELU>
void forward(const float* x, const float* weight, const float* bias, float* out, float* mean, float* variance, float* inverse, Sizes s, double eps, long first, long end) {
    const long count = end - first;
    std::vector<Sums> sums(count);
    std::vector<Channel> own(count);
    std::vector<float> shift(count);
    for (long c = 0; c < count; ++c) {
        double some = 0;  // a pixel of each image: near the mean, so that nothing cancels
        for (long i = 0; i < s.n; ++i) some += x[s.at(i, first + c)];
        shift[c] = float(some / s.n);
    }
    for (long i = 0; i < s.n; ++i)
        for (long c = 0; c < count; ++c) moments(x + s.at(i, first + c), s.plane, shift[c], sums[c]);
    for (long c = 0; c < count; ++c) {
        sums[c].flush();
        const double all = double(s.n) * s.plane, apart = sums[c].one / all, middle = shift[c] + apart;
        const double spread = std::max(0.0, sums[c].two / all - apart * apart);
        const long k = first + c;
        mean[k] = float(middle);
        variance[k] = float(spread);
        inverse[k] = float(1 / std::sqrt(spread + eps));
        own[c].scale = weight[k] * inverse[k];
        own[c].shift = float(bias[k] - double(mean[k]) * own[c].scale);
    }
    for (long i = 0; i < s.n; ++i)
        for (long c = 0; c < count; ++c) {
            const long at = s.at(i, first + c);
            scaled<RELU>(x + at, out + at, s.plane, own[c].scale, own[c].shift);
        }
}

template <bool RELU>
void backward(const float* x, const float* weight, const float* bias, const float* mean, const float* inverse, const float* grad, float* grad_x, float* grad_weight, float* grad_bias, Sizes s, long first, long end) {
    const long count = end - first;
    std::vector<Sums> sums(count);
    std::vector<Channel> own(count);
    std::vector<float> offset(count), slope(count);
    for (long c = 0; c < count; ++c) {
        const long k = first + c;
        const float scale = weight[k] * inverse[k];
        own[c] = {mean[k], scale, float(bias[k] - double(mean[k]) * scale)};
    }
    for (long i = 0; i < s.n; ++i)
        for (long c = 0; c < count; ++c) {
            const long at = s.at(i, first + c);
            gradient_sums<RELU>(x + at, grad + at, s.plane, own[c], sums[c]);
        }
    for (long c = 0; c < count; ++c) {
        sums[c].flush();
        const long k = first + c;
        const double all = double(s.n) * s.plane;
        grad_bias[k] = float(sums[c].one);
        grad_weight[k] = float(sums[c].two * inverse[k]);
        offset[c] = float(sums[c].one / all);
        slope[c] = float(sums[c].two / all * inverse[k] * inverse[k]);
    }
    for (long i = 0; i < s.n; ++i)
        for (long c = 0; c < count; ++c) {
            const long at = s.at(i, first + c);
            gradients<RELU>(x + at, grad + at, grad_x + at, s.plane, own[c], offset[c], slope[c]);
        }
}

}  // namespace

extern "C" {

// mean, variance (biased) and inverse (of the deviation) are written, a number a channel.
void norm_forward(const float* x, const float* weight, const float* bias, float* out, float* mean, float* variance, float* inverse, const long* sizes, double eps, int relu, int threads) {
    const Sizes s{sizes[0], sizes[1], sizes[2]};
    const auto run = relu ? forward<true> : forward<false>;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long c = 0; c < s.channels; c += s.share(threads))
        run(x, weight, bias, out, mean, variance, inverse, s, eps, c, std::min(s.channels, c + s.share(threads)));
}

void norm_backward(const float* x, const float* weight, const float* bias, const float* mean, const float* inverse, const float* grad, float* grad_x, float* grad_weight, float* grad_bias, const long* sizes, int relu, int threads) {
    const Sizes s{sizes[0], sizes[1], sizes[2]};
    const auto run = relu ? backward<true> : backward<false>;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long c = 0; c < s.channels; c += s.share(threads))
        run(x, weight, bias, mean, inverse, grad, grad_x, grad_weight, grad_bias, s, c, std::min(s.channels, c + s.share(threads)));
}
}
