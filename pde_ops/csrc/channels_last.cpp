// The fused layer in evaluation on images whose channels lie side by side (torch.channels_last).
//
// A register's lanes are as many channels of one cell: nothing is transposed, and every neighbour is a whole register
// away. That is the grid of packed planes (grid.h), with weights that differ from lane to lane.
#include "argument.h"
#include "layer.h"

namespace pde {
namespace {

thread_local Scratch scratch;

// V channels' convolutions, their norms folded in, and the output norm.
template <class T, int F> struct Block {
  std::vector<Vec<T>> weight;
  Vec<T> bias[F], scale, offset;

  Block(const PdeLayer& l, int taps, long first) : weight(F * taps) {
    for (int lane = 0; lane < kLanes<T>; ++lane) {
      const long c = first + lane;
      for (int f = 0; f < F; ++f) {
        const Norm<T> norm = norm_of<T>(l, f, c);
        const T* own = (const T*)l.weight[f] + c * taps;
        for (int t = 0; t < taps; ++t) weight[f * taps + t][lane] = own[t] * norm.scale();
        bias[f][lane] = (l.bias[f] ? ((const T*)l.bias[f])[c] * norm.scale() : T(0)) + norm.offset();
      }
      const Norm<T> norm = norm_of<T>(l, F, c);
      scale[lane] = norm.scale();
      offset[lane] = norm.offset();
    }
  }
};

// f(offset on the grid, offset in memory) for every cell; memory has `channels` scalars a cell.
template <class T, class F> PDE_INLINE void each_cell(const Grid& g, long channels, F&& f) {
  long at = 0;
  for (int i = 0; i < g.rows; ++i)
    for (int j = 0; j < g.cols; ++j, at += channels) f(g.origin + i * g.stride + long(j) * kLanes<T>, at);
}

template <class T, int F> void forward(const PdeLayer& l) {
  constexpr int V = kLanes<T>;
  const Scheme s{l.steps, l.dx, l.dy, l.periodic != 0, l.dt};
  const Grid g = make_grid<T>(l.rows, l.cols, l.dx, l.dy, s.periodic, l.kernel / 2, V);
  const int taps = l.kernel * l.kernel;
  std::vector<long> offsets(taps);
  tap_offsets(g, l.kernel, offsets.data());
  std::vector<Block<T, F>> blocks;
  for (long c = 0; c < l.channels; c += V) blocks.emplace_back(l, taps, c);
  const long count = long(blocks.size()), apart = long(l.rows) * l.cols * l.channels;
#pragma omp parallel num_threads(l.threads) if (l.threads > 1)
  {
    Planes<T> memory(g, scratch.get<T>(13 * g.size));
    T *x = memory.take(), *h = memory.take(), *spare = memory.take(), *field[4], *learned[F];
    for (T*& plane : field) plane = memory.take();
    Stencil<T> c{};
    for (T** plane : {&c.xl, &c.xu, &c.yl, &c.yu, &c.c0, &c.src}) *plane = memory.take();
    std::memset(x, 0, g.size * sizeof(T));  // the convolutions' halo
    for (int k = 0; k < 4; ++k) {
      if (l.learned[k] < 0) fill_constant(g, field[k], T(l.constants[k]));
      else learned[l.learned[k]] = field[k];
    }
#pragma omp for schedule(static)
    for (long job = 0; job < l.images * count; ++job) {
      const Block<T, F>& block = blocks[job % count];
      const long start = job / count * apart + job % count * V;
      const T* from = (const T*)l.x + start;
      T* to = (T*)l.out + start;
      each_cell<T>(g, l.channels, [=](long o, long at) __attribute__((always_inline)) {
        const Vec<T> value = load(from + at);
        store(x + o, value);
        store(h + o, value);
      });
      fill_halo(g, h, g.state);
      with_activation(l.activation, [&](auto act) {
        convolve<T, F>(g, g, offsets.data(), taps, x, block.weight.data(), block.bias, learned,
                       [=](Vec<T> v) __attribute__((always_inline)) { return activate<Vec<T>>(act, v); });
      });
      for (int k = 0; k < 2; ++k) fill_halo(g, field[k], g.velocity);
      const Inputs<T> in{h, l.use_source ? x : nullptr, field[0], field[1], field[2], field[3], x};
      const T* last = evolve(g, s, c, in, h, spare);
      const bool residual = l.residual != 0;
      with_activation(l.activation, [&](auto act) {
        each_cell<T>(g, l.channels, [&](long o, long at) __attribute__((always_inline)) {
          const Vec<T> value = activate<Vec<T>>(act, load(last + o) * block.scale + block.offset);
          store(to + at, residual ? Vec<T>(value + load(x + o)) : value);
        });
      });
    }
  }
}

}  // namespace
}  // namespace pde

extern "C" void pde_layer_last(const PdeLayer* l) {
  if (l->type == 0) l->fields == 4 ? pde::forward<float, 4>(*l) : pde::forward<float, 2>(*l);
  else l->fields == 4 ? pde::forward<double, 4>(*l) : pde::forward<double, 2>(*l);
}
