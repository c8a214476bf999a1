// A fixed layer (../fixed_operator.py) from a runtime's tensors: what the shims of all runtimes share.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "fixed_settings.h"  // made at build

extern "C" void pde_layer(const PdeLayer* l);
extern "C" void pde_layer_channels_last(const PdeLayer* l);

namespace pde {

struct Shape {
  std::int64_t images, channels, rows, cols;
  std::int64_t fields, kernel;
  std::int64_t times;  // channels, or 0: explicit steps
};

// Whether the kernel takes images whose channels lie side by side: `stays_channels_last` of ../fused_operator.py.
inline bool stays_channels_last(const Shape& s, std::int64_t steps) {
  return !s.times && s.channels * sizeof(float) % 64 == 0 && (steps == 1 || s.rows * s.cols <= 56 * 56);
}

// Runs the layer on float32 tensors. As in Python a thread has at least `kWorth` element-steps to do.
inline void run_fixed_layer(const Shape& s, const float* x, const float* weight, const float* shift, const float* out_norm,
                            const float* time, const std::int64_t* whole, const double* numbers, int threads, bool channels_last, float* out) {
  constexpr std::int64_t kWorth = 8192;
  const std::vector<float> ones(s.channels, 1.f), zeros(s.channels, 0.f);
  PdeLayer l{};
  set_pde_layer(l, whole, numbers);
  l.images = s.images, l.channels = s.channels, l.rows = int(s.rows), l.cols = int(s.cols);
  l.fields = int(s.fields), l.kernel = int(s.kernel);
  l.x = (void*)x, l.out = out, l.time = s.times ? (void*)time : nullptr;
  const std::int64_t taps = s.channels * s.kernel * s.kernel;
  for (int f = 0; f <= l.fields; ++f) {
    const bool last = f == l.fields;
    if (!last) l.weight[f] = (void*)(weight + f * taps), l.bias[f] = (void*)(shift + f * s.channels);
    l.gain[f] = (void*)(last ? out_norm : ones.data());
    l.shift[f] = (void*)(last ? out_norm + s.channels : zeros.data());
    l.mean[f] = (void*)zeros.data(), l.variance[f] = (void*)ones.data();
  }
  const std::int64_t work = s.images * s.channels * s.rows * s.cols * (l.steps + 4);
  l.threads = int(std::max<std::int64_t>(1, std::min({std::int64_t(threads), work / kWorth, s.channels})));
  channels_last ? pde_layer_channels_last(&l) : pde_layer(&l);
}

// How many threads the program lets OpenMP use.
inline int openmp_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace pde
