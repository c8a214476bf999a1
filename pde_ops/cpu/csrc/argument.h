// What the fused layer is called with, and its norms.
#pragma once

#include <cmath>

extern "C" {

// Learned fields are F (2 or 4), in the order velocity x, y, diffusivity x, y; norms F + 1, the output's last. Of
// parameters and statistics each is an array over C channels of its own; gradients lie together, a row for each.
struct PdeLayer {
  long images, channels;
  int rows, cols, steps, dx, dy, periodic, threads, type;
  int learned[4];  // row of the velocity x, y, diffusivity x, y among the learned fields, or -1
  int fields, kernel, training, use_source, residual, activation;
  double dt, constants[4], eps[2];  // eps: of the coefficients' norms, of the output's
  double multiplier;                // on the gain of the coefficients' norms
  const void *x, *weight[4], *bias[4], *gain[5], *shift[5];  // bias: null where there is none
  void *mean[5], *variance[5], *state, *out;  // mean, variance: given in eval mode, filled in training
  const void* grad_out;
  void *grad_x, *grad_weight, *grad_bias, *grad_gain, *grad_shift;
};
}

namespace pde {

template <class T> struct Norm {
  T mean, rstd, gain, shift;
  T scale() const { return gain * rstd; }
  T offset() const { return T(shift - mean * scale()); }
};

// The norm of learned field k (k = fields: the output's) for channel c.
template <class T> Norm<T> norm_of(const PdeLayer& l, int k, long c) {
  const double eps = l.eps[k == l.fields];
  const double variance = double(((const T*)l.variance[k])[c]);
  const T gain = ((const T*)l.gain[k])[c] * T(k == l.fields ? 1.0 : l.multiplier);
  return {((const T*)l.mean[k])[c], T(1 / std::sqrt(variance + eps)), gain, ((const T*)l.shift[k])[c]};
}

}  // namespace pde
