// The operators pde_ops::fixed_layer and pde_ops::taken_images for packages of AOTInductor, which call them by these names.
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include <stdexcept>
#include <string>

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

std::string listed(const std::int64_t* sizes, std::int64_t count) {
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text;
}

// Types of pixels that a caller may well have; of others the number alone is told.
std::string type_name(std::int32_t type) {
  if (type == aoti_torch_dtype_float32()) return "float32";
  if (type == aoti_torch_dtype_float64()) return "float64";
  if (type == aoti_torch_dtype_float16()) return "float16";
  if (type == aoti_torch_dtype_bfloat16()) return "bfloat16";
  if (type == aoti_torch_dtype_uint8()) return "uint8";
  if (type == aoti_torch_dtype_int64()) return "int64";
  return "type " + std::to_string(type);
}

}  // namespace

// What it throws is told by the package that it is linked into.
extern "C" AOTITorchError aoti_torch_cpu_taken_images(AtenTensorHandle images, const std::int64_t* shape, std::int64_t rank,
                                                      AtenTensorHandle* out) {
  std::int64_t dims = 0, *sizes = nullptr;
  std::int32_t type = 0, device = 0, layout = 0;
  aoti_torch_get_dim(images, &dims);
  aoti_torch_get_sizes(images, &sizes);
  aoti_torch_get_dtype(images, &type);
  aoti_torch_get_device_type(images, &device);
  aoti_torch_get_layout(images, &layout);
  const bool on_cpu = device == aoti_torch_device_type_cpu();
  const bool plain = on_cpu && layout == aoti_torch_layout_strided() && type == aoti_torch_dtype_float32();
  if (!plain || dims != rank + 1 || sizes[0] < 1 || !std::equal(shape, shape + rank, sizes + 1))
    throw std::runtime_error("images are " + type_name(type) + " of the shape (" + listed(sizes, dims) + ")" +
                             (on_cpu ? "" : " on another device") + "; accepted: float32 of the shape (batch, " +
                             listed(shape, rank) + ") on a CPU, with one image or more");
  std::int64_t strides[] = {shape[0] * shape[1] * shape[2], shape[1] * shape[2], shape[2], 1};
  const AOTITorchError made = empty(sizes, strides, out);
  return made == AOTI_TORCH_SUCCESS ? aoti_torch_copy_(*out, images, 0) : made;
}

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
