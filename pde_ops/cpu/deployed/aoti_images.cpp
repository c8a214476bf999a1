// The operator pde_ops::taken_images for packages of AOTInductor, which call it by this name.
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace {

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
  const bool known = !aoti_torch_get_dim(images, &dims) && !aoti_torch_get_sizes(images, &sizes) &&
                     !aoti_torch_get_dtype(images, &type) && !aoti_torch_get_device_type(images, &device) &&
                     !aoti_torch_get_layout(images, &layout);
  if (!known || rank != 3) return AOTI_TORCH_FAILURE;
  const bool on_cpu = device == aoti_torch_device_type_cpu(), strided = layout == aoti_torch_layout_strided();
  const bool plain = on_cpu && strided && type == aoti_torch_dtype_float32();
  if (!plain || dims != rank + 1 || sizes[0] < 1 || !std::equal(shape, shape + rank, sizes + 1))
    throw std::runtime_error("images are " + type_name(type) + " of the shape (" + listed(sizes, dims) + ")" +
                             (on_cpu ? "" : " on another device") + (strided ? "" : ", not strided") +
                             "; accepted: float32 of the shape (batch, " + listed(shape, rank) +
                             ") on a CPU, with one image or more");
  const std::int64_t strides[] = {shape[0] * shape[1] * shape[2], shape[1] * shape[2], shape[2], 1};
  AOTITorchError done = aoti_torch_empty_strided(rank + 1, sizes, strides, type, device, 0, out);
  if (done != AOTI_TORCH_SUCCESS) return done;
  done = aoti_torch_copy_(*out, images, 0);
  if (done != AOTI_TORCH_SUCCESS) aoti_torch_delete_tensor_object(*out);
  return done;
}
