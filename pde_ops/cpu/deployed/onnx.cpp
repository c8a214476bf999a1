// The operator pde_ops::fixed_layer for ONNX Runtime: a library for `register_custom_ops_library`.
//
// ONNX Runtime's packages bring no headers, so what is needed of its C interface stands here: the places of functions in
// its table, which are fixed since its first version, and the members of an operator as of version 8 of the interface.
#include <cstddef>
#include <cstdlib>

#include "layer.h"

namespace {

struct OrtStatus;
struct OrtSessionOptions;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtValue;
struct OrtShape;
struct OrtDomain;

struct OrtApi {
  const void* functions[102];
};

struct OrtApiBase {
  const OrtApi* (*api)(std::uint32_t version);
  const char* (*version)();
};

// Where functions stand in the table.
enum Function {
  kCreateDomain = 26, kAddToDomain = 27, kAddDomain = 28, kData = 51, kDimensionsCount = 61, kDimensions = 62,
  kShape = 65, kInput = 90, kOutput = 91, kReleaseShape = 99,
};
constexpr std::uint32_t kVersion = 8;
enum Element { kFloat = 1, kInt64 = 7, kDouble = 11 };

struct Operator {
  std::uint32_t version;
  void* (*create)(const Operator*, const OrtApi*, const OrtKernelInfo*);
  const char* (*name)(const Operator*);
  const char* (*provider)(const Operator*);
  int (*input_type)(const Operator*, std::size_t);
  std::size_t (*inputs)(const Operator*);
  int (*output_type)(const Operator*, std::size_t);
  std::size_t (*outputs)(const Operator*);
  void (*compute)(void*, OrtKernelContext*);
  void (*destroy)(void*);
  int (*input_required)(const Operator*, std::size_t);
  int (*output_required)(const Operator*, std::size_t);
};

template <class... Arguments> OrtStatus* call(const OrtApi* api, Function function, Arguments... arguments) {
  return ((OrtStatus * (*)(Arguments...)) api->functions[function])(arguments...);
}

// An input of the operator: its data and sizes.
struct Input {
  void* data = nullptr;
  std::int64_t sizes[5] = {0, 0, 0, 0, 0};

  Input(const OrtApi* api, OrtKernelContext* context, std::size_t place) {
    const OrtValue* value = nullptr;
    call(api, kInput, (const OrtKernelContext*)context, place, &value);
    call(api, kData, (OrtValue*)value, &data);
    OrtShape* shape = nullptr;
    call(api, kShape, value, &shape);
    std::size_t count = 0;
    call(api, kDimensionsCount, (const OrtShape*)shape, &count);
    call(api, kDimensions, (const OrtShape*)shape, &sizes[0], std::min<std::size_t>(count, 5));
    ((void (*)(OrtShape*))api->functions[kReleaseShape])(shape);
  }
  template <class T> const T* as() const { return static_cast<const T*>(data); }
};

// One thread, as a session with one would have, unless the environment allows OpenMP more.
int threads() { return std::getenv("OMP_NUM_THREADS") ? pde::openmp_threads() : 1; }

void compute(void* kernel, OrtKernelContext* context) {
  const OrtApi* api = static_cast<const OrtApi*>(kernel);
  const Input x(api, context, 0), weight(api, context, 1), shift(api, context, 2), out_norm(api, context, 3),
      time(api, context, 4), whole(api, context, 5), numbers(api, context, 6);
  OrtValue* value = nullptr;
  call(api, kOutput, context, std::size_t(0), &x.sizes[0], std::size_t(4), &value);
  void* out = nullptr;
  call(api, kData, value, &out);
  const pde::Shape s{x.sizes[0], x.sizes[1], x.sizes[2], x.sizes[3], weight.sizes[0], weight.sizes[4], time.sizes[0]};
  pde::run_fixed_layer(s, x.as<float>(), weight.as<float>(), shift.as<float>(), out_norm.as<float>(), time.as<float>(),
                       whole.as<std::int64_t>(), numbers.as<double>(), threads(), false, static_cast<float*>(out));
}

const Operator fixed_layer = {
    kVersion,
    [](const Operator*, const OrtApi* api, const OrtKernelInfo*) { return (void*)api; },
    [](const Operator*) { return "FixedLayer"; },
    [](const Operator*) { return "CPUExecutionProvider"; },
    [](const Operator*, std::size_t place) { return int(place < 5 ? kFloat : place == 5 ? kInt64 : kDouble); },
    [](const Operator*) { return std::size_t(7); },
    [](const Operator*, std::size_t) { return int(kFloat); },
    [](const Operator*) { return std::size_t(1); },
    compute,
    [](void*) {},
    [](const Operator*, std::size_t) { return 0; },
    [](const Operator*, std::size_t) { return 0; },
};

}  // namespace

extern "C" OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  const OrtApi* api = base->api(kVersion);
  OrtDomain* domain = nullptr;  // for as long as the process lives: sessions refer to it
  OrtStatus* status = call(api, kCreateDomain, "pde.layers", &domain);
  if (!status) status = call(api, kAddToDomain, domain, &fixed_layer);
  if (!status) status = call(api, kAddDomain, options, domain);
  return status;
}
