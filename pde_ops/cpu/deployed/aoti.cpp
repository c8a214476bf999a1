// The operator pde_ops::fixed_layer for packages of AOTInductor, which call it by this name.
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include "layer.h"

namespace {

template <class T> T* data(AtenTensorHandle tensor) {
  void* pointer = nullptr;
  aoti_torch_get_data_ptr(tensor, &pointer);
  return static_cast<T*>(pointer);
}

std::int64_t size(AtenTensorHandle tensor, std::int64_t dim) {
  std::int64_t found = 0;
  aoti_torch_get_size(tensor, dim, &found);
  return found;
}

// Whether a tensor's strides are these; where it has one index alone, any stride is.
bool lie(const std::int64_t* sizes, const std::int64_t* strides, const std::int64_t* wanted) {
  for (int i = 0; i < 4; ++i)
    if (sizes[i] != 1 && strides[i] != wanted[i]) return false;
  return true;
}

AOTITorchError empty(const std::int64_t* sizes, const std::int64_t* strides, AtenTensorHandle* made) {
  return aoti_torch_empty_strided(4, sizes, strides, aoti_torch_dtype_float32(), aoti_torch_device_type_cpu(), 0, made);
}

}  // namespace

extern "C" AOTITorchError aoti_torch_cpu_fixed_layer(AtenTensorHandle x, AtenTensorHandle weight, AtenTensorHandle shift,
                                                     AtenTensorHandle out_norm, AtenTensorHandle time,
                                                     const std::int64_t* whole, std::int64_t, const double* numbers,
                                                     std::int64_t, AtenTensorHandle* out) {
  const pde::Shape s{size(x, 0), size(x, 1), size(x, 2), size(x, 3), size(weight, 0), size(weight, 4), size(time, 0)};
  const std::int64_t area = s.rows * s.cols, volume = s.channels * area;
  const std::int64_t sizes[] = {s.images, s.channels, s.rows, s.cols};
  const std::int64_t planes[] = {volume, area, s.cols, 1}, pixels[] = {volume, 1, s.cols * s.channels, s.channels};
  std::int64_t* strides = nullptr;
  aoti_torch_get_strides(x, &strides);
  const bool channels_last = !lie(sizes, strides, planes) && lie(sizes, strides, pixels) &&
                             pde::stays_channels_last(s, whole[pde::kSteps]);
  const std::int64_t* wanted = channels_last ? pixels : planes;
  AtenTensorHandle taken = x;
  if (!lie(sizes, strides, wanted)) {
    const AOTITorchError made = empty(sizes, wanted, &taken);
    if (made != AOTI_TORCH_SUCCESS) return made;
    aoti_torch_copy_(taken, x, 0);
  }
  const AOTITorchError made = empty(sizes, wanted, out);
  if (made == AOTI_TORCH_SUCCESS)
    pde::run_fixed_layer(s, data<float>(taken), data<float>(weight), data<float>(shift), data<float>(out_norm),
                         data<float>(time), whole, numbers, pde::openmp_threads(), channels_last, data<float>(*out));
  if (taken != x) aoti_torch_delete_tensor_object(taken);
  return made;
}
