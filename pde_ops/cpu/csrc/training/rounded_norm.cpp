// Batch norm by the batch's own statistics, with a ReLU behind it or not, in bfloat16 with the channels of a pixel side
// by side (torch.channels_last); arithmetic, parameters and statistics are float32, sums of many values double. Nothing
// is kept for the backward pass but the input and two numbers a channel.
//
// A vector's worth of pixels is a block: as many vectors as there are channels. What belongs to a channel is repeated
// to a block's length, so that vector k of each block meets vector k of it, whatever the number of channels is.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../grid.h"

namespace pde {
namespace {

constexpr int V = kLanes<float>;
constexpr long BLOCKS = 64;  // that are added up in float before sums in double take them over

struct Map {
  long pixels, channels;
  long block() const { return channels * V; }
  long blocks() const { return pixels / V; }
  long chunks() const { return (pixels + V * BLOCKS - 1) / (V * BLOCKS); }
  std::vector<float> repeated(const std::vector<float>& of) const {
    std::vector<float> all(block());
    for (long k = 0; k < block(); ++k) all[k] = of[k % channels];
    return all;
  }
};

// Of a chunk: block(o, k) for every vector, values from `o` on, which meet those from `k` on of a block's length; and
// value(o, channel) for each value behind the last whole block.
template <class Block, class Value> PDE_INLINE void each_block(const Map& m, long chunk, Block&& block, Value&& value) {
  const long first = chunk * BLOCKS, end = std::min(first + BLOCKS, m.blocks());
  for (long b = first; b < end; ++b)
    for (long k = 0; k < m.block(); k += V) block(b * m.block() + k, k);
  if (chunk + 1 < m.chunks()) return;
  for (long o = m.blocks() * m.block(); o < m.pixels * m.channels; ++o) value(o, o % m.channels);
}

PDE_INLINE Vec<float> above_zero(Vec<float> value, Vec<float> where) { return keep<float>(value, where > 0.0f); }

// Two sums of each channel: term(o, k, one, two) adds what a vector gives, value_term(o, channel, one, two) a value.
template <class Term, class ValueTerm>
std::vector<double> sums(const Map& m, int threads, const Term& term, const ValueTerm& value_term) {
  std::vector<double> parts(m.chunks() * 2 * m.channels);
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    std::vector<float> memory(2 * m.block() + V);
    float *one = memory.data(), *two = one + m.block();
#pragma omp for schedule(static)
    for (long chunk = 0; chunk < m.chunks(); ++chunk) {
      std::fill(memory.begin(), memory.end(), 0.0f);
      double* const part = &parts[chunk * 2 * m.channels];
      each_block(m, chunk, [&](long o, long k) __attribute__((always_inline)) {
        Vec<float> first = load(one + k), second = load(two + k);
        term(o, k, first, second);
        store(one + k, first);
        store(two + k, second);
      }, [&](long o, long c) { value_term(o, c, part[c], part[m.channels + c]); });
      for (long k = 0; k < m.block(); ++k) {
        part[k % m.channels] += one[k];
        part[m.channels + k % m.channels] += two[k];
      }
    }
  }
  std::vector<double> all(2 * m.channels);
  for (size_t k = 0; k < parts.size(); ++k) all[k % all.size()] += parts[k];
  return all;
}

template <class Block, class Value> void each(const Map& m, int threads, const Block& block, const Value& value) {
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
  for (long chunk = 0; chunk < m.chunks(); ++chunk) each_block(m, chunk, block, value);
}

struct Affine {
  std::vector<float> scale, shift;
};

template <bool RELU>
void forward(const bfloat16* x, const float* weight, const float* bias, bfloat16* out, float* mean, float* variance,
             float* inverse, const Map& m, double eps, int threads) {
  const double count = double(m.pixels);
  std::vector<float> pivot(m.channels);  // some pixels' mean: near that of all, so that nothing cancels
  const long some = std::min<long>(m.pixels, 64), apart = m.pixels / some;
  for (long c = 0; c < m.channels; ++c) {
    double sum = 0;
    for (long p = 0; p < some; ++p) sum += widen(x[p * apart * m.channels + c]);
    pivot[c] = float(sum / some);
  }
  const std::vector<float> pivots = m.repeated(pivot);
  const std::vector<double> found = sums(m, threads, [&](long o, long k, Vec<float>& one, Vec<float>& two)
                                         __attribute__((always_inline)) {
    const Vec<float> d = read_vector<float>(x + o) - load(pivots.data() + k);
    one += d;
    two += d * d;
  }, [&](long o, long c, double& one, double& two) {
    const double d = widen(x[o]) - pivot[c];
    one += d;
    two += d * d;
  });
  Affine own{std::vector<float>(m.channels), std::vector<float>(m.channels)};
  for (long c = 0; c < m.channels; ++c) {
    const double from_pivot = found[c] / count, squares = found[m.channels + c] / count - from_pivot * from_pivot;
    const double wide = squares < 0 ? 0 : squares;  // a NaN passes
    mean[c] = float(pivot[c] + from_pivot);
    variance[c] = float(wide);
    inverse[c] = float(1 / std::sqrt(wide + eps));
    own.scale[c] = weight[c] * inverse[c];
    own.shift[c] = float(bias[c] - double(mean[c]) * own.scale[c]);
  }
  const std::vector<float> scale = m.repeated(own.scale), shift = m.repeated(own.shift);
  each(m, threads, [&](long o, long k) __attribute__((always_inline)) {
    const Vec<float> y = read_vector<float>(x + o) * load(scale.data() + k) + load(shift.data() + k);
    write_vector<float>(out + o, RELU ? Vec<float>(y < 0.0f ? Vec<float>{} : y) : y);
  }, [&](long o, long c) {
    const float y = widen(x[o]) * own.scale[c] + own.shift[c];
    narrow(RELU && y < 0 ? 0.0f : y, out[o]);
  });
}

template <bool RELU>
void backward(const bfloat16* x, const float* weight, const float* bias, const float* mean, const float* inverse,
              const bfloat16* grad, bfloat16* grad_x, float* grad_weight, float* grad_bias, const Map& m, int threads) {
  const double count = double(m.pixels);
  Affine own{std::vector<float>(m.channels), std::vector<float>(m.channels)};
  for (long c = 0; c < m.channels; ++c) {
    own.scale[c] = weight[c] * inverse[c];
    own.shift[c] = float(bias[c] - double(mean[c]) * own.scale[c]);
  }
  const std::vector<float> middle(mean, mean + m.channels);
  const std::vector<float> scale = m.repeated(own.scale), shift = m.repeated(own.shift), means = m.repeated(middle);
  const auto of_vector = [&](long o, long k, Vec<float> at) __attribute__((always_inline)) {
    const Vec<float> g = read_vector<float>(grad + o);
    return RELU ? above_zero(g, at * load(scale.data() + k) + load(shift.data() + k)) : g;
  };
  const auto of_value = [&](long o, long c, float at) {
    return RELU && !(at * own.scale[c] + own.shift[c] > 0) ? 0.0f : widen(grad[o]);
  };
  const std::vector<double> found = sums(m, threads, [&](long o, long k, Vec<float>& one, Vec<float>& two)
                                         __attribute__((always_inline)) {
    const Vec<float> at = read_vector<float>(x + o), g = of_vector(o, k, at);
    one += g;
    two += g * (at - load(means.data() + k));
  }, [&](long o, long c, double& one, double& two) {
    const float at = widen(x[o]), g = of_value(o, c, at);
    one += g;
    two += double(g) * (at - mean[c]);
  });
  std::vector<float> slope(m.channels), offset(m.channels);  // grad_x = scale g - slope x - offset
  for (long c = 0; c < m.channels; ++c) {
    const double product = found[m.channels + c];
    grad_bias[c] = float(found[c]);
    grad_weight[c] = float(product * inverse[c]);
    slope[c] = float(own.scale[c] * product / count * inverse[c] * inverse[c]);
    offset[c] = float(own.scale[c] * found[c] / count);
  }
  const std::vector<float> slopes = m.repeated(slope), offsets = m.repeated(offset);
  each(m, threads, [&](long o, long k) __attribute__((always_inline)) {
    const Vec<float> at = read_vector<float>(x + o);
    const Vec<float> own_grad = of_vector(o, k, at) * load(scale.data() + k) - load(offsets.data() + k);
    write_vector<float>(grad_x + o, Vec<float>(own_grad - (at - load(means.data() + k)) * load(slopes.data() + k)));
  }, [&](long o, long c) {
    const float at = widen(x[o]);
    narrow(of_value(o, c, at) * own.scale[c] - offset[c] - (at - mean[c]) * slope[c], grad_x[o]);
  });
}

}  // namespace
}  // namespace pde

extern "C" {

// sizes: pixels of all images, channels. mean, variance (biased) and inverse (of the deviation) are written.
void rounded_norm_forward(const pde::bfloat16* x, const float* weight, const float* bias, pde::bfloat16* out,
                          float* mean, float* variance, float* inverse, const long* sizes, double eps, int relu,
                          int threads) {
  const auto run = relu ? pde::forward<true> : pde::forward<false>;
  run(x, weight, bias, out, mean, variance, inverse, {sizes[0], sizes[1]}, eps, threads);
}

void rounded_norm_backward(const pde::bfloat16* x, const float* weight, const float* bias, const float* mean,
                           const float* inverse, const pde::bfloat16* grad, pde::bfloat16* grad_x, float* grad_weight,
                           float* grad_bias, const long* sizes, int relu, int threads) {
  const auto run = relu ? pde::backward<true> : pde::backward<false>;
  run(x, weight, bias, mean, inverse, grad, grad_x, grad_weight, grad_bias, {sizes[0], sizes[1]}, threads);
}
}
