// What the fused layer is called with, and its norms.
#pragma once

#include <cmath>

// PdeLayer and the enums of its choices: made of the tables in ../argument.py and ../../options.py at build.
//
// Learned fields are F (2 or 4), in the order velocity x, y, diffusivity x, y; norms F + 1, the output's last. Of
// parameters and statistics each is an array over C channels of its own; gradients lie together, a row for each.
#include "argument_members.h"
#include "grid.h"

namespace pde {

enum Type { kFloat, kDouble, kBfloat16 };  // TYPES in ../backend.py

// Entry `at` of a parameter or statistic, which may be bfloat16 where T is float.
template <class T> T entry(const PdeLayer& l, const void* values, long at) {
  return l.own == kBfloat16 ? T(widen(((const bfloat16*)values)[at])) : ((const T*)values)[at];
}

template <class T> struct Norm {
  T mean, rstd, gain, shift;
  T scale() const { return gain * rstd; }
  T offset() const { return T(shift - mean * scale()); }
};

// The norm of learned field k (k = fields: the output's) for channel c.
template <class T> Norm<T> norm_of(const PdeLayer& l, int k, long c) {
  const double eps = l.eps[k == l.fields];
  const double variance = double(entry<T>(l, l.variance[k], c));
  const T gain = entry<T>(l, l.gain[k], c) * T(k == l.fields ? 1.0 : l.multiplier);
  return {entry<T>(l, l.mean[k], c), T(1 / std::sqrt(variance + eps)), gain, entry<T>(l, l.shift[k], c)};
}

}  // namespace pde
