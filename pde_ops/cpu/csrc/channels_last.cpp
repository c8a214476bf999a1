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
        for (int t = 0; t < taps; ++t)
          weight[f * taps + t][lane] = entry<T>(l, l.weight[f], c * taps + t) * norm.scale();
        bias[f][lane] = (l.bias[f] ? entry<T>(l, l.bias[f], c) * norm.scale() : T(0)) + norm.offset();
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

// A neighbour's index along an axis of n cells, `by` away; what lies beyond is the cell itself, or the other end.
inline int beside(int i, int by, int n, bool periodic) {
  const int k = i + by;
  return k >= 0 && k < n ? k : !periodic ? i : k < 0 ? k + n : k - n;
}

template <class T> struct Memory {
  T *x, *h, *spare, *field[4];
  Stencil<T> stencil;

  Memory(const PdeLayer& l, const Grid& g, T* memory) : stencil{} {
    Planes<T> planes(g, memory);
    for (T** plane : {&x, &h, &spare}) *plane = planes.take();
    Stencil<T>& c = stencil;
    for (T** plane : {&c.xl, &c.xu, &c.yl, &c.yu, &c.c0, &c.src}) *plane = planes.take();
    std::memset(x, 0, g.size * sizeof(T));  // the convolutions' halo
    for (int k = 0; k < 4; ++k) {
      field[k] = planes.take();
      if (l.learned[k] < 0) fill_constant(g, field[k], T(l.constants[k]));
    }
  }
  static constexpr int kPlanes = 13;
};

// The only step. The velocity along the rows is made first, all else row by row, in the first cache: of the other
// fields one row is kept, and the result goes straight to memory.
// U: 1 where that velocity is learned, or 0.
template <class T, int F, int U, class Act, class Finish>
void only_step(Act act, const PdeLayer& l, const Grid& g, const Scheme& s, const long* offsets, const Block<T, F>& block,
               const Memory<T>& m, const Finish& finish) {
  constexpr int V = kLanes<T>, N = kVectorBytes == 64 ? 4 : 2, R = F - U;
  const int taps = l.kernel * l.kernel;
  const Factors<T> k(s);
  const T *x = m.x, *u = m.field[0], *v = m.field[1], *dfx = m.field[2], *dfy = m.field[3];
  T* row_fields[R] = {};
  for (int f = 1; f < 4; ++f)
    if (l.learned[f] >= U) row_fields[l.learned[f] - U] = m.field[f];
  if (U)
    for (int i = 0; i < g.rows; ++i) {
      const long at = g.origin + i * g.stride;
      convolve_row<T, 1, N>(g.width, offsets, taps, x, block.weight.data(), block.bias, &m.field[0], at, at,
                            [=](int, Vec<T> v) __attribute__((always_inline)) { return act(0, v); });
    }
  const int edge = g.sy < g.cols ? g.sy : g.cols, inner = g.cols - g.sy > edge ? g.cols - g.sy : edge;
  for (int i = 0; i < g.rows; ++i) {
    const long at = g.origin + i * g.stride, first = g.origin;  // the kept row is the planes' first
    convolve_row<T, R, N>(g.width, offsets, taps, x, block.weight.data() + U * taps, block.bias + U, row_fields, at,
                          first, [=](int f, Vec<T> v) __attribute__((always_inline)) { return act(f + U, v); });
    const int lo = beside(i, -g.sx, g.rows, g.periodic), up = beside(i, g.sx, g.rows, g.periodic);
    const bool wall_lo = !g.periodic && i < g.sx, wall_up = !g.periodic && i + g.sx >= g.rows;
    const T lo_factor = wall_lo ? -k.ax : k.ax, up_factor = wall_up ? -k.ax : k.ax;
    const T *below = x + g.origin + lo * g.stride, *above = x + g.origin + up * g.stride, *here = x + at;
    const T *u_below = u + g.origin + lo * g.stride, *u_above = u + g.origin + up * g.stride;
    const auto cell = [=](int j, int less, int more, T less_factor, T more_factor) __attribute__((always_inline)) {
      const long o = long(j) * V, q = first + o;
      const Vec<T> along = load(v + first + long(more) * V) * more_factor - load(v + first + long(less) * V) * less_factor;
      const Vec<T> across = load(u_above + o) * up_factor - load(u_below + o) * lo_factor;
      const Cell<T> w = make_cell<T>(k, load(u + at + o), load(v + q), load(dfx + q), load(dfy + q), across + along);
      const Vec<T> now = load(here + o);
      const Vec<T> src = l.use_source ? Vec<T>(now * k.two_dt) : Vec<T>{};
      finish(stepped<T>(w, src, now, now, load(below + o), load(above + o), load(here + long(less) * V),
                        load(here + long(more) * V)),
             now, long(i) * g.cols + j);
    };
    const auto at_edge = [=](int j) __attribute__((always_inline)) {
      const bool less = !g.periodic && j < g.sy, more = !g.periodic && j + g.sy >= g.cols;
      cell(j, beside(j, -g.sy, g.cols, g.periodic), beside(j, g.sy, g.cols, g.periodic), less ? -k.ay : k.ay,
           more ? -k.ay : k.ay);
    };
    for (int j = 0; j < edge; ++j) at_edge(j);
    for (int j = edge; j < inner; ++j) cell(j, j - g.sy, j + g.sy, k.ay, k.ay);
    for (int j = inner; j < g.cols; ++j) at_edge(j);
  }
}

// Several steps, on whole planes.
template <class T, int F, class Act, class Finish>
void all_steps(Act act, const PdeLayer& l, const Grid& g, const Scheme& s, const long* offsets, const Block<T, F>& block,
               const Memory<T>& m, const Finish& finish) {
  T* learned[F];
  for (int k = 0; k < 4; ++k)
    if (l.learned[k] >= 0) learned[l.learned[k]] = m.field[k];
  convolve<T, F>(g, g, offsets, l.kernel * l.kernel, m.x, block.weight.data(), block.bias, learned,
                 [=](int f, Vec<T> v) __attribute__((always_inline)) { return act(f, v); });
  for (int k = 0; k < 2; ++k) fill_halo(g, m.field[k], g.velocity);
  const T* x = m.x;
  T* h = m.h;
  each<T>(g, [=](long o) { store(h + o, load(x + o)); });
  fill_halo(g, h, g.state);
  const Inputs<T> in{h, l.use_source ? x : nullptr, m.field[0], m.field[1], m.field[2], m.field[3], x};
  const T* last = evolve(g, s, m.stencil, in, h, m.spare);
  each_cell<T>(g, 1, [&](long o, long cell) __attribute__((always_inline)) { finish(load(last + o), load(x + o), cell); });
}

// S: what the images are in memory.
template <class T, class S, int F> void forward(const PdeLayer& l) {
  constexpr int V = kLanes<T>;
  const Scheme s{l.steps, l.dx, l.dy, l.boundary == kPeriodic, l.dt};
  const Grid g = make_grid<T>(l.rows, l.cols, l.dx, l.dy, s.periodic, l.kernel / 2, V);
  std::vector<long> offsets(l.kernel * l.kernel);
  tap_offsets(g, l.kernel, offsets.data());
  std::vector<Block<T, F>> blocks;
  for (long c = 0; c < l.channels; c += V) blocks.emplace_back(l, l.kernel * l.kernel, c);
  const long count = long(blocks.size()), apart = long(l.rows) * l.cols * l.channels;
#pragma omp parallel num_threads(l.threads) if (l.threads > 1)
  {
    const Memory<T> memory(l, g, scratch.get<T>(Memory<T>::kPlanes * g.size));
#pragma omp for schedule(static)
    for (long job = 0; job < l.images * count; ++job) {
      const Block<T, F>& block = blocks[job % count];
      const long start = job / count * apart + job % count * V;
      const S* from = (const S*)l.x + start;
      S* to = (S*)l.out + start;
      T* x = memory.x;
      each_cell<T>(g, l.channels,
                   [=](long o, long at) __attribute__((always_inline)) { store(x + o, read_vector<T>(from + at)); });
      with_activations(l, [&](auto act, auto of_field) {
        const Vec<T> scale = block.scale, offset = block.offset;
        const long channels = l.channels;
        const bool residual = l.residual != 0;
        const auto finish = [=](Vec<T> state, Vec<T> input, long cell) __attribute__((always_inline)) {
          const Vec<T> value = activate<Vec<T>>(act, state * scale + offset);
          write_vector<T>(to + cell * channels, residual ? Vec<T>(value + input) : value);
        };
        if (s.steps > 1) all_steps<T, F>(of_field, l, g, s, offsets.data(), block, memory, finish);
        else if (l.learned[0] >= 0) only_step<T, F, 1>(of_field, l, g, s, offsets.data(), block, memory, finish);
        else only_step<T, F, 0>(of_field, l, g, s, offsets.data(), block, memory, finish);
      });
    }
  }
}

template <class T, class S> void forward(const PdeLayer& l) { l.fields == 4 ? forward<T, S, 4>(l) : forward<T, S, 2>(l); }

}  // namespace
}  // namespace pde

extern "C" void pde_layer_channels_last(const PdeLayer* l) {
  if (l->type == pde::kFloat) pde::forward<float, float>(*l);
  else if (l->type == pde::kDouble) pde::forward<double, double>(*l);
  else pde::forward<float, pde::bfloat16>(*l);
}
