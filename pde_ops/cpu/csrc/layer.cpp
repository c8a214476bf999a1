// The whole global layer, fused: depthwise convolutions, their norms, the PDE, the output norm and activation.
//
// All of it is independent for each channel, so a thread takes one channel of the batch through everything.
// Between forward and backward nothing is kept but the input, the statistics and the state before the output
// norm. The definition is the composition in `pde_ops/layer.py`.
#include "argument.h"
#include "flat_adjoint.h"
#include "implicit.h"
#include "layer.h"

namespace pde {
namespace {

thread_local Scratch scratch, store_scratch, steps_scratch, implicit_scratch;

template <class T> struct Setting {
  const PdeLayer& l;
  Scheme s;
  Flat<T> f;
  bool flat;  // the PDE takes planes where they lie (flat.h)
  Grid g, p;  // of the convolutions' planes, padded, and of the PDE's: the same, or without padding
  long cells, apart, packs;
  int taps;
  std::vector<long> offsets;

  explicit Setting(const PdeLayer& layer)
      : l(layer), s{l.steps, l.dx, l.dy, l.boundary == kPeriodic, l.dt}, f(s, l.rows, l.cols),
        flat(Flat<T>::fits(s, l.cols) && l.cols > kLanes<T>) {
    // In a pack the solves along the columns need no turned planes.
    if (l.time && long(l.rows) * l.cols <= kLargestPacked) flat = false;
    const int lanes = flat ? 1 : choose_lanes<T>(l.rows, l.cols, l.images);
    g = make_grid<T>(l.rows, l.cols, l.dx, l.dy, l.boundary == kPeriodic, l.kernel / 2, lanes);
    p = g;
    if (flat) p.stride = p.width, p.origin = 0;
    cells = long(l.rows) * l.cols;
    apart = l.channels * cells;
    packs = (l.images + lanes - 1) / lanes;
    taps = l.kernel * l.kernel;
    offsets.resize(taps);
    tap_offsets(g, l.kernel, offsets.data());
  }
  int planes(long pack) const {
    const long left = l.images - pack * g.lanes;
    return int(left < g.lanes ? left : g.lanes);
  }
  long start(long pack, long channel) const { return pack * g.lanes * apart + channel * cells; }
  Norm<T> norm(int k, long c) const { return norm_of<T>(l, k, c); }
  // The implicit step, on planes of the PDE's grid from their origin on.
  ImplicitPlane<T> implicit(bool backward) const {
    const long scalars = l.time ? ImplicitPlane<T>::scalars(p.rows, p.stride, backward) : 0;
    return {p.rows, p.cols, p.lanes, p.stride, implicit_scratch.get<T>(scalars)};
  }
  Step<T> step(long c) const { return {((const T*)l.time)[c], T(l.background)}; }
  void record(int k, long c, const Moments<T>& m) const {
    ((T*)l.mean[k])[c] = T(m.mean());
    ((T*)l.variance[k])[c] = T(m.variance());
  }
};

// One channel's convolution parameters, side by side.
template <class T, int F> struct Kernels {
  std::vector<T> weight;
  T bias[F];
  Kernels(const Setting<T>& e, long c) : weight(F * e.taps) {
    for (int f = 0; f < F; ++f) {
      std::memcpy(&weight[f * e.taps], (const T*)e.l.weight[f] + c * e.taps, e.taps * sizeof(T));
      bias[f] = e.l.bias[f] ? ((const T*)e.l.bias[f])[c] : T(0);
    }
  }
  // The norms that follow become part of the convolutions.
  void fold(const Setting<T>& e, const Norm<T>* norms) {
    for (int f = 0; f < F; ++f) {
      for (int t = 0; t < e.taps; ++t) weight[f * e.taps + t] *= norms[f].scale();
      bias[f] = bias[f] * norms[f].scale() + norms[f].offset();
    }
  }
};

// f(offset in a padded plane, in a plane of the PDE, mask) for every vector.
template <class T, class F> PDE_INLINE void each_both(const Setting<T>& e, const Valid<T>& valid, F&& f) {
  const Grid &g = e.g, &p = e.p;
  for (int i = 0; i < g.rows; ++i) {
    const long at = g.origin + i * g.stride, to = p.origin + i * p.stride;
    long x = 0;
    for (; x + kLanes<T> < g.width; x += kLanes<T>) f(at + x, to + x, valid.body);
    f(at + x, to + x, valid.last);
  }
}

// The outputs of one channel's convolutions, as they are, from a plane x on its grid.
template <class T, int F> void convolutions(const Setting<T>& e, const Kernels<T, F>& c, const T* x, T* const* y) {
  convolve<T, F>(e.g, e.g, e.offsets.data(), e.taps, x, c.weight.data(), c.bias, y, [](int, Vec<T> v) { return v; });
}

// Coefficients that are numbers; they stay what they are.
template <class T> void constant_fields(const Setting<T>& e, T* const* field) {
  for (int k = 0; k < 4; ++k)
    if (e.l.learned[k] < 0) fill_constant(e.p, field[k], T(e.l.constants[k]));
}
template <class T> void fill_velocity_halos(const Setting<T>& e, T* const* field) {
  for (int k = 0; k < 2 && !e.flat; ++k) fill_halo(e.g, field[k], e.g.velocity);
}

// Activated coefficients, from the outputs of the convolutions; velocities with their halo, where they have one.
template <class T>
void make_fields(const Setting<T>& e, const Valid<T>& valid, const Norm<T>* norms, T* const* y, T* const* field) {
  for (int k = 0; k < 4; ++k) {
    const int f = e.l.learned[k];
    if (f < 0) continue;
    const T scale = norms[f].scale(), offset = norms[f].offset();
    const T* from = y[f];
    T* to = field[k];
    with_activation(k < 2 ? e.l.velocity_activation : e.l.activation, [&](auto act) {
      each_both(e, valid, [=](long o, long q, Mask<T>) __attribute__((always_inline)) {
        store(to + q, activate<Vec<T>>(act, load(from + o) * scale + offset));
      });
    });
  }
  fill_velocity_halos(e, field);
}

// The same at once, from convolutions into which the norms are folded.
template <class T, int F>
void make_fields(const Setting<T>& e, const Kernels<T, F>& folded, const T* x, T* const* field) {
  T* to[F];
  for (int k = 0; k < 4; ++k)
    if (e.l.learned[k] >= 0) to[e.l.learned[k]] = field[k];
  with_activations(e.l, [&](auto, auto act) {
    convolve<T, F>(e.g, e.p, e.offsets.data(), e.taps, x, folded.weight.data(), folded.bias, to,
                   [=](int f, Vec<T> v) __attribute__((always_inline)) { return act(f, v); });
  });
  fill_velocity_halos(e, field);
}

// The only step on a plane where it lies.
template <class T, class Finish>
void only_step(const Flat<T>& f, const Scheme& s, const Inputs<T>& in, T* out, const Finish& finish) {
  switch (f.width / kLanes<T>) {
    case 1: return first_step<T, 1, 0, 0>(f, s, (T*)nullptr, in, out, finish);
    case 2: return first_step<T, 2, 0, 0>(f, s, (T*)nullptr, in, out, finish);
    case 4: return first_step<T, 4, 0, 0>(f, s, (T*)nullptr, in, out, finish);
    default: return first_step<T, 0, 0, 0>(f, s, (T*)nullptr, in, out, finish);
  }
}

template <class T, int F> void forward_channels(const PdeLayer& l) {
  const Setting<T> e(l);
  const Grid &g = e.g, &p = e.p;
  const int kind = l.activation;
#pragma omp parallel num_threads(l.threads) if (l.threads > 1)
  {
    Planes<T> memory(g, scratch.get<T>((13 + F) * g.size + (e.flat ? kFlatForwardPlanes * e.f.apart : 0)));
    T *x = memory.take(), *h = memory.take(), *spare = memory.take(), *field[4], *y[F];
    Stencil<T> c{};
    for (T** plane : {&c.xl, &c.xu, &c.yl, &c.yu, &c.c0, &c.src}) *plane = memory.take();
    for (T*& plane : field) plane = memory.take();
    for (T*& plane : y) plane = memory.take();
    T* const steps_memory = memory.take();  // the last ones
    std::memset(x, 0, g.size * sizeof(T));
    std::memset(spare, 0, g.size * sizeof(T));
    constant_fields(e, field);
    ImplicitPlane<T> implicit = e.implicit(false);
    const Valid<T> whole(g, g.lanes);
#pragma omp for schedule(dynamic, 1)
    for (long channel = 0; channel < l.channels; ++channel) {
      Kernels<T, F> kernels(e, channel);
      const auto load_pack = [&](long pack) {
        load_planes(g, x, (const T*)l.x + e.start(pack, channel), e.planes(pack), e.apart);
      };
      if (l.training) {
        Moments<T> moments[F];
        for (long pack = 0; pack < e.packs; ++pack) {
          load_pack(pack);
          const Valid<T> valid(g, e.planes(pack));
          if (pack == 0) {
            convolutions(e, kernels, x, y);
            for (int f = 0; f < F; ++f) moments[f].choose_pivot(g, valid, y[f]);
          }
          add_convolved<T, F>(g, valid, e.planes(pack), e.offsets.data(), e.taps, x, kernels.weight.data(),
                              kernels.bias, moments);
        }
        for (int f = 0; f < F; ++f) e.record(f, channel, moments[f]);
      }
      Norm<T> norms[F + 1];
      for (int f = 0; f <= F; ++f) norms[f] = e.norm(f, channel);
      kernels.fold(e, norms);
      Moments<T> result;
      for (long pack = 0; pack < e.packs; ++pack) {
        const int planes = e.planes(pack);
        const long at = e.start(pack, channel);
        load_pack(pack);
        const Valid<T> valid = planes == g.lanes ? whole : Valid<T>(g, planes);
        make_fields(e, kernels, x, field);
        const T* const input = e.flat ? (const T*)l.x + at : x;  // on the PDE's grid
        const T* const source = l.use_source ? input : e.flat ? spare : nullptr;
        const T* const state = e.flat ? input : h;
        const Inputs<T> in{state, source, field[0], field[1], field[2], field[3], state};
        const T scale = norms[F].scale(), offset = norms[F].offset();
        const bool residual = l.residual != 0;
        const auto finish = [=](Vec<T> state, long o) __attribute__((always_inline)) {
          const Vec<T> value = activate<Vec<T>>(kind, state * scale + offset);
          return residual ? Vec<T>(value + load(input + o)) : value;
        };
        if (!e.flat) {
          each<T>(g, [&](long o) { store(h + o, load(x + o)); });
          fill_halo(g, h, g.state);
        }
        if (!l.training && !l.state && e.s.steps == 1 && !l.time) {
          if (e.flat) {
            only_step(e.f, e.s, in, (T*)l.out + at, finish);
          } else {
            only_step(g, e.s, in, spare, finish);
            store_planes(g, spare, (T*)l.out + at, planes, e.apart);
          }
          continue;
        }
        T* last;
        if (l.time) {
          last = e.flat ? (T*)(l.state ? l.state : l.out) + at : h;
          const Step<T> step = e.step(channel);
          const long o = p.origin;
          implicit.forward(step, {state + o, field[0] + o, field[1] + o, field[2] + o, field[3] + o}, last + o);
          if (l.use_source)
            each<T>(p, [=](long o) { store(last + o, Vec<T>(load(last + o) + step.time * load(input + o))); });
          if (!e.flat && l.state) store_planes(g, last, (T*)l.state + at, planes, e.apart);
        } else if (e.flat) {
          last = (T*)(l.state ? l.state : l.out) + at;
          Ahead ahead;
          plane_kernels(e.f).forward(e.f, e.s, in, last, steps_memory, ahead);
        } else {
          last = evolve(g, e.s, c, in, h, spare);
          if (l.state) store_planes(g, last, (T*)l.state + at, planes, e.apart);
        }
        if (l.training) {
          result.add(p, valid, planes, last);
          continue;
        }
        T* const to = e.flat ? (T*)l.out + at : last;
        each<T>(p, [=](long o) __attribute__((always_inline)) { store(to + o, finish(load(last + o), o)); });
        if (!e.flat) store_planes(g, last, (T*)l.out + at, planes, e.apart);
      }
      if (!l.training) continue;
      e.record(F, channel, result);
      const Norm<T> norm = e.norm(F, channel);
      const T scale = norm.scale(), offset = norm.offset();
      for (long n = 0; n < l.images; ++n) {
        const long at = n * e.apart + channel * e.cells;
        const T *state = (const T*)l.state + at, *input = (const T*)l.x + at;
        T* out = (T*)l.out + at;
        const bool residual = l.residual != 0;
        with_activation(kind, [&](auto act) {
          for (long o = 0; o < e.cells; ++o) {
            const T value = activate<T>(act, state[o] * scale + offset);
            out[o] = residual ? value + input[o] : value;
          }
        });
      }
    }
  }
}

// Means of the gradient at a norm's output and of its product with the normalised value.
template <class T> struct Means {
  double grad = 0, product = 0;
};

template <class T> Means<T> out_means(const Setting<T>& e, long channel, const Norm<T>& norm) {
  Means<T> sums;
  const T scale = norm.scale();
  const int kind = e.l.activation;
  for (long n = 0; n < e.l.images; ++n) {
    const long at = n * e.apart + channel * e.cells;
    const T *state = (const T*)e.l.state + at, *grad = (const T*)e.l.grad_out + at;
    Vec<T> grads{}, products{};
    long o = 0;
    for (; o + kLanes<T> <= e.cells; o += kLanes<T>) {
      __builtin_prefetch(state + o + e.apart);
      __builtin_prefetch(grad + o + e.apart);
      const Vec<T> apart = load(state + o) - norm.mean;
      const Vec<T> value = load(grad + o) * slope<Vec<T>>(kind, apart * scale + norm.shift);
      grads += value;
      products += value * apart;
    }
    sums.grad += total<T>(grads);
    sums.product += total<T>(products);
    for (; o < e.cells; ++o) {
      const T apart = state[o] - norm.mean;
      const T value = grad[o] * slope<T>(kind, apart * scale + norm.shift);
      sums.grad += value;
      sums.product += double(value) * apart;
    }
  }
  sums.product *= norm.rstd;
  return sums;
}

template <class T, int F> void backward_channels(const PdeLayer& l) {
  const Setting<T> e(l);
  const Grid &g = e.g, &p = e.p;
  const int kind = l.activation;
  const double count = double(l.images) * e.cells;
  const T training = l.training ? T(1) : T(0);  // in eval mode the statistics do not depend on the input
#pragma omp parallel num_threads(l.threads) if (l.threads > 1)
  {
    Planes<T> memory(g, scratch.get<T>((adjoint_planes(l.steps) + 2 + F) * g.size));
    Planes<T> kept(g, store_scratch.get<T>((F + 1) * e.packs * g.size));
    Adjoint<T> a = take_adjoint(memory, l.steps);
    T *x = memory.take(), *grad = memory.take(), *y[F], *const field[4] = {a.u, a.v, a.dfx, a.dfy};
    for (T*& plane : y) plane = memory.take();
    std::vector<T*> direct(e.packs), pre(F * e.packs);
    for (T*& plane : direct) plane = kept.take();
    for (T*& plane : pre) plane = kept.take();
    const long steps_scalars = e.flat ? flat_backward_scalars(e.f, l.steps) : 0;
    T* const steps_memory = steps_scratch.get<T>(steps_scalars);
    ImplicitPlane<T> implicit = e.implicit(true);
    std::vector<const T*> pointers;
    std::memset(a.e, 0, g.size * sizeof(T));  // stands for a source that is not used
    std::memset(x, 0, g.size * sizeof(T));
    for (T* plane : y) std::memset(plane, 0, g.size * sizeof(T));
#pragma omp for schedule(dynamic, 1)
    for (long channel = 0; channel < l.channels; ++channel) {
      const Kernels<T, F> kernels(e, channel);
      const auto convolve_pack = [&](long pack) {
        load_planes(g, x, (const T*)l.x + e.start(pack, channel), e.planes(pack), e.apart);
        convolutions(e, kernels, x, y);
      };
      Norm<T> norms[F + 1];
      for (int f = 0; f <= F; ++f) norms[f] = e.norm(f, channel);
      const Norm<T> out = norms[F];
      double of_time = 0;
      Means<T> sums[F + 1];
      sums[F] = out_means(e, channel, out);
      const T scale = out.scale(), of_mean = T(sums[F].grad / count) * training * scale,
              of_product = T(sums[F].product / count) * training * scale * out.rstd;

      for (long pack = 0; pack < e.packs; ++pack) {
        const int planes = e.planes(pack);
        const long at = e.start(pack, channel);
        const Valid<T> valid(g, planes);
        convolve_pack(pack);
        const T *grad_out = (const T*)l.grad_out + at, *state = (const T*)l.state + at;  // on the PDE's grid
        if (!e.flat) {
          load_planes(g, grad, grad_out, planes, e.apart);
          load_planes(g, a.grad, state, planes, e.apart);
          grad_out = grad, state = a.grad;
        }
        const auto at_norm = [&](long o, Mask<T> m) __attribute__((always_inline)) {
          const Vec<T> apart = load(state + o) - out.mean;
          const Vec<T> value = load(grad_out + o) * slope<Vec<T>>(kind, apart * scale + out.shift);
          store(a.grad + o, keep<T>(Vec<T>(value * scale - of_mean - apart * of_product), m));
        };
        each_valid<T>(p, valid, at_norm);
        constant_fields(e, field);  // the adjoint leaves gradients there
        make_fields(e, valid, norms, y, field);
        const bool use_source = l.use_source != 0, residual = l.residual != 0;
        T* const field_grad[4] = {a.c.xl, a.c.xu, a.c.yl, a.c.yu};
        if (l.time) {
          const Step<T> step = e.step(channel);
          const T* const input = e.flat ? (const T*)l.x + at : x;
          T *const *of = e.flat ? field_grad : field, *source = a.source;
          const long o = p.origin;
          of_time += implicit.backward(step, {input + o, a.u + o, a.v + o, a.dfx + o, a.dfy + o}, a.grad + o,
                                       {a.states[0] + o, of[0] + o, of[1] + o, of[2] + o, of[3] + o});
          a.grad_h = a.states[0];
          if (use_source) {
            Vec<T> products{};
            each_valid<T>(p, valid, [&](long o, Mask<T> m) __attribute__((always_inline)) {
              const Vec<T> grad = load(a.grad + o);
              store(source + o, Vec<T>(grad * step.time));
              products += keep<T>(Vec<T>(grad * load(input + o)), m);
            });
            of_time += total<T>(products);
          }
        } else if (e.flat) {
          const T* const input = (const T*)l.x + at;
          const Inputs<T> in{input, use_source ? input : a.e, a.u, a.v, a.dfx, a.dfy, input};
          Ahead ahead;
          plane_kernels(e.f).backward(e.f, e.s, in, a.grad,
                                      {a.states[0], a.source, field_grad[0], field_grad[1], field_grad[2],
                                       field_grad[3], a.states[0]},
                                      steps_memory, pointers, false, ahead);
        } else {
          T *source = a.source, *h = a.states[1];
          each<T>(g, [=](long o) {
            store(h + o, load(x + o));
            store(source + o, load(x + o));
          });
          fill_halo(g, h, g.state);
          adjoint(g, e.s, a, use_source, false);
          T *grad_h = a.grad_h, *grad_initial = a.grad_initial;
          each<T>(g, [=](long o) { store(grad_h + o, Vec<T>(load(grad_h + o) + load(grad_initial + o))); });
        }
        const T *grad_h = e.flat ? a.states[0] : a.grad_h, *grad_source = a.source;
        T* to = direct[pack];
        each_both(e, valid, [=](long o, long q, Mask<T>) __attribute__((always_inline)) {
          Vec<T> sum = load(grad_h + q);
          if (use_source) sum += load(grad_source + q);
          if (residual) sum += load(grad_out + q);
          store(to + o, sum);
        });
        for (int k = 0; k < 4; ++k) {
          const int f = l.learned[k];
          if (f < 0) continue;
          const Norm<T> norm = norms[f];
          const T *value = y[f], *from = e.flat ? field_grad[k] : field[k];
          T* kept_pre = pre[f * e.packs + pack];
          const T scale = norm.scale();
          Vec<T> grads{}, products{};
          with_activation(k < 2 ? l.velocity_activation : kind, [&](auto act) {
            each_both(e, valid, [&](long o, long q, Mask<T> m) __attribute__((always_inline)) {
              const Vec<T> apart = load(value + o) - norm.mean;
              const Vec<T> p = keep<T>(Vec<T>(load(from + q) * slope<Vec<T>>(act, apart * scale + norm.shift)), m);
              grads += p;
              products += p * keep<T>(apart, m);
              store(kept_pre + o, p);
            });
          });
          sums[f].grad += total<T>(grads);
          sums[f].product += total<T>(products) * double(norm.rstd);
        }
      }

      std::vector<double> grad_weight(F * e.taps), grad_bias(F);
      for (long pack = 0; pack < e.packs; ++pack) {
        const int planes = e.planes(pack);
        const Valid<T> valid(g, planes);
        convolve_pack(pack);
        for (int f = 0; f < F; ++f) {
          const Norm<T> norm = norms[f];
          const T mean = T(sums[f].grad / count) * training, product = T(sums[f].product / count) * training;
          const T* from = pre[f * e.packs + pack];
          const T scale = norm.scale(), of_mean = mean * scale, of_product = product * scale * norm.rstd;
          T* const at_field = y[f];  // and from here on the gradient, with zeros around it
          Vec<T> bias{};
          each_valid<T>(g, valid, [&](long o, Mask<T> m) __attribute__((always_inline)) {
            const Vec<T> apart = load(at_field + o) - norm.mean;
            const Vec<T> at_convolution = keep<T>(Vec<T>(load(from + o) * scale - of_mean - apart * of_product), m);
            bias += at_convolution;
            store(at_field + o, at_convolution);
          });
          grad_bias[f] += total<T>(bias);
        }
        correlate<T, F>(g, e.offsets.data(), e.taps, x, y, grad_weight.data());
        spread<T, F>(g, e.offsets.data(), e.taps, direct[pack], kernels.weight.data(), y);
        store_planes(g, direct[pack], (T*)l.grad_x + e.start(pack, channel), planes, e.apart);
      }
      if (l.time) ((T*)l.grad_time)[channel] = T(of_time);
      for (int f = 0; f <= F; ++f) {
        const long at = f * l.channels + channel;
        ((T*)l.grad_gain)[at] = T(sums[f].product * (f == F ? 1.0 : l.multiplier));
        ((T*)l.grad_shift)[at] = T(sums[f].grad);
        if (f == F) continue;
        for (int t = 0; t < e.taps; ++t) ((T*)l.grad_weight)[at * e.taps + t] = T(grad_weight[f * e.taps + t]);
        if (l.grad_bias) ((T*)l.grad_bias)[at] = T(grad_bias[f]);
      }
    }
  }
}

}  // namespace
}  // namespace pde

extern "C" void pde_layer(const PdeLayer* l) {
  if (l->type == 0) l->fields == 4 ? pde::forward_channels<float, 4>(*l) : pde::forward_channels<float, 2>(*l);
  else l->fields == 4 ? pde::forward_channels<double, 4>(*l) : pde::forward_channels<double, 2>(*l);
}

extern "C" void pde_layer_backward(const PdeLayer* l) {
  if (l->type == 0) l->fields == 4 ? pde::backward_channels<float, 4>(*l) : pde::backward_channels<float, 2>(*l);
  else l->fields == 4 ? pde::backward_channels<double, 4>(*l) : pde::backward_channels<double, 2>(*l);
}
